"""The query tower learns what can be learned, the same way twice, and scores films that training never saw."""

from pathlib import Path

import numpy as np
import pytest

from modeling.dense_retriever.config import DenseRetrieverConfig
from modeling.dense_retriever.data import Pairs
from modeling.dense_retriever.infer import DenseRetriever, load
from modeling.dense_retriever.train import Corpus, train
from modeling.errors import ArtifactError, DataError
from modeling.text_encoder.embeddings import ItemEmbeddings
from tests.factories import movie_id
from tests.unit.modeling.dense_retriever.conftest import FILMS, Made

SMALL = DenseRetrieverConfig(
    hidden_size=32, output_size=16, dropout=0.1, batch_size=32, max_epochs=25, patience_epochs=0, learning_rate=5e-3
)


def first_choice(model: DenseRetriever, made: Made) -> list[str]:
    scores = model.score(made.turns, made.films.ids)
    return [made.films.ids[column] for column in scores.argmax(axis=1)]


@pytest.mark.parametrize("negatives", ["catalogue", "mined"])
def test_it_learns_which_film_is_meant(made: Made, tmp_path: Path, negatives: str) -> None:
    config = DenseRetrieverConfig.from_mapping({**SMALL.to_mapping(), "negatives": negatives, "hard_negatives": 3})
    mined = {example: [movie_id(n) for n in range(5)] for example in made.examples["example_id"].to_pylist()}
    manifest = train(made.corpus(hard_negatives=mined, at_most=3), config, tmp_path)
    assert manifest.metrics["valid_recall@10"] > 0.9
    model = load(tmp_path, made.films)
    assert (
        np.mean([a == b for a, b in zip(first_choice(model, made), made.targets["movie_id"].to_pylist(), strict=True)]) > 0.3
    )  # chance is 1 in 24


def test_the_same_seed_gives_the_same_weights(made: Made, tmp_path: Path) -> None:
    first, second = (train(made.corpus(), SMALL, tmp_path / name) for name in ("a", "b"))
    assert first.files == second.files
    assert train(made.corpus(), DenseRetrieverConfig(**{**SMALL.to_mapping(), "seed": 1}), tmp_path / "c").files != first.files


def test_members_are_averaged(made: Made, tmp_path: Path) -> None:
    config = DenseRetrieverConfig.from_mapping({**SMALL.to_mapping(), "members": 2, "max_epochs": 2})
    train(made.corpus(), config, tmp_path)
    both = load(tmp_path, made.films)
    alone = [DenseRetriever([towers], made.films.ids, made.films).score(made.turns, made.films.ids) for towers in both.towers]
    np.testing.assert_allclose(both.score(made.turns, made.films.ids), np.mean(alone, axis=0), atol=1e-5)


def test_a_new_film_is_scored_by_its_document_and_changes_no_other(made: Made, tmp_path: Path) -> None:
    train(made.corpus(), SMALL, tmp_path)
    twin = np.concatenate([made.films.matrix, made.films.matrix[:1]])
    grown = ItemEmbeddings((*made.films.ids, movie_id(99)), twin, made.films.encoder)
    before, after = load(tmp_path, made.films), load(tmp_path, grown)
    np.testing.assert_array_equal(before.score(made.turns, made.films.ids), after.score(made.turns, made.films.ids))
    assert np.isfinite(after.score(made.turns, [movie_id(99)])).all()
    assert np.isneginf(before.score(made.turns, [movie_id(99)])).all()


def test_an_inner_product_is_the_score(made: Made, tmp_path: Path) -> None:
    train(made.corpus(), SMALL, tmp_path)
    model = load(tmp_path, made.films)
    np.testing.assert_allclose(model.queries(made.turns) @ model.films.T, model.score(made.turns, model.movie_ids), rtol=1e-5)


def test_without_residual_only_documents_count(made: Made, tmp_path: Path) -> None:
    config = DenseRetrieverConfig.from_mapping({**SMALL.to_mapping(), "film_residual": False})
    assert train(made.corpus(), config, tmp_path).metrics["valid_recall@10"] > 0.9
    other = ItemEmbeddings(tuple(movie_id(n + 500) for n in range(FILMS)), made.films.matrix, made.films.encoder)
    with pytest.raises(ArtifactError, match="no vector"):
        load(tmp_path, other)


def test_vectors_of_another_encoder_are_refused(made: Made, tmp_path: Path) -> None:
    train(made.corpus(), DenseRetrieverConfig(**{**SMALL.to_mapping(), "max_epochs": 1}), tmp_path)
    with pytest.raises(ArtifactError, match="made up"):
        load(tmp_path, ItemEmbeddings(made.films.ids, made.films.matrix, "another"))


def test_no_validation_pair_is_told(made: Made, tmp_path: Path) -> None:
    corpus = made.corpus()
    empty = Pairs(*(part[:0] for part in (corpus.valid.turns, corpus.valid.films, corpus.valid.negatives)))
    with pytest.raises(DataError, match="no validation pair"):
        train(Corpus(corpus.turns, corpus.train, empty, corpus.films), SMALL, tmp_path)
