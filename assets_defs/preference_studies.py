"""Studies of the loop on validation turns: how good a ranker must be, one setting changed at a time, and each ranker alone.

A study runs the whole loop in one materialisation, from the supervised retriever of the graph, on fewer turns than the loop itself.
"""

import copy
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pyarrow as pa

from assets_defs.core import write
from assets_defs.language import is_endpoint
from assets_defs.links import markdown
from assets_defs.models import release_of_parents
from assets_defs.preference_parts import Judge, config_of, feedback_of, feedback_turns, judged_turns, load_policy, retrieval_value
from assets_defs.step import Built, Job
from assets_defs.turns import of_split, sampled
from corpus_pipeline.schema import tables as t
from corpus_pipeline.schema.render import arrow_schema
from modeling.ranker.names import LANGUAGE_MODELS

if TYPE_CHECKING:
    from modeling.generator.prompts import Turn
    from modeling.preference_retriever.config import PreferenceConfig
    from modeling.preference_retriever.data import Turns
    from modeling.ranker.protocol import RankedSet

TIMED = 8  # lists by which a ranker's cost is told
ACCURACIES = (0.0, 0.25, 0.5, 0.75, 0.9)
# One setting changed at a time; what is not named is the profile's.
ABLATIONS: tuple[tuple[str, Mapping[str, Any]], ...] = (
    ("as the profile has it", {}),
    *((f"K={count}", {"candidates": count}) for count in (10, 20, 50)),
    *((f"M={count}", {"set_count": count}) for count in (2, 4, 8)),
    *((f"objective={name}", {"objective": name}) for name in ("dpo", "all_pairs", "reinforce", "group_relative", "anchor")),
    ("forced truth", {"forced_truth": True}),
    ("reference=previous", {"reference": "previous"}),
    ("length-normalised", {"length_normalised": True}),
    ("no anchor", {"anchor_weight": 0.0}),
)
Row = dict[str, Any]


def eval_feedback_ceiling(job: Job) -> Iterator[Built]:
    """The loop under an oracle and noisy ones: the most that the reward can give, and how good a ranker must be for it to help.

    Beside them the profile's ranker for studies, and for both the control: the same turns learned from by supervision.
    """
    from modeling.ranker.names import NOISY

    rankers, rows = (*(f"{NOISY}{accuracy}" for accuracy in ACCURACIES), "oracle", job.workspace.profile.study_ranker), list[Row]()
    retriever = job.workspace.profile.study_retriever
    for ranker in rankers:
        study = Study(job, retriever, ranker)
        for objective in ("dpo", "anchor") if ranker in rankers[-2:] else ("dpo",):
            job.progress(f"{retriever} under {ranker}, {objective}", len(rows), 0)
            rows += study.told(f"objective={objective}", {"objective": objective})
    table = pa.Table.from_pylist(rows, schema=arrow_schema(t.EVAL_FEEDBACK_CEILING))
    built = write(job, [(t.EVAL_FEEDBACK_CEILING.name, table)])
    yield Built(built.files, {**built.metadata, "gain by ranker": markdown(_shown(rows)), "ceiling": _ceiling_plot(rows)})


def eval_preference_ablation(job: Job) -> Iterator[Built]:
    """The loop of one retriever with one setting changed at a time, under the profile's ranker for studies."""
    profile, rows = job.workspace.profile, list[Row]()
    study = Study(job, profile.study_retriever, profile.study_ranker)
    for name, changed in ABLATIONS:
        job.progress(f"ablation: {name}", len(rows), 0)
        rows += study.told(name, _within(changed, profile.preference))
    table = pa.Table.from_pylist(rows, schema=arrow_schema(t.EVAL_PREFERENCE_ABLATION))
    built = write(job, [(t.EVAL_PREFERENCE_ABLATION.name, table)])
    yield Built(built.files, {**built.metadata, "one setting at a time": markdown(_shown(rows)), "final list by round": _round_plot(rows)})


def _within(changed: Mapping[str, Any], settings: Mapping[str, Any]) -> dict[str, Any]:
    """A setting with no fewer films in the support than in a set."""
    support = max(changed.get("candidates", 0), int(settings.get("support", 200)))
    return {**changed, "support": support} if "candidates" in changed else dict(changed)


class Study:
    """The loop of one retriever under one ranker, its turns read once, run as often as there are settings to try."""

    def __init__(self, job: Job, retriever: str, ranker: str) -> None:
        release, count = release_of_parents(job), job.workspace.profile.sizes.ceiling_turns
        self.job, self.retriever, self.ranker = job, retriever, ranker
        self.valid = Judge(job, release, judged_turns(job, "valid", ranker), retriever, ranker)
        rows = feedback_turns(job, retriever)
        parts = [sampled(rows, count, purpose=f"study turns of round {number}") for number in t.ROUNDS]
        self.rounds = [Judge(job, release, part, retriever, ranker) for part in parts]

    def told(self, setting: str, changed: Mapping[str, Any]) -> Iterator[Row]:
        """Means over seeds after each round; the interval is of the seeds: lowest to highest."""
        seeds = self.job.workspace.profile.sizes.loop_seeds
        runs = [self._run(replace(config_of(self.job.workspace, self.retriever, seed), **changed)) for seed in seeds]
        for number, states in enumerate(zip(*runs, strict=True)):
            for metric in states[0]:
                values = [state[metric] for state in states]
                yield {
                    "retriever": self.retriever, "ranker": self.ranker, "setting": f"{setting}, round {number}", "dataset": "all",
                    "metric": metric, "value": float(np.mean(values)), "ci_low": min(values), "ci_high": max(values), "count": len(values),
                }  # fmt: skip

    def _run(self, config: "PreferenceConfig") -> list[Row]:
        """What the retriever shows before the first round and after each."""
        from modeling.preference_retriever.rounds import draw
        from modeling.preference_retriever.train import update

        policy = load_policy(self.job.workspace, self.retriever, config.seed, 0, self.valid.turns.features.shape[1])
        reference = copy.deepcopy(policy)
        shown: list[Row] = [_state(self.valid, policy, config)]
        for number, judge in zip(t.ROUNDS, self.rounds, strict=True):
            draws = draw(policy, judge.turns, config, purpose=f"round {number}")
            found = feedback_of(judge, draws, config, call_budget=None)
            before = copy.deepcopy(policy)
            done = update(policy, reference, judge.turns, draws, found.rewards, config, purpose=f"round {number}")
            reference = before if config.reference == "previous" else reference
            shown.append(
                {**_state(self.valid, policy, config), "mean reward": float(found.rewards.mean()), "share of ties": done.tie_share}
            )
        return shown


def _state(valid: Judge, policy: Any, config: "PreferenceConfig") -> Row:
    return {"final ndcg@10": valid.value(policy, config), "retrieval ndcg@10": retrieval_value(policy, valid.turns, config.reward_cutoff)}


def _final(rows: Sequence[Row]) -> dict[tuple[str, str, str], list[float]]:
    """Final nDCG@10 by round, of each retriever, ranker and setting."""
    curves: dict[tuple[str, str, str], list[float]] = {}
    for row in rows:
        if row["metric"] == "final ndcg@10":
            curves.setdefault((row["retriever"], row["ranker"], row["setting"].rpartition(", round")[0]), []).append(row["value"])
    return curves


def _shown(rows: Sequence[Row]) -> pa.Table:
    names = ("retriever", "ranker", "setting")
    return pa.Table.from_pylist(
        [
            {**dict(zip(names, key, strict=True)), **{f"round {number}": round(value, 4) for number, value in enumerate(values)}}
            for key, values in _final(rows).items()
        ]
    )


def _ceiling_plot(rows: Sequence[Row]) -> str:
    """Relative gain of the last round over the start, by the accuracy of the ranker; an oracle is right always."""
    from assets_defs.plots import xy
    from modeling.ranker.names import accuracy_of

    curves: dict[str, tuple[list[float], list[float]]] = {}
    for (retriever, ranker, setting), values in _final(rows).items():
        accuracy = 1.0 if ranker == "oracle" else accuracy_of(ranker)
        if accuracy is not None and values[0] > 0:
            x, y = curves.setdefault(f"{retriever}, {setting}", ([], []))
            x.append(accuracy)
            y.append(values[-1] / values[0] - 1.0)
    return xy(curves, xlabel="accuracy of the ranker", ylabel="gain in nDCG@10 of its list") if curves else "no gain can be told\n"


def _round_plot(rows: Sequence[Row]) -> str:
    from assets_defs.plots import xy

    curves = {setting: ([float(n) for n in range(len(values))], values) for (_, _, setting), values in _final(rows).items()}
    return xy(curves, xlabel="round", ylabel="nDCG@10 of the final list")


def eval_ranker(job: Job) -> Iterator[Built]:
    """Each ranker on the same candidates: how it orders them, in which order and with what it was shown them, and what it costs."""
    rows, costs = list[Row](), list[Row]()
    retriever = job.workspace.profile.loop_retrievers[0]
    for ranker in job.workspace.profile.rankers:
        for name, changed in _ways(ranker):
            job.progress(f"{ranker}: {name}", len(rows), 0)
            asked = _Asked.of(job, retriever, ranker, changed)
            costs.append({"ranker": ranker, "setting": name, "seconds a list, nothing cached": _seconds(asked)})
            rows += _alone(asked, retriever, ranker, name, changed)
    table = pa.Table.from_pylist(rows, schema=arrow_schema(t.EVAL_RANKER))
    built = write(job, [(t.EVAL_RANKER.name, table)])
    told = markdown(table.select(["ranker", "setting", "metric", "value", "count"]))
    yield Built(built.files, {**built.metadata, "rankers": told, "cost": markdown(pa.Table.from_pylist(costs))})


def _ways(ranker: str) -> list[tuple[str, Mapping[str, Any]]]:
    """Order of the candidates and metadata, each changed alone; the model held to the candidates and free."""
    if ranker not in LANGUAGE_MODELS:
        return [("as it is", {})]
    metadata = ["genres", "lead", "director"]
    return [
        ("score order", {"candidate_order": "score", "mode": "likelihood"}),
        ("shuffled", {"candidate_order": "shuffled", "mode": "likelihood"}),
        ("score order, with metadata", {"candidate_order": "score", "mode": "likelihood", "details": metadata}),
        ("score order, without metadata", {"candidate_order": "score", "mode": "likelihood", "details": []}),
        ("a list, unconstrained", {"candidate_order": "score", "mode": "list"}),
    ]


class _Asked(NamedTuple):
    """A ranker with the lists of the supervised retriever that it is asked about."""

    judge: Judge
    config: "PreferenceConfig"
    lists: list[list[str]]

    @classmethod
    def of(cls, job: Job, retriever: str, ranker: str, changed: Mapping[str, Any]) -> "_Asked":
        from modeling.preference_retriever.rounds import offer

        release, sizes = release_of_parents(job), job.workspace.profile.sizes
        rows = of_split(job.parent_table(t.SET_RECOMMENDATION), "valid")
        examples = sampled(rows, sizes.free_answers, purpose="turns for rankers alone", per_dataset=True)
        judge = Judge(job, release, examples, retriever, ranker, changed=changed)
        config = config_of(job.workspace, retriever, sizes.loop_seeds[0])
        policy = load_policy(job.workspace, retriever, config.seed, 0, judge.turns.features.shape[1])
        columns = offer(policy, judge.turns, config.candidates).tolist()
        return cls(judge, config, [[judge.turns.films[column] for column in row if column >= 0] for row in columns])

    @property
    def turns(self) -> "list[Turn]":
        return [self.judge.said[example] for example in self.judge.turns.example_ids]


def _seconds(asked: _Asked) -> float | None:
    """Seconds a list of the first few, past the cache; None behind an endpoint, whose calls may cost money."""
    from modeling.language_model.cache import CachedModel
    from modeling.ranker.infer import LanguageModelRanker

    ranker, turns = asked.judge.ranker, asked.turns[:TIMED]
    if is_endpoint(asked.judge.job.workspace) or not turns:
        return None
    if isinstance(ranker, LanguageModelRanker) and isinstance(ranker.model, CachedModel):
        ranker = LanguageModelRanker(ranker.model.model, ranker.catalogue, ranker.config, link=ranker.link)
    started = time.perf_counter()
    ranker.rank(turns, asked.lists[:TIMED])
    return round((time.perf_counter() - started) / len(turns), 4)


def _alone(asked: _Asked, retriever: str, ranker: str, name: str, changed: Mapping[str, Any]) -> Iterator[Row]:
    """Quality, position bias, titles that match nothing and failures of one ranker in one way of asking."""
    answers = asked.judge.ranker.rank(asked.turns, asked.lists)
    measured = {**_quality(asked.judge.turns, answers, asked.config), **_bias(asked, answers, changed)}
    for metric, value in measured.items():
        if np.isfinite(value):
            yield {
                "retriever": retriever, "ranker": ranker, "setting": name, "dataset": "all", "metric": metric, "value": float(value),
                "count": len(asked.lists),
            }  # fmt: skip


def _quality(turns: "Turns", answers: "Sequence[RankedSet]", config: "PreferenceConfig") -> dict[str, float]:
    from modeling.preference_retriever.rounds import list_reward
    from modeling.ranker.protocol import FAILURES

    rewards = [list_reward(answer.order, turns, row, config.reward_cutoff) for row, answer in enumerate(answers)]
    titles = max(1, sum(answer.title_count for answer in answers))
    found = {
        "ndcg@10": float(np.mean(rewards)) if rewards else float("nan"),
        "titles a list": titles / max(1, len(answers)),
        "unmatched titles, share": sum(answer.unmatched_count for answer in answers) / titles,
        "titles outside the candidates, share": sum(answer.outside_count for answer in answers) / titles,
        "duplicate titles, share": sum(answer.duplicate_count for answer in answers) / titles,
    }
    failed = {name: sum(answer.failure == name for answer in answers) / max(1, len(answers)) for name in FAILURES if name}
    return found | {f"failed: {name}, share": share for name, share in failed.items()}


def _bias(asked: _Asked, answers: "Sequence[RankedSet]", changed: Mapping[str, Any]) -> dict[str, float]:
    """How far the order follows the order of showing; a retriever's order is no chance, so only the shuffled one tells a bias."""
    from modeling.ranker.config import RankerConfig
    from modeling.ranker.position_bias import position_bias
    from modeling.ranker.prompts import shown

    config = RankerConfig.from_mapping({**asked.judge.job.workspace.profile.ranker, **changed})
    found = position_bias([shown(turn, films, config) for turn, films in zip(asked.turns, asked.lists, strict=True)], answers)
    first = found.first_share[0] if len(found.first_share) else float("nan")
    return {"follows the order shown, Spearman": found.correlation, "first place to the film shown first, share": float(first)}
