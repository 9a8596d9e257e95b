"""Decisions outlive releases: read whole or refused whole, replayed where they still apply, told of where they do not."""

from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from corpus_pipeline.errors import LinkError
from corpus_pipeline.linking import review
from corpus_pipeline.linking.decide import TEXT_LINKS
from corpus_pipeline.linking.review import COLUMNS, Decision, load_decisions, replay_on_texts, replay_on_titles, review_queue
from corpus_pipeline.schema.render import arrow_schema
from corpus_pipeline.schema.tables import DIALOGUE_MOVIES, LINK_DECISIONS, LINK_DIALOGUE_MOVIES, LINK_REVIEW_QUEUE
from corpus_pipeline.transform.text import title_key

LIGHTHOUSE, PLUM, OX, GONE = (f"mq00000000000{number}" for number in (1, 2, 3, 9))
HEAD = ",".join(COLUMNS)
MOVIES = pa.table({"movie_id": [LIGHTHOUSE, PLUM, OX]})

Write = Callable[..., Path]


@pytest.fixture
def written(tmp_path: Path) -> Write:
    """A decisions file of these lines below the header."""

    def write(*lines: str, head: str = HEAD, end: str = "\n") -> Path:
        path = tmp_path / "link_decisions.csv"
        path.write_bytes("".join(line + end for line in (head, *lines)).encode())
        return path

    return write


def decision(line: int = 2, **over: Any) -> Decision:
    fields = {"dataset": "redial", "source_movie_id": "a", "surface": None, "year": None, "movie_id": PLUM, "who": "Ada"}
    return Decision(line=line, decided_on=date(2026, 1, 31), **{**fields, **over})


def on_surface(surface: str, line: int = 2, **over: Any) -> Decision:
    return decision(line, dataset=None, source_movie_id=None, surface=surface, **over)


def link(own_id: str, movie_id: str | None, score: float | None, **over: Any) -> dict[str, Any]:
    linked = movie_id is not None
    row = {
        "dataset": "redial", "source_movie_id": own_id, "movie_id": movie_id, "link_status": "linked" if linked else "abstained",
        "link_rule": "exact_title" if linked else "abstain", "link_score": score, "runner_up_movie_id": None, "runner_up_score": None,
        "link_reason": None if linked else "no_candidate",
    }  # fmt: skip
    return {**row, **over}


def links_of(*rows: dict[str, Any]) -> pa.Table:
    return pa.Table.from_pylist(list(rows), schema=arrow_schema(LINK_DIALOGUE_MOVIES))


def named(*rows: tuple[str, str, int | None]) -> pa.Table:
    documents = [{"dataset": "redial", "source_movie_id": own, "surface": surface, "mention_year": year} for own, surface, year in rows]
    return pa.Table.from_pylist(documents, schema=arrow_schema(DIALOGUE_MOVIES))


def counts_of(**counts: int) -> pa.Table:
    schema = pa.schema([("dataset", pa.string()), ("source_movie_id", pa.string()), ("mention_count", pa.int64())])
    documents = [{"dataset": "redial", "source_movie_id": own, "mention_count": count} for own, count in counts.items()]
    return pa.Table.from_pylist(documents, schema=schema)


LINKS = links_of(
    link("a", OX, 0.7, runner_up_movie_id=PLUM, runner_up_score=0.3),
    link("b", None, 0.5, runner_up_movie_id=LIGHTHOUSE, runner_up_score=0.3, link_reason=f"ambiguous: best candidate {OX}"),
    link("c", LIGHTHOUSE, 0.95),
)
NAMES = named(("c", "The Copper Lighthouse", 1962), ("a", "Plum", None), ("b", "Ox", 1988))  # in another order than LINKS


# --- the file


def test_no_file_and_an_empty_one_hold_no_decisions(tmp_path: Path, written: Write) -> None:
    assert load_decisions(tmp_path / "nowhere.csv") == ()
    assert load_decisions(written()) == ()
    (tmp_path / "empty.csv").write_text("\n")
    assert load_decisions(tmp_path / "empty.csv") == ()


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_decisions_are_read_with_their_lines(written: Write, end: str) -> None:
    quoted = f'redial,a,"Plum, or{end}not",1999,{PLUM},Ada,2026-01-31,two lines'
    path = written(quoted, "", f" , ,Ox,,{OX}, Ben ,2026-02-01,", ",,Ox,1988,,Ada,2026-02-01,", end=end)
    read = load_decisions(path)
    assert read == (
        decision(2, surface=f"Plum, or{end}not", year=1999),
        Decision(5, None, None, "Ox", None, OX, "Ben", date(2026, 2, 1)),
        Decision(6, None, None, "Ox", 1988, None, "Ada", date(2026, 2, 1)),
    )


def test_columns_may_stand_in_any_order_after_a_byte_order_mark(written: Write) -> None:
    head = ",".join(reversed(COLUMNS))
    path = written(f",2026-01-31,Ada,{PLUM},,,a,redial", head="\ufeff" + head)
    assert load_decisions(path) == (decision(),)


def test_every_problem_is_listed_with_its_line(written: Write) -> None:
    path = written(
        f"redial,a,,,{PLUM},Ada,2026-01-31,",
        f"redial,,,,{PLUM},Ada,2026-01-31,",
        ",,,,,Ada,2026-01-31,",
        "nonesuch,a,,99,tt0113277,,31.1.2026,",
        "redial,b,,,,Ada,20260131,",
        "redial,c,,,,Ada,2026-02-30,",
        f"redial,a,,,{OX},Ben,2026-01-31,",
        ",,The Ox,,,Ada,2026-01-31,",
        ",,ox!,,,Ada,2026-01-31,",
        ",,Ox,1988,,Ada,2026-01-31,",
        "redial,d",
    )
    with pytest.raises(LinkError) as caught:
        load_decisions(path)
    first, *told = str(caught.value).splitlines()
    assert str(path) in first and f"{len(told)} to mend" in first
    for line, part in [
        (12, "2 cells, expected 8"), (3, "go together"), (4, "about nothing"), (5, "dataset 'nonesuch'"), (5, "year '99'"),
        (5, "movie_id 'tt0113277'"), (5, "who decided is missing"), (5, "decided_on '31.1.2026'"), (6, "decided_on '20260131'"),
        (7, "decided_on '2026-02-30'"), (8, "line 2 already"), (10, "line 9 already"),
    ]:  # fmt: skip
        problem = told.pop(0)
        assert f"line {line}:" in problem and part in problem, problem
    assert told == []


@pytest.mark.parametrize("year", ["1869", "2036", "١٩٩٩", "1_99", "-999", "19990"])
def test_a_year_is_one_of_a_film(written: Write, year: str) -> None:
    with pytest.raises(LinkError, match="year"):
        load_decisions(written(f",,Ox,{year},,Ada,2026-01-31,"))


@pytest.mark.parametrize("movie_id", ["mq00000000000", "mq0000000000011", "MQ000000000001", "mq00000000000g", f"{PLUM}x"])
def test_a_movie_id_has_its_form(written: Write, movie_id: str) -> None:
    with pytest.raises(LinkError, match="12 hex digits"):
        load_decisions(written(f",,Ox,,{movie_id},Ada,2026-01-31,"))


@pytest.mark.parametrize(
    ("head", "part"),
    [
        (HEAD.replace("note", "remark"), r"unknown columns \['remark'\]\n  line 1: missing columns \['note'\]"),
        (HEAD + ",who", "a column twice"),
        ("", "missing columns"),
    ],
)
def test_a_header_must_be_the_files_own(written: Write, head: str, part: str) -> None:
    with pytest.raises(LinkError, match=part):
        load_decisions(written(f"redial,a,,,{PLUM},Ada,2026-01-31,", head=head))


def test_what_is_no_text_or_no_csv_is_refused(tmp_path: Path, written: Write) -> None:
    path = tmp_path / "bad.csv"
    path.write_bytes(b"\xff\xfe")
    for place in (path, tmp_path):
        with pytest.raises(LinkError, match="cannot be read"):
            load_decisions(place)
    with pytest.raises(LinkError, match="line 3: no CSV"):
        load_decisions(written(f"redial,a,,,{PLUM},Ada,2026-01-31,", 'redial,"b"x,,,,Ada,2026-01-31,'))
    with pytest.raises(LinkError, match="no CSV"):
        load_decisions(written(f"redial,a,{'x' * 200_000},,,Ada,2026-01-31,"))


CELLS = st.one_of(
    st.text(max_size=8), st.sampled_from(["redial", "a", "1999", PLUM, "Ada", "2026-01-31", "", '"', "\n", "\x00", "2026-W05-6"])
)


@given(st.one_of(st.binary(max_size=60), st.lists(st.lists(CELLS, min_size=6, max_size=9), max_size=4)), st.booleans())
def test_any_file_is_read_or_refused(tmp_path_factory: pytest.TempPathFactory, content: bytes | list[list[str]], has_head: bool) -> None:
    body = content if isinstance(content, bytes) else "\n".join(",".join(row) for row in content).encode("utf-8", "surrogatepass")
    path = tmp_path_factory.getbasetemp() / "any.csv"
    path.write_bytes((HEAD.encode() + b"\n" if has_head else b"") + body)
    try:
        read = load_decisions(path)
    except LinkError as error:
        assert "to mend" in str(error) or "cannot be read" in str(error)
    else:
        assert len({d.line for d in read}) == len(read)
        assert all(d.who and bool(d.dataset) == bool(d.source_movie_id) and (d.dataset or d.surface) for d in read)


TITLES = st.text(st.characters(codec="utf-8"), min_size=1, max_size=12).filter(lambda text: text.strip() == text)


@given(st.lists(TITLES, unique_by=title_key, max_size=5))
def test_what_a_csv_writer_writes_is_read_back(tmp_path_factory: pytest.TempPathFactory, surfaces: list[str]) -> None:
    path = tmp_path_factory.getbasetemp() / "back.csv"
    quoted = ['"' + surface.replace('"', '""') + '"' for surface in surfaces]
    path.write_bytes("\n".join([HEAD, *(f",,{cell},,,Ada,2026-01-31," for cell in quoted)]).encode())
    assert [d.surface for d in load_decisions(path)] == surfaces


# --- the replay on titles


def _replay(*decisions: Decision, links: pa.Table = LINKS, names: pa.Table = NAMES) -> tuple[dict[str, dict[str, Any]], list[str]]:
    """(links by own id, status of each decision)."""
    after, became = replay_on_titles(links, names, decisions, MOVIES)
    assert after.schema.equals(links.schema, check_metadata=True)
    assert became.schema.equals(arrow_schema(LINK_DECISIONS))
    assert became["decision_line"].to_pylist() == [d.line for d in decisions]
    return {row["source_movie_id"]: row for row in after.to_pylist()}, became["decision_status"].to_pylist()


BEFORE = {row["source_movie_id"]: row for row in LINKS.to_pylist()}
REVIEWED = {"link_status": "linked", "link_rule": "reviewed", "link_score": 1.0, "link_reason": None}


def test_without_decisions_nothing_changes() -> None:
    assert _replay() == (BEFORE, [])


def test_a_decided_film_replaces_the_linkers_and_is_not_its_own_runner_up() -> None:
    after, statuses = _replay(decision(movie_id=PLUM))
    assert statuses == ["applied"]
    assert after == {**BEFORE, "a": {**BEFORE["a"], **REVIEWED, "movie_id": PLUM, "runner_up_movie_id": None, "runner_up_score": None}}


def test_a_decision_links_what_the_linker_abstained_from_and_keeps_another_runner_up() -> None:
    after, statuses = _replay(decision(source_movie_id="b", movie_id=OX))
    assert statuses == ["applied"]
    assert after == {**BEFORE, "b": {**BEFORE["b"], **REVIEWED, "movie_id": OX}}
    assert after["b"]["runner_up_movie_id"] == LIGHTHOUSE


def test_no_film_is_an_abstention_with_its_reason() -> None:
    after, statuses = _replay(decision(movie_id=None), decision(3, source_movie_id="b", movie_id=None))
    assert statuses == ["applied", "unchanged"]
    abstained = {"link_status": "abstained", "link_rule": "abstain", "link_reason": "reviewed: no film"}
    for own in "ab":
        assert after[own] == dict.fromkeys(BEFORE[own]) | {"dataset": "redial", "source_movie_id": own} | abstained


def test_what_the_linker_says_by_itself_is_reviewed_all_the_same() -> None:
    after, statuses = _replay(decision(movie_id=OX))
    assert statuses == ["unchanged"]
    assert after["a"] == {**BEFORE["a"], **REVIEWED}


def test_a_decision_that_does_not_apply_is_told_and_changes_nothing() -> None:
    after, statuses = _replay(
        decision(2, source_movie_id="nonesuch"),
        decision(3, dataset="inspired"),
        decision(4, movie_id=GONE),
        decision(5, source_movie_id="nonesuch", movie_id=GONE),
        on_surface("Plum", 6),
        on_surface("Plum", 7, year=1999, movie_id=GONE),
    )
    assert statuses == ["title_gone", "title_gone", "film_gone", "film_gone", "for_texts", "film_gone"]
    assert after == BEFORE


@pytest.mark.parametrize(
    ("surface", "year", "status"),
    [("ox!", None, "applied"), (None, 1988, "applied"), ("Ox", 1988, "applied"), ("Oxen", None, "title_gone"), ("Ox", 1989, "title_gone")],
)
def test_a_movie_that_is_called_otherwise_now_is_another_one(surface: str | None, year: int | None, status: str) -> None:
    after, statuses = _replay(decision(source_movie_id="b", surface=surface, year=year))
    assert statuses == [status]
    assert (after == BEFORE) == (status == "title_gone")


def test_links_in_pieces_are_replayed_as_one() -> None:
    pieces = pa.concat_tables([LINKS.slice(0, 1), LINKS.slice(1, 0), LINKS.slice(1)])
    decided = (decision(source_movie_id="b", movie_id=OX), decision(3, source_movie_id="c", movie_id=PLUM))
    assert _replay(*decided, links=pieces) == _replay(*decided)


def test_a_replay_tells_what_was_decided_by_whom() -> None:
    _, became = replay_on_titles(LINKS, NAMES, [decision(surface="Plum")], MOVIES)
    assert became.to_pylist() == [
        {
            "decision_line": 2, "dataset": "redial", "source_movie_id": "a", "surface": "Plum", "mention_year": None, "movie_id": PLUM,
            "who": "Ada", "decided_on": "2026-01-31", "decision_status": "applied",
        }
    ]  # fmt: skip


@given(st.lists(st.tuples(st.sampled_from("abcz"), st.sampled_from([PLUM, OX, GONE, None])), unique_by=lambda pair: pair[0]))
def test_a_second_replay_changes_nothing_more(pairs: list[tuple[str, str | None]]) -> None:
    decisions = [decision(line, source_movie_id=own, movie_id=film) for line, (own, film) in enumerate(pairs, 2)]
    once, _ = replay_on_titles(LINKS, NAMES, decisions, MOVIES)
    twice, became = replay_on_titles(once, NAMES, decisions, MOVIES)
    assert twice.equals(once)
    assert "applied" not in became["decision_status"].to_pylist()
    for row in once.to_pylist():  # what the gate asks of every link
        assert (row["link_status"] == "linked") == (row["movie_id"] is not None) == (row["link_rule"] != "abstain")
        assert (row["link_status"] == "abstained") == (row["link_reason"] is not None)
        assert row["movie_id"] is None or row["runner_up_movie_id"] != row["movie_id"]


# --- the replay on raw text


def text_link(surface: str, year: int | None = None, movie_id: str | None = OX) -> dict[str, Any]:
    row = {"text_index": 0, "span_start": 3, "span_end": 3 + len(surface), "surface": surface, "year_given": year}
    decided = link("", movie_id, 0.6)
    return row | {name: decided[name] for name in TEXT_LINKS.names if name in decided}


def _texts(*rows: dict[str, Any]) -> pa.Table:
    return pa.Table.from_pylist(list(rows), schema=TEXT_LINKS)


def test_a_surface_is_decided_wherever_it_is_found_with_the_same_year_beside_it() -> None:
    texts = _texts(
        text_link("the PLUM"), text_link("Plum", 1999), text_link("Plums"), text_link("plum!", None, None), text_link("Plum", 2011)
    )
    decisions = [on_surface("Plum"), on_surface("Plum", 3, year=2011, movie_id=None), decision(4)]
    after, became = replay_on_texts(texts, decisions, MOVIES)
    assert after.schema.equals(TEXT_LINKS)
    assert after["movie_id"].to_pylist() == [PLUM, OX, OX, PLUM, None]
    assert after["link_rule"].to_pylist() == ["reviewed", "exact_title", "exact_title", "reviewed", "abstain"]
    assert after["link_reason"].to_pylist() == [None, None, None, None, "reviewed: no film"]
    same = ["text_index", "span_start", "span_end", "surface", "year_given"]
    assert after.select(same).equals(texts.select(same))
    assert became.select(["decision_line", "decision_status"]).to_pylist() == [
        {"decision_line": 2, "decision_status": "applied"},
        {"decision_line": 3, "decision_status": "applied"},
    ]


def test_decisions_on_surfaces_that_do_not_apply_are_told() -> None:
    texts = _texts(text_link("Ox"), text_link("Plum"), text_link("ox"))
    decisions = [
        on_surface("Ox", movie_id=OX),
        on_surface("Nonesuch", 3),
        on_surface("Plum", 4, movie_id=GONE),
        on_surface("Plum", 5, year=1999),
    ]
    after, became = replay_on_texts(texts, decisions, MOVIES)
    assert became["decision_status"].to_pylist() == ["unchanged", "title_gone", "film_gone", "title_gone"]
    assert after["link_rule"].to_pylist() == ["reviewed", "exact_title", "reviewed"]
    nothing, became = replay_on_texts(TEXT_LINKS.empty_table(), decisions[:2], MOVIES)
    assert nothing.num_rows == 0 and became["decision_status"].to_pylist() == ["title_gone", "title_gone"]


# --- the queue


def _queue(links: pa.Table, names: pa.Table, **counts: int) -> list[dict[str, Any]]:
    """Rows by rank."""
    found = review_queue(links, names, counts_of(**counts))
    assert found.schema.equals(arrow_schema(LINK_REVIEW_QUEUE))
    assert sorted(found["review_rank"].to_pylist()) == [*range(1, found.num_rows + 1)]
    return sorted(found.to_pylist(), key=lambda row: int(row["review_rank"]))


def test_what_weighs_most_comes_first() -> None:
    links = links_of(
        link("a", OX, 0.5), link("b", None, 0.5, link_reason=f"ambiguous: best candidate {PLUM}"), link("c", LIGHTHOUSE, 0.95),
        link("d", None, None), link("e", None, None), link("f", OX, 0.8), link("g", OX, 0.8),
    )  # fmt: skip
    names = named(*((own, own.upper(), 1999) for own in "gfedcba"))
    rows = _queue(links, names, a=4, b=10, c=1000, d=4, f=10, g=10)
    assert [(row["review_rank"], row["source_movie_id"], row["mention_count"], row["matter_score"]) for row in rows] == [
        (1, "b", 10, 5.0), (2, "d", 4, 4.0), (3, "f", 10, 2.0), (4, "g", 10, 2.0), (5, "a", 4, 2.0), (6, "e", 0, 0.0),
    ]  # fmt: skip
    assert rows[0] | {"surface": "B", "mention_year": 1999, "link_status": "abstained", "best_movie_id": PLUM} == rows[0]
    assert rows[1]["best_movie_id"] is None and rows[1]["link_score"] is None and rows[4]["best_movie_id"] == OX


@pytest.mark.parametrize(
    ("row", "is_queued"),
    [
        (link("a", OX, review.REVIEW_BELOW), False),
        (link("a", OX, review.REVIEW_BELOW - 1e-9), True),
        (link("a", OX, None), True),
        (link("a", None, 0.95), True),
        (link("a", OX, 0.5, link_rule="reviewed"), False),
        (link("a", None, None, link_reason="reviewed: no film"), False),
    ],
)
def test_the_queue_holds_what_is_uncertain_and_not_reviewed(row: dict[str, Any], is_queued: bool) -> None:
    assert bool(_queue(links_of(row), named(("a", "A", None)), a=1)) == is_queued


def test_a_reason_without_a_candidate_names_none() -> None:
    (row,) = _queue(links_of(link("a", None, 0.4, link_reason="said: best candidate nobody")), named(("a", "A", None)), a=3)
    assert (row["best_movie_id"], row["matter_score"]) == (None, 3.0)


def test_what_was_decided_leaves_the_queue() -> None:
    after, _ = replay_on_titles(LINKS, NAMES, [decision(movie_id=None), decision(3, source_movie_id="b", movie_id=OX)], MOVIES)
    assert [row["source_movie_id"] for row in _queue(LINKS, NAMES, a=1, b=1, c=1)] == ["b", "a"]
    assert _queue(after, NAMES, a=1, b=1, c=1) == []
