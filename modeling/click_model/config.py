"""The settings of the click model and of the reasoning beside it; every problem is reported at once. Stdlib only."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from modeling.language_model.config import FineTuneConfig
from modeling.settings import Settings, is_whole, table_problems

KINDS = ("film", "book")
TEMPLATES = ("simple", "sequential", "high", "rerank", "hybrid")
PROBABILITIES = ("likelihood", "samples", "choice")
HINTS = ("graded", "paper", "none")
READINGS = ("likelihood", "answer")
# RALLRec, released settings; epochs are the candidates' own (`ClickModelConfig.epochs`). Its 8-bit base is no setting of ours.
PUBLISHED_TUNING = FineTuneConfig(rank=8, alpha=16, dropout=0.05, learning_rate=5e-4, batch_size=256, max_length=2_048)


@dataclass(frozen=True, slots=True)
class ClickModelConfig(Settings):
    """What the model is shown, what it learns from, and how its yes is read (RALLRec section 4 and released code).

    `history_length` is K. A training row is shown once under each of `training_templates`, row after row; `training_rows` rows
    are drawn, or with several templates `mixed_pool`, of which the first 2 `training_rows` prompts are used and with `use_all_mixed`
    all. `balanced`: as many liked as disliked rows, which shifts the share of yes that the model learns; published is as drawn.
    `epochs`: one candidate is trained for each number, and the one with the least LogLoss on `validation_rows` rows of the
    *validation* split is kept; the code stops early on test rows, which is not offered.
    `probability`: 'likelihood' of the two answers; behind an endpoint, which has none, 'samples' (the share of yes among
    `samples` answers at `temperature`) or 'choice' (1 or 0). `double_softmax` takes the soft-max of the probabilities once
    more, as the released code does: P(yes) is then confined to 0.269-0.731, so it is for comparison only.
    """

    kind: str = "film"
    history_length: int = 30
    title_characters: int = 80
    training_templates: tuple[str, ...] = ("high", "sequential", "simple")
    inference_template: str = "rerank"
    training_rows: int = 1_024
    mixed_pool: int = 8_192
    use_all_mixed: bool = False
    balanced: bool = False
    validation_rows: int = 1_000
    epochs: tuple[int, ...] = (5, 10, 20)
    probability: str = "likelihood"
    samples: int = 8
    temperature: float = 0.6
    double_softmax: bool = False
    seed: int = 0

    @classmethod
    def _problems(cls, values: Mapping[str, Any]) -> Iterator[str]:
        yield from table_problems(values, whole=_WHOLE, ranges=_RANGES, choices=_CHOICES, flags=_FLAGS)
        yield from _list_problems(values)


@dataclass(frozen=True, slots=True)
class ReasoningConfig(Settings):
    """How a model that reasons is asked beside the tuned one, and how both are merged (RALLRec+ sections 3 and 4.3, released code).

    A question is answered `runs` times at `temperature`, `hinted_runs` times where the prompt holds the tuned model's answer.
    `hint` 'graded' words it by |p - 0.5| as the code does ('is' above 0.2, 'may be' above 0.1, else 'might be'), 'paper' always says
    'might be'. `reading` 'likelihood': the reasoning is put back into the prompt and the two answers are scored; 'answer' (an endpoint):
    1, 0 or, where nothing can be read, 0.5. `alpha` and `epsilon` are of equation 10. `first_run_only` takes the tuned model's
    first run for the mean of its runs, as the released code does.
    """

    runs: int = 16
    hinted_runs: int = 6
    temperature: float = 0.6
    max_new_tokens: int = 4_800
    hint: str = "graded"
    reading: str = "likelihood"
    alpha: float = 0.1
    epsilon: float = 1e-3
    first_run_only: bool = False

    @property
    def runs_per_question(self) -> int:
        """`hinted_runs` or `runs`."""
        return self.runs if self.hint == "none" else self.hinted_runs

    @classmethod
    def _problems(cls, values: Mapping[str, Any]) -> Iterator[str]:
        yield from table_problems(values, whole=_WHOLE, ranges=_RANGES, choices=_CHOICES, flags=_FLAGS)


_WHOLE = {"history_length": 1, "title_characters": 8, "training_rows": 1, "mixed_pool": 1, "validation_rows": 1, "samples": 1, "seed": 0}
_WHOLE |= {"runs": 1, "hinted_runs": 1, "max_new_tokens": 1}
_RANGES = {"temperature": (1e-3, 10.0), "alpha": (0.0, 1e6), "epsilon": (1e-12, 1e6)}
_CHOICES = {"kind": KINDS, "inference_template": TEMPLATES, "probability": PROBABILITIES, "hint": HINTS, "reading": READINGS}
_FLAGS = ("use_all_mixed", "balanced", "double_softmax", "first_run_only")


def _list_problems(values: Mapping[str, Any]) -> Iterator[str]:
    templates, epochs = values.get("training_templates", TEMPLATES), values.get("epochs", (1,))
    if not _are_distinct(templates) or not set(templates) <= set(TEMPLATES):
        yield f"training_templates is {templates!r}, expected distinct ones of {', '.join(TEMPLATES)}, at least one"
    if not _are_distinct(epochs) or not all(is_whole(number, 1) for number in epochs):
        yield f"epochs is {epochs!r}, expected distinct whole numbers of at least 1, at least one"
    if values.get("double_softmax") is True and values.get("probability", "likelihood") != "likelihood":
        yield f"double_softmax needs probability 'likelihood', seen {values['probability']!r}"


def _are_distinct(values: Any) -> bool:
    hashable = isinstance(values, tuple) and all(isinstance(value, str | int) for value in values)
    return hashable and 0 < len(values) == len(set(values))
