"""A whole LRURec run: it learns, it stops early, and a run that was killed ends with the same bytes as one that was not."""

import copy
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from modeling.artifacts import Manifest, load_manifest
from modeling.errors import ArtifactError, DataError
from modeling.lrurec import checkpoint, infer
from modeling.lrurec import train as trainer
from modeling.lrurec.config import LRURecConfig
from modeling.lrurec.data import PackedBatch
from modeling.seeding import numpy_generator
from modeling.text_encoder.embeddings import ItemEmbeddings
from tests.training.lrurec_rows import MOVIES, embeddings, sequences, validation

SETTINGS: dict[str, Any] = {
    "embedding_size": 16,
    "state_size": 16,
    "max_epochs": 6,
    "batch_size": 16,
    "learning_rate": 5e-3,
    "dropout": 0.1,
}


def run(
    directory: Path,
    *,
    rows: pa.Table | None = None,
    known: ItemEmbeddings | None = None,
    valid: tuple[pa.Table, pa.Table] | None = None,
    parent: str = "f00d",
    **settings: Any,
) -> Manifest:
    histories, targets = valid or validation()
    return trainer.train(
        sequences() if rows is None else rows,
        LRURecConfig.from_mapping({**SETTINGS, **settings}),
        directory,
        item_embeddings=known,
        validation_histories=histories,
        validation_targets=targets,
        parents={"set_sequences": parent},
    )


def killed_run(directory: Path, monkeypatch: pytest.MonkeyPatch, *, step: int, **settings: Any) -> None:
    """A run that was killed at one of its steps; an epoch has four."""
    with monkeypatch.context() as patch:
        kill_at(patch, trainer, "training_step", step)
        with pytest.raises(Killed):
            run(directory, **settings)


class Killed(BaseException):
    """Stands in for the process being killed: nothing in the trainer may catch it."""


def kill_at(monkeypatch: pytest.MonkeyPatch, owner: Any, name: str, call: int) -> None:
    """Make the `call`-th call of owner.name raise."""
    original, calls = getattr(owner, name), iter(range(1, 10_000))

    def dying(*args: Any, **kwargs: Any) -> Any:
        if next(calls) == call:
            raise Killed
        return original(*args, **kwargs)

    monkeypatch.setattr(owner, name, dying)


def contents(directory: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in directory.iterdir()}


@pytest.mark.parametrize("mode", ["id", "text"])
@pytest.mark.parametrize(
    ("owner", "name", "call"),
    [
        pytest.param(trainer, "training_step", 10, id="inside-epoch-3"),
        pytest.param(trainer, "training_step", 2, id="before-any-checkpoint"),
        pytest.param(checkpoint, "write_json", 4, id="before-the-state-of-epoch-4"),
        pytest.param(trainer, "write_manifest", 1, id="before-the-manifest"),
    ],
)
def test_killed_and_resumed_equals_not_killed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mode: str, owner: Any, name: str, call: int
) -> None:
    known = embeddings() if mode == "text" else None
    run(tmp_path / "whole", mode=mode, known=known)
    with monkeypatch.context() as patch:
        kill_at(patch, owner, name, call)
        with pytest.raises(Killed):
            run(tmp_path / "killed", mode=mode, known=known)
    assert not (tmp_path / "killed" / "manifest.json").exists()
    (tmp_path / "killed" / "weights.safetensors.partial").write_bytes(b"half a file, as a kill inside a write leaves it")
    run(tmp_path / "killed", mode=mode, known=known)
    assert contents(tmp_path / "killed") == contents(tmp_path / "whole")


def test_resuming_takes_up_where_it_stopped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    killed_run(tmp_path, monkeypatch, step=10)  # two epochs are done
    assert sorted(path.name for path in tmp_path.glob("checkpoint-*")) == [
        "checkpoint-00002-network.safetensors",
        "checkpoint-00002-optimizer.safetensors",
    ]
    with monkeypatch.context() as patch:
        kill_at(patch, trainer, "training_step", 4 * 4 + 1)  # the four epochs left, and not one step more
        run(tmp_path)


def test_every_epoch_has_its_own_order_and_every_step_its_own_masks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[tuple[list[int], float]] = []
    original = trainer.training_step

    def watched(network: Any, optimizer: Any, batch: PackedBatch, features: Any, *, generator: np.random.Generator) -> float:
        seen.append((batch.labels.tolist(), numpy_generator(0, f"dropout of step {len(seen)}").random()))
        assert copy.deepcopy(generator).random() == seen[-1][1]
        return original(network, optimizer, batch, features, generator=generator)

    monkeypatch.setattr(trainer, "training_step", watched)
    run(tmp_path, max_epochs=2)
    assert len(seen) == 8
    assert sorted(label for labels, _ in seen[:4] for label in labels) == sorted(label for labels, _ in seen[4:] for label in labels)
    assert seen[0][0] != seen[4][0]
    assert len({mask for _, mask in seen}) == 8


def test_it_learns_the_circle_and_keeps_the_best_epoch(tmp_path: Path) -> None:
    manifest = run(tmp_path, max_epochs=25, patience_epochs=0)
    log = json.loads((tmp_path / "epochs.json").read_text())
    assert len(log) == 25 and log[-1]["loss"] < log[0]["loss"] - 0.5
    best = max(range(25), key=lambda epoch: (log[epoch]["recall@10"], -epoch))  # the earliest of equals
    assert manifest.metrics["best_epoch"] == best + 1
    assert manifest.metrics["valid_recall@10"] == log[best]["recall@10"] > 0.8
    assert load_manifest(tmp_path, model="lrurec").parents == {"set_sequences": "f00d"}
    assert sorted(path.name for path in tmp_path.iterdir()) == ["epochs.json", "manifest.json", "vocabulary.json", "weights.safetensors"]


def test_it_stops_when_validation_no_longer_improves(tmp_path: Path) -> None:
    manifest = run(tmp_path, max_epochs=100, patience_epochs=3, learning_rate=1e-9)
    assert manifest.metrics["epochs"] == manifest.metrics["best_epoch"] + 3 < 100


def test_without_validation_the_last_epoch_is_kept(tmp_path: Path) -> None:
    manifest = trainer.train(sequences(), LRURecConfig.from_mapping({**SETTINGS, "max_epochs": 2}), tmp_path)
    assert (manifest.metrics["epochs"], manifest.metrics["best_epoch"]) == (2, 2)


OTHER_MOVIES = dict(zip(MOVIES, [f"mq{number:012x}" for number in range(100, 124)], strict=True))
OTHERS: dict[str, Callable[[], dict[str, Any]]] = {
    "config": lambda: {"dropout": 0.3},
    "sequences": lambda: {"rows": sequences(59)},
    "movies": lambda: {"rows": renamed(sequences()), "known": replace(embeddings(), ids=tuple(OTHER_MOVIES.values()))},
    "texts": lambda: {"known": replace(embeddings(), matrix=embeddings().matrix + 1)},
    "validation histories": lambda: {"valid": (backwards(validation()[0]), validation()[1])},
    "validation targets": lambda: {"valid": (validation()[0], validation()[1].slice(0, 9))},
    "parents": lambda: {"parent": "beef"},
}


def renamed(rows: pa.Table) -> pa.Table:
    """The same sequences of other movies."""
    movies = [[OTHER_MOVIES[movie] for movie in sequence] for sequence in rows["sequence_movie_ids"].to_pylist()]
    return rows.set_column(rows.column_names.index("sequence_movie_ids"), "sequence_movie_ids", pa.array(movies))


def backwards(examples: pa.Table) -> pa.Table:
    """The same examples with each history reversed."""
    return pa.Table.from_pylist(
        [{**row, "history_movie_ids": row["history_movie_ids"][::-1]} for row in examples.to_pylist()], schema=examples.schema
    )


@pytest.mark.parametrize("other", OTHERS)
def test_a_run_on_anything_else_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, other: str) -> None:
    killed_run(tmp_path, monkeypatch, step=6, mode="text", known=embeddings())
    with pytest.raises(ArtifactError, match="other rows, config or parents"):
        run(tmp_path, **{"mode": "text", "known": embeddings(), **OTHERS[other]()})
    run(tmp_path, mode="text", known=embeddings())


def test_a_finished_model_is_not_overwritten(tmp_path: Path) -> None:
    run(tmp_path, max_epochs=1)
    with pytest.raises(ArtifactError, match="already holds a finished model"):
        run(tmp_path, max_epochs=1)


def test_validation_looks_at_new_targets_of_valid_examples_alone(tmp_path: Path) -> None:
    """A repeated target would be easy, an unranked one a miss, a test example either: none of them may move the metrics."""
    histories, targets = validation()
    repeated = [
        {"example_id": row["example_id"], "target_index": 1, "movie_id": row["history_movie_ids"][0], "is_new": False}
        for row in histories.to_pylist()
    ]
    test_only = [{"example_id": "starter:v0#2", "target_index": 2, "movie_id": None, "is_new": True}]
    more = pa.concat_tables([targets, pa.Table.from_pylist([*repeated, *test_only], schema=targets.schema)])
    found = [run(tmp_path / str(number), valid=(histories, rows), max_epochs=3) for number, rows in enumerate((targets, more))]
    assert found[0].metrics == found[1].metrics
    missed = pa.Table.from_pylist([{**row, "movie_id": None} for row in targets.to_pylist()], schema=targets.schema)
    assert run(tmp_path / "missed", valid=(histories, missed), max_epochs=1).metrics["valid_recall@10"] == 0


def test_a_damaged_checkpoint_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    killed_run(tmp_path, monkeypatch, step=6)
    next(tmp_path.glob("checkpoint-*-network.safetensors")).write_bytes(b"")
    with pytest.raises(ArtifactError, match="changed files"):
        run(tmp_path)
    (tmp_path / "checkpoint.json").write_text("{")
    with pytest.raises(ArtifactError, match="damaged"):
        run(tmp_path)


def test_the_seed_matters_and_is_the_only_chance(tmp_path: Path) -> None:
    weights = [run(tmp_path / str(n), seed=seed, max_epochs=1).files["weights.safetensors"] for n, seed in enumerate((1, 1, 2))]
    assert weights[0] == weights[1] != weights[2]


def test_unseen_movies_are_scored_in_text_mode(tmp_path: Path) -> None:
    run(tmp_path, mode="text", known=embeddings(), max_epochs=25, patience_epochs=0)
    known = embeddings(extra=4)
    model = infer.load(tmp_path, item_embeddings=known)
    unseen = known.ids[len(MOVIES) :]
    scores = model.score([[MOVIES[0], unseen[0]], []], [*unseen, "mq-unknown"])
    assert scores.shape == (2, 5)
    assert np.isfinite(scores[:, :4]).all() and (scores[:, 4] == -np.inf).all()
    # unseen[2] lies between movies 2 and 3: a reader of movies 0 and 1 should find it before those across the circle
    assert model.score([MOVIES[:2]], unseen[2:3])[0, 0] > model.score([MOVIES[:2]], MOVIES[10:18]).max()


def test_text_mode_needs_the_embeddings_it_was_trained_on(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no item embeddings"):
        run(tmp_path / "none", mode="text")
    run(tmp_path / "model", mode="text", known=embeddings(), max_epochs=1)
    with pytest.raises(ArtifactError, match="trained on embeddings by 'circle', given none"):
        infer.load(tmp_path / "model")
    with pytest.raises(ArtifactError, match="trained on embeddings by 'circle', given embeddings by 'square'"):
        infer.load(tmp_path / "model", item_embeddings=replace(embeddings(), encoder="square"))


def test_sequences_without_embeddings_are_named(tmp_path: Path) -> None:
    histories, targets = validation()
    known = embeddings()
    fewer = type(known)(known.ids[:-2], known.matrix[:-2], known.encoder)
    config = LRURecConfig.from_mapping({**SETTINGS, "mode": "text"})
    with pytest.raises(DataError, match=r"2 of 24 movies have no embedding .*mq000000000016"):
        trainer.train(sequences(), config, tmp_path, item_embeddings=fewer, validation_histories=histories, validation_targets=targets)


def test_no_recommender_mention_to_learn_from(tmp_path: Path) -> None:
    """Neither where there is none at all, nor where all of them are older than `max_length`."""
    rows = sequences()
    place = rows.column_names.index("is_target")
    silent = rows.set_column(place, "is_target", pa.array([[False] * len(flags) for flags in rows["is_target"].to_pylist()]))
    early = rows.set_column(place, "is_target", pa.array([[True] + [False] * (len(flags) - 1) for flags in rows["is_target"].to_pylist()]))
    for flagged in (silent, early):
        with pytest.raises(DataError, match="none of the latest 1 positions of any sequence is a recommender's mention"):
            run(tmp_path, rows=flagged, targets_only_recommender=True, max_length=1)
    assert run(tmp_path / "long", rows=early, targets_only_recommender=True, max_epochs=1).metrics["steps"] == 4
