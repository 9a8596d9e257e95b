"""Rules that all dialogue data sets share: titles, spans, merged turns, tables."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from corpus_pipeline.transform.dialogues import (
    Dialogue,
    DialogueMovie,
    Mention,
    Turn,
    dialogue_tables,
    find_span,
    merge_turns,
    split_title,
)


@pytest.mark.parametrize(
    ("name", "title", "year"),
    [
        ("Paper Boats (1999)", "Paper Boats", 1999),
        ("Paper Boats  (1999)", "Paper Boats", 1999),  # ReDial: two spaces
        ("Paper Boats ", "Paper Boats", None),  # ReDial: no year
        ("Who Rowed%3F (2016)", "Who Rowed?", 2016),  # ReDial: %3F
        ("The %22Boat%22 (2016)", 'The "Boat"', 2016),
        ("100%", "100%", None),  # a percent sign that escapes nothing
        ("Paper Boats ()", "Paper Boats", None),  # INSPIRED: empty year
        ("Paper Boats (1999 film)", "Paper Boats", 1999),  # INSPIRED: DBpedia's year
        ("Paper Boats (1999", "Paper Boats", 1999),  # INSPIRED: cut
        ("(12) Boats (2009)", "(12) Boats", 2009),
        ("Boats (Wo de chuan) (2000)", "Boats (Wo de chuan)", 2000),
        ("Boats (0042)", "Boats (0042)", None),  # no year of a film
        ("2012 (2009)", "2012", 2009),
        ("1917", "1917", None),
        ("(2015)", "(2015)", None),  # ReDial: the title is lost
    ],
)
def test_split_title(name: str, title: str, year: int | None) -> None:
    assert split_title(name) == (title, year)


def test_find_span_is_whole_words_in_any_case() -> None:
    assert find_span("Seen ANT or Antler or ant?", "Ant") == (5, 8)
    assert find_span("Seen ANT or Antler or ant?", "Ant", 8) == (22, 25)
    assert find_span("Antlers only", "Ant") is None
    assert find_span("what (if) this", "(if)") == (5, 9)
    assert find_span("anything", " ") is None


@given(st.text(), st.text(alphabet="abcXYZ9", min_size=1), st.text())
def test_find_span_finds_a_title_in_any_text(before: str, title: str, after: str) -> None:
    text = f"{before} {title} {after}"
    span = find_span(text, title)
    assert span is not None
    assert span[0] <= len(before) + 1
    assert text[slice(*span)].casefold() == title.casefold()


def test_merge_turns_joins_texts_and_ids_and_moves_spans() -> None:
    merged = merge_turns(
        [
            Turn("seeker", "Hello", "1"),
            Turn("recommender", "Try", "2"),
            Turn("recommender", "", "3"),
            Turn("recommender", "Paper Boats", "4", (Mention("7", 0, 11), Mention("8"))),
        ]
    )
    assert merged == (
        Turn("seeker", "Hello", "1"),
        Turn("recommender", "Try Paper Boats", "2+3+4", (Mention("7", 4, 15), Mention("8"))),
    )


@given(st.lists(st.tuples(st.sampled_from(["seeker", "recommender"]), st.text(max_size=5))))
def test_merge_turns_alternates_and_keeps_every_mention_on_its_word(messages: list[tuple[str, str]]) -> None:
    turns = [Turn(speaker, text, None, (Mention(text, 0, len(text)),)) for speaker, text in messages]
    merged = merge_turns(turns)
    assert all(a.speaker != b.speaker for a, b in pairwise(merged))
    found = [(turn.text[m.start : m.end], m.source_movie_id) for turn in merged for m in turn.mentions]
    assert [word for _, word in found] == [text for _, text in messages]
    assert all(seen == word for seen, word in found)


def test_tables_keep_dialogues_without_movies_and_the_first_of_two_names() -> None:
    dialogues = [
        Dialogue(
            "starter:b", "starter", "train", (Turn("seeker", "Boats", None, (Mention("7", 0, 5, True, None, False),)),), outcome="open"
        ),
        Dialogue("starter:a", "starter", "test", (Turn("seeker", "Hello"), Turn("recommender", "Hello"))),
    ]
    tables = dialogue_tables("starter", dialogues, [DialogueMovie("7", "Boats", 1999), DialogueMovie("7", "Ships")])
    assert tables["core_dialogues"].to_pylist() == [
        {"dialogue_id": "starter:a", "dataset": "starter", "split": "test", "turn_count": 2, "seeker_id": None, "outcome": None},
        {"dialogue_id": "starter:b", "dataset": "starter", "split": "train", "turn_count": 1, "seeker_id": None, "outcome": "open"},
    ]
    assert tables["core_dialogue_turns"].num_rows == 3
    assert tables["core_dialogue_movies"].to_pylist() == [
        {"dataset": "starter", "source_movie_id": "7", "surface": "Boats", "mention_year": 1999, "imdb_id": None}
    ]
    (mention,) = tables["core_mentions"].to_pylist()
    assert (mention["dialogue_id"], mention["turn_index"], mention["mention_index"]) == ("starter:b", 0, 0)
    assert (mention["is_recommended"], mention["is_accepted"], mention["is_liked"]) == (True, None, False)


def test_tables_of_nothing_have_their_schema() -> None:
    tables = dialogue_tables("starter", [], [])
    assert [table.num_rows for table in tables.values()] == [0, 0, 0, 0]
    assert "span_start" in tables["core_mentions"].column_names
