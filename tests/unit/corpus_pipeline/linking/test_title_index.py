"""The index of the made-up catalogue: what it names, what it refuses, and that files bring it back as it was."""

import json
from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from corpus_pipeline.errors import LinkError
from corpus_pipeline.linking.facts import FACTS, UNRELEASED, VERSION, stamp_index
from corpus_pipeline.linking.title_index import (
    ACRONYM,
    ALTERNATIVE,
    ARTICLE,
    CATALOGUE_COLUMNS,
    LOOSE,
    PART,
    TitleIndex,
    build_index,
    key_words,
    open_index,
    save_index,
)
from corpus_pipeline.linking.words import sequence_hashes, word_hash, words_of
from corpus_pipeline.schema.fields import GENRES
from corpus_pipeline.schema.tables import MOVIE_IDS, MOVIES, TITLES
from corpus_pipeline.schema.types import Table

Tables = Mapping[Table, pa.Table]
Made = tuple[str, tuple[str, ...], int | None, float, str | None]


def _hash(key: str) -> np.uint64:
    counts, hashes = key_words(words_of([key]), 1)
    return np.uint64(sequence_hashes(hashes, counts)[0])


def _group(index: TitleIndex, key: str) -> int:
    return int(index.names.find(np.array([_hash(key)], np.uint64))[0])


def _named(index: TitleIndex, key: str) -> list[tuple[str, int]]:
    """(end of the movie_id, flags) of the names of a key, in their order."""
    group = _group(index, key)
    if group < 0:
        return []
    _, names = index.names.expand(np.array([group]))
    ids = index.films.ids(index.name_film[names]).to_pylist()
    return [(movie_id[-2:], flags) for movie_id, flags in zip(ids, index.name_flags[names].tolist(), strict=True)]


def _everything(part: Any, name: str = "") -> dict[str, Any]:
    """Every array and number of an index by its path."""
    if not is_dataclass(part):
        return {name: part}
    return {path: leaf for field in fields(part) for path, leaf in _everything(getattr(part, field.name), f"{name}.{field.name}").items()}


# --- what is named


def test_namesakes_share_a_key_the_most_popular_first(index: TitleIndex) -> None:
    assert _named(index, "copper lighthouse") == [("02", ARTICLE), ("01", ARTICLE)]
    assert _named(index, "plum") == [("06", 0), ("07", ARTICLE)]


def test_other_titles_are_marked_so(index: TitleIndex) -> None:
    assert _named(index, "grossmutter zeichnete karten") == [("08", ALTERNATIVE)]
    assert _named(index, "grandmother was a cartographer") == [("08", 0)]
    assert _named(index, "12 orchards") == [("11", 0), ("11", ALTERNATIVE)]  # 'Twelve Orchards' is spelled '12' too


def test_both_sides_of_a_subtitle_mark_are_parts(index: TitleIndex) -> None:
    assert _named(index, "vortex riders") == [("04", PART), ("03", PART)]
    assert _named(index, "salt engine") == [("03", PART | ARTICLE)]
    assert _named(index, "return to umber") == [("04", PART)]
    assert _named(index, "ashes") == [("16", PART)]


@pytest.mark.parametrize(
    ("title", "parts"),
    [
        ("Harrow – The Long Field", ["harrow", "long field"]),
        ("Harrow (The Long Field)", ["harrow", "long field"]),
        ("Harrow: Long: Field", ["harrow", "field", "harrow field"]),
        ("Well-Kept Harrow", []),
        (": Harrow", []),
    ],
)
def test_marks_of_subtitles(films: Callable[..., Tables], title: str, parts: list[str]) -> None:
    index = build_index(films(("01", (title,), 2000, 3.0, None)))
    keys = ("harrow", "long field", "field", "harrow field", "harrow long field", "well", "kept harrow")
    assert [key for key in keys if any(flags & PART for _, flags in _named(index, key))] == parts


def test_other_titles_have_no_parts(films: Callable[..., Tables]) -> None:
    index = build_index(films(("01", ("Harrow", "Sentinel: Harrow"), 2000, 5.0, None)))
    assert _named(index, "sentinel harrow") == [("01", ALTERNATIVE)]
    assert _named(index, "sentinel") == []


def test_a_number_behind_the_mark_numbers_the_series(index: TitleIndex) -> None:
    assert _named(index, "quillback 4") == [("16", LOOSE)]
    assert _named(index, "quillback 2") == [("18", 0)]
    assert _named(index, "quillback") == [("17", 0), ("16", PART)]


def test_articles_inside_may_be_left_out_of_titles_with_an_audience(films: Callable[..., Tables]) -> None:
    made: tuple[Made, ...] = (("01", ("Sons of the Quarry",), 2000, 3.1, None), ("02", ("Maids of the Quarry",), 2000, 2.9, None))
    index = build_index(films(*made))
    assert _named(index, "sons of quarry") == [("01", LOOSE)]
    assert _named(index, "maids of quarry") == []
    assert _named(index, "maids of the quarry") == [("02", 0)]


def test_acronyms_are_those_of_long_titles_that_many_know(films: Callable[..., Tables], index: TitleIndex) -> None:
    assert set(_named(index, "lotng")) == {("15", ACRONYM)}
    made: tuple[Made, ...] = (
        ("01", ("One Two Three",), 2000, 4.6, None),
        ("02", ("Oak Tin Three",), 2000, 4.4, None),  # no audience
        ("03", ("Old Town",), 2000, 6.0, None),  # two words
        ("04", ("A Be Ce De E Ef Ge",), 2000, 6.0, None),  # its key has six
        ("05", ("Be Ce De E Ef Ge Ha",), 2000, 6.0, None),  # seven
    )
    others = build_index(films(*made))
    assert _named(others, "ott") == [("01", ACRONYM)]
    assert _named(others, "123") == []  # the letters are those of the title, not of its key
    assert {name for name, _ in _named(others, "bcdeeg")} == {"04"}
    assert [_named(others, code) for code in ("ot", "bcdeegh")] == [[], []]


def test_names_keep_how_they_are_spelled(index: TitleIndex) -> None:
    """An article aside: it is looked at where it stands in a text."""
    _, names = index.names.expand(np.array([_group(index, "12 orchards")]))
    spelled = [int(sequence_hashes(words_of([text]).spelled, np.array([2]))[0]) for text in ("twelve orchards", "12 orchards")]
    assert index.name_spelled[names].tolist() == spelled
    _, names = index.names.expand(np.array([_group(index, "plum")]))
    assert index.name_spelled[names].tolist() == [int(word_hash("plum"))] * 2


def test_keys_lie_beside_their_names(index: TitleIndex) -> None:
    """Key k is group k: what spelling finds is looked up without hashing."""
    keys = index.spelling.keys.take(np.arange(len(index.spelling.keys)))
    assert [int(_hash(key)) for key in keys] == index.names.hashes.tolist()
    assert len(keys) == len(set(keys)) == len(index.rarity) == index.facts["keys"]


def test_words_of_keys_and_of_english_are_told_apart(index: TitleIndex) -> None:
    place = np.searchsorted(index.word_hash, word_hash("quillback"))
    assert index.word_hash[place] == word_hash("quillback")
    assert index.word_keys[place] == 5  # itself, with 2, with 4, with ashes, with chapter 4 and ashes
    assert np.isin([word_hash("window"), word_hash("lighthouse")], index.english).all()
    assert not np.isin([word_hash("quillback"), word_hash("mirrorwise")], index.english).any()
    assert index.rarity[_group(index, "window")] > index.rarity[_group(index, "mirrorwise")] == 0


# --- films, people, ids


def test_films_have_their_facts(index: TitleIndex) -> None:
    films = index.films
    assert len(films) == index.facts["films"] == 20
    assert films.ids(np.array([13, 0])).to_pylist() == ["mq000000000014", "mq000000000001"]
    assert (films.year[13], films.year[0]) == (0, 1962)
    assert films.genres[1] == 1 << GENRES.index("Drama") | 1 << GENRES.index("Mystery")
    assert films.genres[4] == 0
    assert films.has_imdb_id.tolist() == [place not in (9, 19) for place in range(20)]


def test_a_film_is_described_by_its_id(index: TitleIndex) -> None:
    described = {"movie_id": "mq000000000010", "title": "Harbour & Hound", "year": 1975}
    assert index.films.describe("mq000000000010") == described
    assert index.films.describe("mq000000000014") == {"movie_id": "mq000000000014", "title": "Nobody Voted Here", "year": None}
    assert [index.films.describe(code) for code in (None, "", "mq000000000000", "mqz", "é")] == [None] * 5


def test_people_lead_to_their_films(index: TitleIndex) -> None:
    names = [sequence_hashes(words_of([name]).spelled, np.array([2]))[0] for name in ("Tamsin Vole", "odalys BRENTWICK")]
    groups = index.people.find(np.array(names, np.uint64))
    owners, films = index.people.expand(groups)
    assert list(zip(owners.tolist(), films.tolist(), strict=True)) == [(0, 2), (0, 12), (1, 0)]
    assert index.people.find(np.array([word_hash("mononym")], np.uint64)).tolist() == [-1]  # a word is no full name


def test_imdb_ids_lead_to_their_films(index: TitleIndex) -> None:
    assert index.imdb_number.tolist() == sorted(index.imdb_number.tolist())
    assert index.imdb_film[np.searchsorted(index.imdb_number, 9000015)] == 14
    assert len(index.imdb_number) == 18


def test_ids_of_other_authorities_or_without_a_number_are_left_out(films: Callable[..., Tables]) -> None:
    tables = dict(films(("01", ("Harrow",), 2000, 3.0, "tt1"), ("02", ("Furrow",), 2000, 3.0, "ttx")))
    other = {"movie_id": "mq000000000002", "authority": "tmdb", "authority_id": "tt5"}
    tables[MOVIE_IDS] = pa.Table.from_pylist([*tables[MOVIE_IDS].to_pylist(), other], schema=tables[MOVIE_IDS].schema)
    index = build_index(tables)
    assert (index.imdb_number.tolist(), index.films.has_imdb_id.tolist()) == ([1], [True, False])


# --- catalogues that are refused


def test_a_catalogue_of_mixed_builds_is_refused(catalogue_tables: Tables) -> None:
    titles = catalogue_tables[TITLES]
    ids = pc.replace_substring(titles["movie_id"], "mq", "mx")
    strangers = titles.set_column(0, "movie_id", ids)
    with pytest.raises(LinkError, match=rf"core_titles \({titles.num_rows} rows\).*core_movies \(20 rows\).*same build"):
        build_index({**catalogue_tables, TITLES: strangers})
    with pytest.raises(LinkError, match="same build"):
        build_index({**catalogue_tables, TITLES: titles.slice(0, 0), MOVIES: catalogue_tables[MOVIES].slice(0, 0)})


@pytest.mark.parametrize("blank", ["", "   ", "\t\u2003"])
def test_empty_titles_are_refused(catalogue_tables: Tables, blank: str) -> None:
    titles = catalogue_tables[TITLES]
    column = pa.array([blank, *titles["title"].to_pylist()[1:]])
    with pytest.raises(LinkError, match=r"1 empty titles and 0 duplicates.*marquee check"):
        build_index({**catalogue_tables, TITLES: titles.set_column(1, "title", column)})


def test_duplicate_titles_are_refused(catalogue_tables: Tables) -> None:
    titles = catalogue_tables[TITLES]
    with pytest.raises(LinkError, match="0 empty titles and 3 duplicates"):
        build_index({**catalogue_tables, TITLES: pa.concat_tables([titles, titles.slice(2, 3)])})


def test_titles_without_any_word_name_nothing(films: Callable[..., Tables]) -> None:
    index = build_index(films(("20", ("?!",), 1968, 2.0, None)))
    assert (index.facts["films"], index.facts["keys"], index.facts["names"]) == (1, 0, 0)


# --- files


@pytest.fixture
def saved(index: TitleIndex, tmp_path: Path) -> Path:
    save_index(index, tmp_path / "index")
    return tmp_path / "index"


def test_an_index_comes_back_as_it_was_saved(index: TitleIndex, saved: Path) -> None:
    opened = _everything(open_index(saved, release_id=UNRELEASED))
    for path, expected in _everything(index).items():
        found = opened[path]
        if isinstance(expected, np.ndarray):
            assert isinstance(found, np.memmap), path
            assert found.dtype == expected.dtype, path
            assert np.array_equal(found, expected), path
        else:
            assert found == expected, path


def test_the_files_are_named_and_facts_can_be_read(index: TitleIndex, tmp_path: Path) -> None:
    files = save_index(index, tmp_path / "index")
    assert files == sorted((tmp_path / "index").iterdir())
    facts = json.loads((tmp_path / "index" / FACTS).read_text())
    assert facts == {
        "version": VERSION,
        "release_id": UNRELEASED,
        "films": 20,
        "names": len(index.name_film),
        "keys": len(index.names.hashes),
    }


def test_the_same_catalogue_gives_the_same_bytes_in_any_order(catalogue_tables: Tables, saved: Path, tmp_path: Path) -> None:
    draw = np.random.default_rng(3)
    shuffled = {table: rows.take(pa.array(draw.permutation(rows.num_rows))) for table, rows in catalogue_tables.items()}
    again = {path.name: path.read_bytes() for path in save_index(build_index(shuffled), tmp_path / "again")}
    assert {path.name: path.read_bytes() for path in saved.iterdir()} == again


def test_an_index_is_opened_for_its_own_release_only(saved: Path) -> None:
    stamp_index(saved, "r1b2")
    assert open_index(saved, release_id="r1b2").release_id == "r1b2"
    with pytest.raises(LinkError, match="release r1b2, not for r3c4"):
        open_index(saved, release_id="r3c4")
    with pytest.raises(LinkError, match=f"r1b2.*{UNRELEASED}"):
        open_index(saved, release_id=UNRELEASED)


def test_a_release_can_be_named_when_the_index_is_built(catalogue_tables: Tables) -> None:
    assert build_index(catalogue_tables, release_id="r5d6").release_id == "r5d6"


def test_another_layout_is_refused(saved: Path) -> None:
    facts = json.loads((saved / FACTS).read_text())
    (saved / FACTS).write_text(json.dumps({**facts, "version": VERSION + 1}))
    with pytest.raises(LinkError, match=f"layout {VERSION + 1}, this Marquee reads {VERSION}: run `marquee build`"):
        open_index(saved, release_id=UNRELEASED)


@pytest.mark.parametrize("damage", [b"", b"\x80\x04N.", None, 0.5])
def test_a_missing_or_damaged_file_is_refused_whichever_it_is(saved: Path, damage: bytes | float | None) -> None:
    """None: missing; a number: that share of the file is left."""
    for path in sorted(saved.iterdir()):
        content = path.read_bytes()
        if isinstance(damage, float):
            path.write_bytes(content[: min(int(len(content) * damage), 120)])
        elif damage is None:
            path.unlink()
        else:
            path.write_bytes(damage)
        with pytest.raises(LinkError, match=r"opening the title index in .*marquee verify"):
            open_index(saved, release_id=UNRELEASED)
        path.write_bytes(content)
    open_index(saved, release_id=UNRELEASED)


@pytest.mark.parametrize("facts", ["[]", "1", "{}", '{"release_id": "unreleased"}', "\ufeff{"])
def test_facts_that_are_none_are_refused(saved: Path, facts: str) -> None:
    (saved / FACTS).write_text(facts)
    with pytest.raises(LinkError, match="marquee verify"):
        open_index(saved, release_id=UNRELEASED)


def test_a_folder_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(LinkError, match=r"FileNotFoundError.*marquee build"):
        open_index(tmp_path / "nowhere", release_id=UNRELEASED)


def test_the_columns_asked_for_are_declared() -> None:
    for table, columns in CATALOGUE_COLUMNS.items():
        assert set(columns) <= {column.name for column in table.columns}, table.name
