"""Rows for the linker's scorer: what is right, wrong and open on texts that can be read off by hand; no film in two groups."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from corpus_pipeline.linking.candidates import contexts
from corpus_pipeline.linking.consider import consider_texts
from corpus_pipeline.linking.evidence import ITSELF, Cues
from corpus_pipeline.linking.gold import MENTIONS, TEXTS, Gold, film_group
from corpus_pipeline.linking.planted import PLANTED_TITLES
from corpus_pipeline.linking.settings import DEFAULT
from corpus_pipeline.linking.title_index import TitleIndex
from corpus_pipeline.linking.words import word_hash
from corpus_pipeline.training_sets import linking
from corpus_pipeline.training_sets.linking import OPEN, RIGHT, WRONG, Rows, as_of, joined, labels, learn_cues, text_rows, title_rows
from tests.catalogues import Film, index_of
from tests.factories import movie_id

FILMS = (
    Film("The Copper Lighthouse", 1962, 4.0),
    Film("The Copper Lighthouse", 2004, 5.5),
    Film("Plum", 2011, 5.0),
    Film("Plum Orchard", 1975, 3.0),
    Film("Mirrorwise", 1990, 4.5),
)
OLD, NEW, PLUM, ORCHARD, MIRROR = (movie_id(number) for number in range(1, 6))
NO_CUES = Cues({})
Row = dict[str, Any]


@pytest.fixture(scope="module")
def index() -> TitleIndex:
    return index_of(*FILMS)


def text(said: str, dialogue: str = "redial:1", group: str = "train", **over: Any) -> Row:
    return {"dataset": "redial", "split": "train", "dialogue_id": dialogue, "turn_index": 0, "text": said, "group": group, **over}


def mention(text_id: int, place: tuple[int, int] | None, film: str | None, group: str = "train", **over: Any) -> Row:
    start, end = place or (None, None)
    row: Row = {
        "text_id": text_id,
        "mention_index": 0,
        "span_start": start,
        "span_end": end,
        "movie_id": film,
        "is_known": True,
        "kinds": [],
    }
    return {**row, "group": group, **over}


def gold(texts: Sequence[Row], mentions: Sequence[Row] = ()) -> Gold:
    numbered = [{"text_id": number, "speaker": "seeker", **row} for number, row in enumerate(texts)]
    return Gold(pa.Table.from_pylist(numbered, schema=TEXTS), pa.Table.from_pylist(list(mentions), schema=MENTIONS))


def labelled(said: Sequence[str], mentions: Sequence[Row], index: TitleIndex) -> dict[tuple[int, str, str], int]:
    """The label of every pair by its text, surface and film."""
    marked = gold([text(one) for one in said], mentions)
    context = contexts(None, len(said), np.full(len(said), 2018))
    considered = consider_texts(list(said), context, index, NO_CUES, DEFAULT)
    words, spans, pairs = considered.words, considered.spans, considered.pairs
    label, _ = labels(considered, marked, index)
    films = index.films.ids(pairs.film).to_pylist()
    starts, ends = words.start[spans.first[pairs.span]], words.end[spans.last[pairs.span] - 1]
    owners = considered.text.tolist()
    names = [(owner, said[owner][start:end], film) for owner, start, end, film in zip(owners, starts, ends, films, strict=True)]
    return dict(zip(names, label.tolist(), strict=True))


def test_the_film_on_its_own_stretch_is_right_and_its_namesake_wrong(index: TitleIndex) -> None:
    said = "I saw The Copper Lighthouse"
    for start in (6, 10):  # the article belongs to the mark or not
        found = labelled([said], [mention(0, (start, len(said)), NEW)], index)
        assert {(film, label) for (_, _, film), label in found.items()} == {(NEW, RIGHT), (OLD, WRONG)}


def test_the_film_on_another_stretch_across_its_place_is_open(index: TitleIndex) -> None:
    marked = [mention(0, (0, 12), PLUM)]
    assert labelled(["Plum orchard"], marked, index) == {
        (0, "Plum", PLUM): OPEN, (0, "Plum orchard", ORCHARD): WRONG,
    }  # fmt: skip


def test_stretches_across_several_mentions_are_open(index: TitleIndex) -> None:
    found = labelled(["Plum orchard"], [mention(0, (0, 4), PLUM), mention(0, (5, 12), None)], index)
    assert found == {(0, "Plum", PLUM): RIGHT, (0, "Plum orchard", ORCHARD): OPEN}


def test_what_gold_does_not_know_is_open_and_what_the_catalogue_lacks_is_wrong(index: TitleIndex) -> None:
    marked = [mention(0, (0, 4), None, is_known=False), mention(1, (0, 4), None)]
    assert labelled(["Plum", "Plum"], marked, index) == {(0, "Plum", PLUM): OPEN, (1, "Plum", PLUM): WRONG}


def test_outside_every_mark_a_film_is_wrong_unless_the_turn_names_it_somewhere(index: TitleIndex) -> None:
    found = labelled(["Plum mirrorwise", "mirrorwise", "Plum"], [mention(0, None, MIRROR)], index)
    assert found == {
        (0, "Plum", PLUM): WRONG, (0, "mirrorwise", MIRROR): OPEN, (1, "mirrorwise", MIRROR): WRONG, (2, "Plum", PLUM): WRONG,
    }  # fmt: skip


def test_a_film_that_this_catalogue_lacks_opens_nothing(index: TitleIndex) -> None:
    """Judged films come from a larger catalogue than some profiles have."""
    found = labelled(["Mirrorwise", "Plum"], [mention(1, None, "mqffffffffffff"), mention(1, (0, 4), "mqffffffffffff")], index)
    assert found == {(0, "Mirrorwise", MIRROR): WRONG, (1, "Plum", PLUM): WRONG}


def test_misspelled_mentions_are_learned_too(index: TitleIndex) -> None:
    found = labelled(["saw Mirorwise"], [mention(0, (4, 13), MIRROR)], index)
    assert found[0, "Mirorwise", MIRROR] == RIGHT


def by_label(rows: Rows) -> list[int]:
    return sorted(rows.label.tolist())


def test_marked_stretches_follow_their_film_and_others_their_dialogue(index: TitleIndex) -> None:
    texts = [text("Plum"), text("Mirrorwise", "redial:2", group="tune"), text("Plum", "redial:3", group="tune")]
    marked = gold(texts, [mention(0, (0, 4), PLUM, group="tune")])
    assert by_label(text_rows(marked, index, NO_CUES, group="tune")) == [WRONG, WRONG, RIGHT]
    assert by_label(text_rows(marked, index, NO_CUES, group="train")) == [WRONG, WRONG]  # everything outside marks may be trained on
    assert by_label(text_rows(marked, index, NO_CUES, group="test")) == []


def test_features_are_those_of_linking_and_named(index: TitleIndex) -> None:
    rows = text_rows(gold([text("I saw Plum (2011)")], [mention(0, (6, 10), PLUM)]), index, NO_CUES, group="train")
    assert list(rows.names) == sorted(rows.names) and {"popularity", "same_year", "first_capital", "cue_-1"} <= set(rows.names)
    assert (rows.features.dtype, rows.features.shape) == (np.dtype(np.float32), (1, len(rows.names)))
    seen = dict(zip(rows.names, rows.features[0].tolist(), strict=True))
    assert (seen["same_year"], seen["popularity"], seen["bracket_after"]) == (1, 5, 1)


def test_a_film_newer_than_the_dialogue_is_no_candidate() -> None:
    index = index_of(Film("Plum", 2030, 5.0), Film("Ox Plum", 2018))
    rows = text_rows(gold([text("Plum and Ox Plum")]), index, NO_CUES, group="train")
    assert len(rows.label) == 1


def test_training_does_not_count_a_stretch_among_its_own_other_uses(index: TitleIndex) -> None:
    cues = Cues({ITSELF: (np.array([word_hash("plum")]), np.log1p(np.array([4], np.float32)))})
    marked = gold([text("a plum"), text("saw plum")], [mention(1, (4, 8), PLUM)])
    said = {}
    for group in ("train", "tune"):
        rows = text_rows(
            gold(marked.texts.to_pylist(), [{**row, "group": group} for row in marked.mentions.to_pylist()]), index, cues, group=group
        )
        said[group] = np.expm1(rows.features[:, list(rows.names).index("said_otherwise")]).tolist()
    assert said["train"] == pytest.approx([3, 4])
    assert said["tune"] == pytest.approx([4])


def planted(*rows: Row) -> pa.Table:
    shared = {"as_of": 2018, "kinds": ["exact"], "is_withheld": False, "group": "train", "mention_year": None}
    return pa.Table.from_pylist([{**shared, **row} for row in rows], schema=PLANTED_TITLES)


def test_rows_of_titles(index: TitleIndex) -> None:
    titles = planted(
        {"surface": "Copper Lighthouse", "movie_id": OLD, "mention_year": 1962},
        {"surface": "Plum", "movie_id": None},
        {"surface": "Mirrorwise", "movie_id": MIRROR, "is_withheld": True},
        {"surface": "Plum Orchard", "movie_id": ORCHARD, "group": "tune"},
        {"surface": "Nobody Knows It", "movie_id": None},
    )
    rows = title_rows(titles, index, group="train")
    found = [sorted(rows.label[rows.stretch == stretch].tolist()) for stretch in np.unique(rows.stretch)]
    assert found == [[WRONG, RIGHT], [WRONG], [OPEN]]
    same_year = rows.features[:, list(rows.names).index("same_year")]
    assert rows.label[same_year > 0].tolist() == [RIGHT]
    assert by_label(title_rows(titles, index, group="tune")) == [RIGHT]
    assert by_label(title_rows(titles, index, group="test")) == []


def test_joined_rows_keep_their_stretches_apart() -> None:
    def part(*stretches: int) -> Rows:
        size = len(stretches)
        return Rows(["a"], np.array(stretches, np.int64), np.zeros(size, np.int8), np.full((size, 1), size, np.float32))

    rows = joined([part(0, 0, 2), part(), part(0, 1)])
    assert rows.stretch.tolist() == [0, 0, 2, 3, 4]
    assert rows.features[:, 0].tolist() == [3, 3, 3, 2, 2]
    assert rows.label.dtype == np.int8


def test_every_data_set_has_its_year() -> None:
    years = as_of(pa.chunked_array([["redial", "inspired", "made_up"]])).tolist()
    assert years[0] < years[1] < years[2]


def _spoken(index: TitleIndex, film: str = PLUM, group: str = "train") -> Cues:
    """What is learned of 30 times 'saw Plum' marked and 'ate mirrorwise' not, 2 times 'met ox'."""
    said = ["saw plum"] * 30 + ["ate mirrorwise"] * 30
    return learn_cues(gold([text(one) for one in said], [mention(row, (4, 8), film, group) for row in range(30)]), index)


def test_words_beside_films_are_cues(index: TitleIndex) -> None:
    cues = _spoken(index)
    saw, ate, rare = cues.at(-1, np.array([word_hash(word) for word in ("saw", "ate", "met")])).tolist()
    assert saw > 1 and ate < -1 and rare == 0
    assert cues.at(1, np.array([word_hash("saw")])).tolist() == [0]


def test_only_train_films_teach_cues(index: TitleIndex) -> None:
    held_out = _spoken(index, group="tune")
    assert held_out.at(-1, np.array([word_hash("saw")])).tolist() == [0]


def test_titles_that_are_said_otherwise_are_counted(index: TitleIndex) -> None:
    keys = np.array([word_hash("mirrorwise"), word_hash("plum")])
    assert np.expm1(_spoken(index).at(ITSELF, keys)) == pytest.approx([30, 0])
    twice = learn_cues(gold([text("plum")] * (linking.SAID_COUNT - 1)), index)
    assert twice.at(ITSELF, keys).tolist() == [0, 0]


def test_cues_are_sorted_to_be_found(index: TitleIndex) -> None:
    for hashes, values in _spoken(index).tables.values():
        assert len(hashes) == len(values) and (np.diff(hashes.astype(np.float64)) > 0).all()
        assert np.isfinite(values).all()


def test_films_of_groups_do_not_meet(index: TitleIndex) -> None:
    films = [NEW, PLUM, ORCHARD, MIRROR]
    said = ["Copper Lighthouse", "Plum", "Plum Orchard", "Mirrorwise"]
    marked = gold(
        [text(one, f"redial:{n}", group="test") for n, one in enumerate(said)],
        [mention(n, (0, len(one)), films[n], film_group(films[n], "")) for n, one in enumerate(said)],
    )
    right = {group: (text_rows(marked, index, NO_CUES, group=group).label == RIGHT).sum() for group in ("train", "tune", "test")}
    assert sum(right.values()) == len(films)
    assert right == {group: [film_group(film, "") for film in films].count(group) for group in right}
