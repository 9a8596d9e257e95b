"""From documents to an index and to a better one; with the real MiniLM on a few films."""

from pathlib import Path

import numpy as np
import pytest

from modeling.dense_retriever import build as module
from modeling.dense_retriever.build import Films, build, refine
from modeling.dense_retriever.index import FilmIndex
from modeling.dense_retriever.text_search import TextSearch
from modeling.errors import ArtifactError, DataError
from modeling.text_encoder import infer
from modeling.text_encoder.config import TextEncoderConfig

CONFIG = TextEncoderConfig(processes=1, batch_size=4)
FILMS = Films(
    [f"m{number}" for number in range(12)],
    [
        f"{title} ({1980 + number}). {genre}. {plot}"
        for number, (title, genre, plot) in enumerate(
            (title, genre, plot)
            for title in ("Vault", "Orbit", "Harvest")
            for genre, plot in (
                ("Crime", "Robbers plan a bank heist."),
                ("Sci-Fi", "A crew is lost in space."),
                ("Horror", "A ghost haunts an old house."),
                ("Romance", "A baker falls in love."),
            )
        )
    ],
    [float(number % 5) for number in range(12)],
)


def made(folder: Path, **settings: int | None) -> FilmIndex:
    return build(FILMS, CONFIG, release_id="r1", cache_dir=folder, **settings)  # type: ignore[arg-type]


def test_every_film_is_encoded_and_found_by_text(tmp_path: Path) -> None:
    told: list[tuple[int, int]] = []
    index = build(FILMS, CONFIG, release_id="r1", cache_dir=tmp_path, progress=lambda done, total: told.append((done, total)))
    assert index.stand_ins == frozenset() and set(index.ids) == set(FILMS.ids)
    search = TextSearch(index, CONFIG)
    ids, scores = search.search(["astronauts adrift between the stars", "rob a bank"], 3)
    assert [set(found) for found in ids] == [{"m1", "m5", "m9"}, {"m0", "m4", "m8"}]
    np.testing.assert_allclose(search.score(["rob a bank"], ids[1]), [scores[1]], atol=1e-5)
    assert search.search(["rob a bank"], 3, exclude=[["m0"]])[0][0][:2] == [movie for movie in ids[1] if movie != "m0"]
    assert told[-1] == (12, 12) and told == sorted(told)


def test_the_most_popular_and_some_of_the_others_are_encoded_all_are_found(tmp_path: Path) -> None:
    whole, part = made(tmp_path), made(tmp_path, encode_at_most=7)
    assert len(part.stand_ins) == 5
    popular = {movie for movie, value in zip(FILMS.ids, FILMS.popularity, strict=True) if value >= 3}
    obscure = {movie for movie, value in zip(FILMS.ids, FILMS.popularity, strict=True) if value <= 1}
    assert not popular & part.stand_ins
    assert obscure - part.stand_ins
    for row, movie in enumerate(whole.ids):
        assert np.array_equal(part.vectors[row], whole.vectors[row]) == (movie not in part.stand_ins)


def test_refining_ends_at_the_whole_and_costs_no_vector_twice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    encoded: list[str] = []
    original = infer._encode_span
    monkeypatch.setattr(infer, "_encode_span", lambda config, texts: (encoded.extend(texts), original(config, texts))[1])
    index = made(tmp_path, encode_at_most=5)
    first = refine(index, FILMS, CONFIG, cache_dir=tmp_path, at_most=3)
    assert (len(index.stand_ins), len(first.stand_ins)) == (7, 4)
    popularity = dict(zip(FILMS.ids, FILMS.popularity, strict=True))
    assert min(popularity[movie] for movie in index.stand_ins - first.stand_ins) >= max(popularity[movie] for movie in first.stand_ins)
    whole = refine(first, FILMS, CONFIG, cache_dir=tmp_path)
    assert sorted(encoded) == sorted(FILMS.documents)
    at_once = made(tmp_path / "other")
    assert (whole.ids, whole.stand_ins) == (at_once.ids, frozenset())
    np.testing.assert_allclose(whole.vectors, at_once.vectors, atol=1e-5)
    assert refine(whole, FILMS, CONFIG, cache_dir=tmp_path) is whole


def test_portions_are_joined_most_popular_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = made(tmp_path)
    monkeypatch.setattr(module, "PORTION", 5)
    told: list[tuple[int, int]] = []
    again = build(FILMS, CONFIG, release_id="r1", cache_dir=tmp_path, progress=lambda done, total: told.append((done, total)))
    np.testing.assert_array_equal(again.vectors, whole.vectors)
    assert told == [(5, 12), (10, 12), (12, 12), (12, 12)]


def test_another_encoder_is_refused(tmp_path: Path) -> None:
    index, other = made(tmp_path, encode_at_most=6), TextEncoderConfig(max_tokens=32)
    with pytest.raises(ArtifactError, match=r"max_tokens=64.*max_tokens=32"):
        refine(index, FILMS, other, cache_dir=tmp_path)
    with pytest.raises(ArtifactError, match=r"max_tokens=64.*max_tokens=32"):
        TextSearch(index, other)


def test_bad_arguments(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="expected the same number"):
        Films(["a", "a"], ["x", "y"], [0.0, 1.0])
    with pytest.raises(DataError, match="encode_at_most is 0"):
        made(tmp_path, encode_at_most=0)
    index = made(tmp_path, encode_at_most=6)
    with pytest.raises(DataError, match="of 6 stand-ins"):
        refine(index, Films(["m0"], ["x"], [1.0]), CONFIG, cache_dir=tmp_path)
    assert TextSearch(index, CONFIG).search([], 3) == ([], [])
