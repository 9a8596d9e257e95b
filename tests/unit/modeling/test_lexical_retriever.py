"""BM25 over a handful of films: stems, order, ties, nothing found, saved and loaded."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modeling.errors import ArtifactError, DataError
from modeling.lexical_retriever import LexicalRetriever

FILMS = {
    "m3": "Bank Job (1995). Crime. A robber plans one last heist.",
    "m1": "Star Baker (2001). Comedy. A baker travels among the stars.",
    "m2": "The Robbery (1978). Crime. Robbers rob a train.",
    "m4": "",
    "m6": "Twin (2000). Drama.",
    "m5": "Twin (2000). Drama.",
}


@pytest.fixture(scope="module")
def films() -> LexicalRetriever:
    return LexicalRetriever.build(list(FILMS), list(FILMS.values()), release_id="r1")


def test_words_meet_by_their_stems(films: LexicalRetriever) -> None:
    ids, scores = films.search(["robbers and heists", "BAKING bakers"], 3)
    assert ids == [["m3", "m2"], ["m1"]]
    assert all(values.dtype == np.float64 and (np.diff(values) <= 0).all() and (values > 0).all() for values in scores)


def test_ties_by_the_smaller_id_also_at_the_cut(films: LexicalRetriever) -> None:
    assert films.search(["twin drama"], 2)[0] == [["m5", "m6"]]
    assert films.search(["twin drama"], 1)[0] == [["m5"]]


@pytest.mark.parametrize("query", ["", "   ", "the of and", "qwertyuiop", "!?", "a"])
def test_a_query_without_a_known_word_finds_nothing(films: LexicalRetriever, query: str) -> None:
    ids, scores = films.search([query], 5)
    assert ids == [[]] and len(scores[0]) == 0
    np.testing.assert_array_equal(films.score([query], ["m1", "m4"]), [[0, 0]])


def test_the_score_is_lucenes(films: LexicalRetriever) -> None:
    """One query word: idf * tf / (tf + k1 * (1 - b + b * length / mean length)), by hand."""
    lengths = {"m1": 8, "m2": 6, "m3": 9, "m4": 0, "m5": 3, "m6": 3}  # words of two characters at least, without stop words
    mean = sum(lengths.values()) / 6
    idf = np.log(1 + (6 - 1 + 0.5) / (1 + 0.5))  # one film of six
    expected = idf * 2 / (2 + 1.5 * (1 - 0.75 + 0.75 * lengths["m1"] / mean))  # 'baker' twice
    np.testing.assert_allclose(films.score(["baker"], ["m1"])[0, 0], expected, rtol=1e-5)


def test_scores_agree_with_search_and_unknown_films_are_last(films: LexicalRetriever) -> None:
    ids, found = films.search(["crime train"], 5)
    scores = films.score(["crime train"], [*ids[0], "unknown", "m1"])[0]
    np.testing.assert_array_equal(scores[: len(ids[0])], found[0])
    assert np.isneginf(scores[-2]) and scores[-1] == 0


def test_excluded_films_are_not_found(films: LexicalRetriever) -> None:
    assert films.search(["crime", "crime"], 1, exclude=[["m2", "unknown"], []])[0] == [["m3"], films.search(["crime"], 1)[0][0]]


@settings(max_examples=40, deadline=None)
@given(st.lists(st.text(max_size=20), max_size=4))
def test_any_text_is_a_query(texts: list[str]) -> None:
    retriever = LexicalRetriever.build(["a", "b"], ["Alien (1979).", "Heat (1995)."], release_id="r1")
    ids, scores = retriever.search(texts, 2)
    assert len(ids) == len(scores) == len(texts)
    assert all(len(found) == len(values) <= 2 for found, values in zip(ids, scores, strict=True))


def test_order_of_films_does_not_matter(films: LexicalRetriever) -> None:
    reversed_ = LexicalRetriever.build(list(FILMS)[::-1], list(FILMS.values())[::-1], release_id="r1")
    query = ["robber crime drama twin"]
    assert reversed_.search(query, 6)[0] == films.search(query, 6)[0]


def test_saved_and_loaded(films: LexicalRetriever, tmp_path: Path) -> None:
    manifest = films.save(tmp_path)
    loaded = LexicalRetriever.load(tmp_path, release_id="r1")
    for before, after in zip(films.search(["robber star"], 6), loaded.search(["robber star"], 6), strict=True):
        np.testing.assert_equal(after, before)
    assert manifest.metrics["films"] == 6 and "ids.json" in manifest.files
    assert not any(name.endswith((".pkl", ".pickle")) for name in manifest.files)


def test_another_release_or_a_changed_file_is_refused(films: LexicalRetriever, tmp_path: Path) -> None:
    films.save(tmp_path)
    with pytest.raises(ArtifactError, match=r"release 'r1'.*expected 'r2'"):
        LexicalRetriever.load(tmp_path, release_id="r2")
    (tmp_path / "ids.json").write_text("[]")
    with pytest.raises(ArtifactError, match=r"ids\.json has SHA-256"):
        LexicalRetriever.load(tmp_path, release_id="r1")


def test_bad_arguments(films: LexicalRetriever) -> None:
    with pytest.raises(DataError, match="2 ids, 1 distinct"):
        LexicalRetriever.build(["a", "a"], ["x y", "z w"], release_id="r1")
    with pytest.raises(DataError, match="none of 2 documents"):
        LexicalRetriever.build(["a", "b"], ["", "the"], release_id="r1")
    with pytest.raises(DataError, match="k 0"):
        films.search(["x"], 0)
    with pytest.raises(DataError, match="one list each"):
        films.search(["x"], 1, exclude=[])
