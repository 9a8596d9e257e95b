"""Train the query expert: recommendation rows and film facts in, a LoRA adapter out. The training itself is the language model's."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from modeling.artifacts import Manifest, fingerprint_of
from modeling.errors import DataError
from modeling.language_model.config import FineTuneConfig
from modeling.language_model.data import Example
from modeling.language_model.protocol import LanguageModel
from modeling.language_model.train import Progress, fine_tune
from modeling.query_expert.companions import Companions
from modeling.query_expert.config import QueryExpertConfig, TeacherConfig
from modeling.query_expert.data import examples_of, pairs_of, turns_of
from modeling.query_expert.facts import facts_of
from modeling.query_expert.leak import insist_on_training
from modeling.query_expert.llm_teacher import model_queries
from modeling.query_expert.prompts import STUDENT_VERSION
from modeling.query_expert.teacher import Teacher


@dataclass(frozen=True, slots=True)
class ExpertSettings:
    """What the student is shown, what the teacher says, how the adapter is trained."""

    expert: QueryExpertConfig
    teacher: TeacherConfig
    tuning: FineTuneConfig

    @property
    def fingerprint(self) -> str:
        """SHA-256 of what decides prompts and pseudo-queries, prompt version included."""
        return fingerprint_of({"expert": self.expert.to_mapping(), "teacher": self.teacher.to_mapping(), "student prompt": STUDENT_VERSION})


def training_examples(
    rows: pa.Table, targets: pa.Table, facts: pa.Table, settings: ExpertSettings, *, model: LanguageModel | None = None
) -> tuple[list[Example], list[Example]]:
    """The examples of the splits train and valid; companions of films are counted in train alone.

    `model`: a language model as teacher, best behind a cache; where it says the title, the deterministic teacher writes.
    DataError when `rows` hold another split: hand over train and valid only.
    """
    turns, films = turns_of(rows, targets), facts_of(facts)
    insist_on_training((turn.split for turn in turns), doing="making examples for the query expert")
    companions = Companions.of(turns)
    turns, teacher = companions.shown(turns, settings.expert.companions), Teacher(films, companions, settings.teacher)

    def examples(split: str) -> list[Example]:
        own = [turn for turn in turns if turn.split == split]
        queries = model_queries(model, pairs_of(own, films), films, settings.expert) if model is not None else None
        return examples_of(own, teacher, films, settings.expert, queries=queries)

    return examples("train"), examples("valid")


def train(
    base: str | Path,
    examples: tuple[list[Example], list[Example]],
    settings: ExpertSettings,
    out_dir: Path,
    *,
    progress: Callable[[Progress], None] | None = None,
    parents: Mapping[str, str] | None = None,
) -> Manifest:
    """Tune `base` (folder or hub id) on the (train, valid) examples of `training_examples`; the adapter lies in the empty `out_dir`.

    Its manifest names, as parent 'query expert', the fingerprint of the settings that made prompts and pseudo-queries.
    """
    fitted, held_out = examples
    if not fitted:
        raise DataError("training the query expert: no train turn has a new linked film with facts; check the split and the links")
    families = {**(parents or {}), "query expert": settings.fingerprint}
    return fine_tune(base, fitted, settings.tuning, out_dir, validation=held_out, progress=progress, parents=families)
