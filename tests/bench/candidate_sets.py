"""Seconds to draw candidate sets and compute their log-probabilities, against a plain loop over sets, in one run.

    python tests/bench/candidate_sets.py [--threads 2] [--repeats 7] [--loop-turns 48]

1,024 turns x 8 sets x 20 films over a support of 1,000 films with made-up scores. The loop takes one set at a time in numpy, in
float32: Gumbel noise, the 20 largest keys by argpartition and argsort, then a logsumexp over what is left for each of the 20 draws.
It comes twice: `scipy` calls scipy.special.logsumexp, `written_out` has maximum, exp and sum in place, without any check of its
input, which is the least that numpy can do. Loops are timed on the first `--loop-turns` turns and scaled to all; ours is timed on
all. They take turns, so that other work on the machine slows all of them; `cpu_ratio`, from processor seconds, hardly feels it at
`--threads 1`. The log-probabilities of the same sets are compared with the loop's in float64.
"""

import argparse
import json
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from scipy.special import logsumexp

from modeling.preference_retriever.candidate_sets import log_probabilities, sample

TURNS, SETS, SIZE, SUPPORT, TEMPERATURE = 1024, 8, 20, 1000, 0.7
SECONDS, RATIO, CLOSE = 1.0, 20.0, 1e-4
Sum = Callable[[np.ndarray], Any]


def written_out(values: np.ndarray) -> Any:
    """logsumexp in three passes."""
    top = values.max()
    return top + np.log(np.exp(values - top).sum())


def drawn_by_loop(scores: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """One set: the places of the `SIZE` largest keys, best first."""
    keys = scores / TEMPERATURE + generator.gumbel(size=len(scores))
    best = np.argpartition(-keys, SIZE)[:SIZE]
    return best[np.argsort(-keys[best])]


def chance_by_loop(scores: np.ndarray, drawn: np.ndarray, log_of_sum: Sum) -> float:
    """log pi of one set, draw by draw."""
    left, total = scores / TEMPERATURE, 0.0
    for place in drawn:
        total += left[place] - log_of_sum(left)
        left[place] = -np.inf
    return float(total)


def loop(scores: np.ndarray, generator: np.random.Generator, log_of_sum: Sum) -> list[float]:
    """Log-probabilities of `SETS` sets of each turn, drawn one by one."""
    return [chance_by_loop(own, drawn_by_loop(own, generator), log_of_sum) for own in scores for _ in range(SETS)]


def spent(work: Callable[[], object]) -> tuple[float, float]:
    """Seconds by the wall clock and of the processor."""
    started, cpu_started = time.perf_counter(), time.process_time()
    work()
    return time.perf_counter() - started, time.process_time() - cpu_started


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--loop-turns", type=int, default=48, help="turns the loops are timed on")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    made_up = -np.sort(np.random.default_rng(0).normal(0, 2, (TURNS, SUPPORT)).astype(np.float32), axis=1)  # a support is best first
    scores, part, scale = torch.from_numpy(made_up), made_up[: arguments.loop_turns], TURNS / arguments.loop_turns
    leaf, generator = scores.clone().requires_grad_(), np.random.Generator(np.random.SFC64(1))

    def drawn() -> torch.Tensor:
        return sample(scores, set_count=SETS, size=SIZE, temperature=TEMPERATURE, generator=generator)

    sets = drawn()
    chances = log_probabilities(scores, sets, temperature=TEMPERATURE)
    works: dict[str, Callable[[], object]] = {
        "draw": drawn,
        "both": lambda: log_probabilities(scores, drawn(), temperature=TEMPERATURE),
        "gradient": lambda: log_probabilities(leaf, sets, temperature=TEMPERATURE).sum().backward(),
        "scipy": lambda: loop(part, generator, logsumexp),
        "written_out": lambda: loop(part, generator, written_out),
    }
    measured = np.array([[spent(work) for work in works.values()] for _ in range(arguments.repeats)])
    measured[:, 3:] *= scale
    wall, cpu = (dict(zip(works, np.median(measured[:, :, clock], axis=0).tolist(), strict=True)) for clock in (0, 1))
    exact = [chance_by_loop(made_up[row].astype(np.float64), sets[row, place].numpy(), logsumexp) for row, place in np.ndindex(64, SETS)]
    difference = float(np.abs(np.array(exact).reshape(64, SETS) - chances[:64].numpy()).max())
    ratios = {name: round(wall[name] / wall["both"], 1) for name in ("scipy", "written_out")}
    result = {
        "turns": TURNS, "sets": SETS, "films": SIZE, "support": SUPPORT, "threads": arguments.threads, "repeats": arguments.repeats,
        "draw_s": round(wall["draw"], 4), "draw_and_log_probabilities_s": round(wall["both"], 4),
        "log_probabilities_and_gradient_s": round(wall["gradient"], 4), "loop_turns_timed": len(part),
        "loop_s": {name: round(wall[name], 2) for name in ratios}, "ratio": ratios,
        "cpu_ratio": {name: round(cpu[name] / cpu["both"], 1) for name in ratios}, "greatest_difference": difference,
        "bars": {"seconds": SECONDS, "ratio": RATIO, "difference": CLOSE},
        "passed": {"seconds": wall["both"] < SECONDS, "difference": difference < CLOSE}
        | {f"ratio to {name}": ratio >= RATIO for name, ratio in ratios.items()},
    }  # fmt: skip
    sys.stdout.write(json.dumps(result) + "\n")


if __name__ == "__main__":
    main()
