"""Training end to end at toy size: an adapter is written, loads, answers, and its manifest names what made it."""

from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pytest

from modeling.artifacts import read_manifest
from modeling.errors import DataError
from modeling.language_model.config import BaseLMConfig, FineTuneConfig
from modeling.language_model.local import LocalModel
from modeling.language_model.train import adapt_base
from modeling.query_expert.config import QueryExpertConfig, TeacherConfig
from modeling.query_expert.data import turns_of
from modeling.query_expert.facts import facts_of
from modeling.query_expert.infer import write_queries
from modeling.query_expert.train import ExpertSettings, train, training_examples
from tests.unit.modeling.query_expert.conftest import Scripted

SETTINGS = ExpertSettings(QueryExpertConfig(max_new_tokens=8), TeacherConfig(), FineTuneConfig(batch_size=2, max_length=256, max_steps=2))


def _learnable(rows: pa.Table) -> pa.Table:
    return rows.filter(pc.field("split") != "test")


def test_examples_by_split(rows: pa.Table, targets: pa.Table, film_rows: pa.Table) -> None:
    fitted, held_out = training_examples(_learnable(rows), targets, film_rows, SETTINGS)
    assert len(fitted) == 3 and len(held_out) == 1
    with pytest.raises(DataError, match="split test"):
        training_examples(rows, targets, film_rows, SETTINGS)


def test_a_model_may_teach(rows: pa.Table, targets: pa.Table, film_rows: pa.Table) -> None:
    class Parrot(Scripted):
        def generate(self, prompts: Sequence[str], **rest: object) -> list[str]:  # type: ignore[override]
            return ["a film of 1999"] + ["foggy films at sea"] * (len(prompts) - 1)

    own, _ = training_examples(_learnable(rows), targets, film_rows, SETTINGS)
    taught, held_out = training_examples(_learnable(rows), targets, film_rows, SETTINGS, model=Parrot([]))
    assert [example.completion for example in taught] == [own[0].completion, " foggy films at sea", " foggy films at sea"]
    assert held_out[0].completion == " a film of 1999"  # a title of the other pair's film alone


def test_train_and_write(rows: pa.Table, targets: pa.Table, film_rows: pa.Table, tmp_path: Path) -> None:
    examples = training_examples(_learnable(rows), targets, film_rows, SETTINGS)
    texts = [example.prompt + example.completion for example in examples[0]]
    adapt_base(texts, BaseLMConfig(start="random", layers=1, hidden_size=16, heads=2, epochs=0), tmp_path / "base")
    told: list[int] = []
    manifest = train(
        tmp_path / "base", examples, SETTINGS, tmp_path / "expert", progress=lambda step: told.append(step.step), parents={"rows": "r"}
    )
    assert told == [1, 2] and manifest == read_manifest(tmp_path / "expert")
    assert manifest.parents["query expert"] == SETTINGS.fingerprint and manifest.parents["rows"] == "r"
    assert manifest.metrics["valid_loss"] > 0
    model = LocalModel.load(tmp_path / "base", tmp_path / "expert")
    written = write_queries(model, turns_of(rows), facts_of(film_rows), "expert", SETTINGS.expert)
    assert len(written.queries) == 4 and all(written.queries)


def test_without_an_example(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no train turn has a new linked film"):
        train("nowhere", ([], []), SETTINGS, tmp_path)


def test_the_fingerprint_follows_what_makes_examples() -> None:
    other = ExpertSettings(SETTINGS.expert, TeacherConfig(people=1), SETTINGS.tuning)
    assert other.fingerprint != SETTINGS.fingerprint
    assert ExpertSettings(SETTINGS.expert, SETTINGS.teacher, FineTuneConfig()).fingerprint == SETTINGS.fingerprint
