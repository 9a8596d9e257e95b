"""ReDial's reader on made-up conversations: every quirk of the published files."""

import json
import zipfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from corpus_pipeline.errors import SourceError
from corpus_pipeline.sources.dialogues.redial import _resolved, read_redial, read_redial_imdb_ids
from corpus_pipeline.sources.reading import Read
from corpus_pipeline.transform.dialogues import DialogueMovie

SEEKER, RECOMMENDER = 10, 20
CSV = "movieId,movieName,nbMentions\n101,Paper Boats  (1999),3\n102,Who Rowed%3F (2016),1\n103,Paper Boats ,1\n"


def conversation(number: str, messages: list[tuple[int, str]], **changed: Any) -> dict[str, Any]:
    return {
        "conversationId": number,
        "initiatorWorkerId": SEEKER,
        "respondentWorkerId": RECOMMENDER,
        "movieMentions": {"101": "Paper Boats  (1999)", "102": "Who Rowed%3F (2016)"},
        "initiatorQuestions": {"101": {"suggested": 1, "seen": 0, "liked": 1}, "102": {"suggested": 0, "seen": 2, "liked": 2}},
        "respondentQuestions": {"101": {"suggested": 1, "seen": 0, "liked": 0}},
        "messages": [
            {"messageId": 500 + index, "timeOffset": index, "senderWorkerId": sender, "text": text}
            for index, (sender, text) in enumerate(messages)
        ],
    } | changed


def written(folder: Path, file: str, *lines: Any) -> Path:
    text = "\n".join(line if isinstance(line, str) else json.dumps(line) for line in lines)
    (folder / file).write_text(text, encoding="utf-8")
    return folder


def read_one(folder: Path, record: dict[str, Any]) -> Read:
    written(folder, "movies_with_mentions.csv", CSV)
    return read_redial(written(folder, "train_data.jsonl", record))


def rows(read: Read, table: str) -> list[dict[str, Any]]:
    return read.tables[table].to_pylist()


def reasons(read: Read) -> list[str]:
    return read.rejects.column("reason").to_pylist()


def test_messages_merge_and_tokens_become_titles(tmp_path: Path) -> None:
    read = read_one(tmp_path, conversation("1", [(SEEKER, "Hi"), (RECOMMENDER, "See @101"), (RECOMMENDER, "or @102 now")]))
    turns = rows(read, "core_dialogue_turns")
    assert [(t["speaker"], t["text"], t["source_turn_id"]) for t in turns] == [
        ("seeker", "Hi", "500"),
        ("recommender", "See Paper Boats or Who Rowed? now", "501+502"),
    ]
    spans = [(m["source_movie_id"], turns[1]["text"][m["span_start"] : m["span_end"]]) for m in rows(read, "core_mentions")]
    assert spans == [("101", "Paper Boats"), ("102", "Who Rowed?")]
    (dialogue,) = rows(read, "core_dialogues")
    assert (dialogue["dialogue_id"], dialogue["turn_count"], dialogue["seeker_id"]) == ("redial:1", 2, "10")


def test_entities_are_decoded_and_spans_stay_right(tmp_path: Path) -> None:
    read = read_one(tmp_path, conversation("1", [(RECOMMENDER, "I &quot;loved&quot; @101 &amp; @102 &gt; all")]))
    (turn,) = rows(read, "core_dialogue_turns")
    assert turn["text"] == 'I "loved" Paper Boats & Who Rowed? > all'
    assert [turn["text"][m["span_start"] : m["span_end"]] for m in rows(read, "core_mentions")] == ["Paper Boats", "Who Rowed?"]


def test_signals_are_the_seekers_form_then_the_recommenders(tmp_path: Path) -> None:
    record = conversation("1", [(SEEKER, "@101"), (RECOMMENDER, "@101 @102 @103")], movieMentions={"103": "Paper Boats "})
    read = read_one(tmp_path, record)
    signals = [(m["source_movie_id"], m["is_recommended"], m["is_accepted"], m["is_liked"]) for m in rows(read, "core_mentions")]
    assert signals == [
        ("101", False, None, True),  # the seeker proposes nothing
        ("101", True, True, True),  # the seeker's 'liked' wins over the recommender's
        ("102", False, None, None),  # 2 is 'did not say'
        ("103", None, None, None),  # in no form
    ]


def test_a_form_may_be_an_empty_list(tmp_path: Path) -> None:
    read = read_one(tmp_path, conversation("1", [(RECOMMENDER, "@101")], initiatorQuestions=[], respondentQuestions=[], movieMentions=[]))
    (mention,) = rows(read, "core_mentions")
    assert mention["is_recommended"] is None
    assert rows(read, "core_dialogue_movies")[0]["surface"] == "Paper Boats"


def test_null_names_unknown_ids_and_stray_ats_name_nothing(tmp_path: Path) -> None:
    record = conversation("1", [(SEEKER, "@102 or @50, @999, a@b @ 7pm")], movieMentions={"50": None, "102": None})
    read = read_one(tmp_path, record)
    assert rows(read, "core_dialogue_turns")[0]["text"] == "Who Rowed? or @50, @999, a@b @ 7pm"
    assert [m["source_movie_id"] for m in rows(read, "core_mentions")] == ["102"]
    assert rows(read, "core_dialogues")[0]["turn_count"] == 1


def test_a_token_glued_to_words_gets_spaces(tmp_path: Path) -> None:
    read = read_one(tmp_path, conversation("1", [(SEEKER, "recently@101and")]))
    assert rows(read, "core_dialogue_turns")[0]["text"] == "recently Paper Boats and"


def test_movies_keep_both_ids_of_a_title_and_no_imdb_id(tmp_path: Path) -> None:
    read = read_one(tmp_path, conversation("1", [(SEEKER, "@101 @104")], movieMentions={"104": "Kite"}))
    movies = {m["source_movie_id"]: (m["surface"], m["mention_year"], m["imdb_id"]) for m in rows(read, "core_dialogue_movies")}
    assert movies == {
        "101": ("Paper Boats", 1999, None),
        "102": ("Who Rowed?", 2016, None),
        "103": ("Paper Boats", None, None),
        "104": ("Kite", None, None),  # only the conversation names it
    }


def test_republished_train_parts_without_message_ids_and_their_duplicates(tmp_path: Path) -> None:
    written(tmp_path, "train_data_partial.jsonl", conversation("1", [(SEEKER, "first")]))
    merged = conversation("2", [])
    merged["messages"] = [{"senderWorkerId": SEEKER, "text": "@101", "turn_id": 0, "item": ["Paper Boats (1999)"], "word": []}]
    read = read_redial(written(tmp_path, "train_extra_ievalm_valid_data.jsonl", conversation("1", [(SEEKER, "again")]), merged))
    assert [d["dialogue_id"] for d in rows(read, "core_dialogues")] == ["redial:1", "redial:2"]
    assert [t["source_turn_id"] for t in rows(read, "core_dialogue_turns")] == ["500", "0"]
    assert reasons(read) == ["duplicate_dialogue"]
    assert [(c.read, c.accepted, c.quarantined) for c in read.counts] == [(1, 1, 0), (2, 1, 1)]


def test_a_test_conversation_is_never_trained_on(tmp_path: Path) -> None:
    written(tmp_path, "test_data.jsonl", conversation("7", [(SEEKER, "test")]))
    read = read_redial(written(tmp_path, "train_data.jsonl", conversation("7", [(SEEKER, "train")]), conversation("8", [(SEEKER, "x")])))
    assert {d["dialogue_id"]: d["split"] == "test" for d in rows(read, "core_dialogues")} == {"redial:7": True, "redial:8": False}
    assert rows(read, "core_dialogue_turns")[0]["text"] == "test"
    assert reasons(read) == ["duplicate_dialogue"]


def test_complete_train_file_replaces_the_parts(tmp_path: Path) -> None:
    written(tmp_path, "train_data_partial.jsonl", "not read at all")
    read = read_redial(written(tmp_path, "train_data.jsonl", conversation("1", [(SEEKER, "x")])))
    assert [c.file for c in read.counts] == ["train_data.jsonl"]


def test_official_zip(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "redial_dataset.zip", "w") as archive:
        archive.writestr("redial/test_data.jsonl", json.dumps(conversation("7", [(RECOMMENDER, "@101")])))
        archive.writestr("redial/movies_with_mentions.csv", CSV)
    read = read_redial(tmp_path)
    assert [(c.file, c.accepted) for c in read.counts] == [("test_data.jsonl", 1), ("movies_with_mentions.csv", 3)]
    assert rows(read, "core_dialogue_turns")[0]["text"] == "Paper Boats"


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("{", "bad_json"),
        ("[1]", "not_an_object"),
        ({"conversationId": "9"}, "missing_field"),
        (conversation("9", [(99, "who?")]), "unknown_speaker"),
        (conversation("9", []), "empty_dialogue"),
        (conversation("9", []) | {"messages": {}}, "bad_type"),
        (conversation("9", [(SEEKER, "x")], movieMentions="x"), "bad_type"),
        (conversation("9", [(SEEKER, "x")], initiatorQuestions="x"), "bad_type"),
        (conversation("", [(SEEKER, "x")]), "bad_type"),
        (conversation("9", [(SEEKER, "half \ud83d")]), "bad_text"),
        (conversation("9", [(SEEKER, "x")], respondentWorkerId=SEEKER), "unknown_speaker"),
    ],
)
def test_bad_lines_are_quarantined(tmp_path: Path, line: Any, reason: str) -> None:
    read = read_redial(written(tmp_path, "train_data.jsonl", conversation("1", [(SEEKER, "x")]), "", line))
    assert reasons(read) == [reason]
    assert read.rejects.column("line").to_pylist() == [3]
    assert [(c.read, c.accepted, c.quarantined) for c in read.counts] == [(2, 1, 1)]


def test_bad_utf8_and_bad_movies(tmp_path: Path) -> None:
    good = json.dumps(conversation("1", [(SEEKER, "x")])).encode()
    (tmp_path / "train_data.jsonl").write_bytes(good + b"\n\xff\xfe{}")
    movies = CSV + "x1,Bad,1\n104,,1\n101,Again,1\n105,Two,Commas,1\n106\n"
    (tmp_path / "movies_with_mentions.csv").write_bytes(movies.encode() + b"107,\xff,1\n")
    read = read_redial(tmp_path)
    assert reasons(read) == ["bad_movie", "bad_movie", "duplicate_movie", "wrong_column_count", "bad_type", "bad_utf8", "bad_utf8"]
    assert [(c.read, c.accepted) for c in read.counts] == [(2, 1), (9, 3)]


def test_a_page_instead_of_data_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"train_data\.jsonl: none of its 2 lines is JSON"):
        read_redial(written(tmp_path, "train_data.jsonl", "<html>", "</html>"))
    (tmp_path / "redial_dataset.zip").write_bytes(b"<html>")
    (tmp_path / "train_data.jsonl").unlink()
    with pytest.raises(SourceError, match="not a usable zip"):
        read_redial(tmp_path)


def test_an_empty_folder_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="expected one of"):
        read_redial(tmp_path)


@given(st.text(alphabet="@1270 abç&;amp\u2028", max_size=40))
def test_resolved_spans_always_show_the_title(raw: str) -> None:
    text, spans = _resolved(raw, {"12": DialogueMovie("12", "Paper Boats")}.get)
    assert all(text[start:end] == "Paper Boats" and movie == "12" for movie, start, end in spans)
    assert len(spans) == text.count("Paper Boats")


def point(dialogue: str, turn: int, rec: list[int], earlier: list[int]) -> dict[str, Any]:
    return {"dialog_id": f"test_{dialogue}", "turn_id": turn, "rec": rec, "prev_entity": earlier, "is_user": 0}


def protocol(folder: Path, *points: Any) -> Path:
    data = folder / "protocol" / "data" / "redial"
    data.mkdir(parents=True)
    entities = {"Paper_Boats_(1999_film)": 1, "Who_Rowed%3F": 2, "Paper_Boats": 3, "Lamp_(2001_film)": 4}
    (data / "entity2id.json").write_text(json.dumps({f"<http://dbpedia.org/resource/{k}>": v for k, v in entities.items()}))
    written(data, "test.jsonl", *points)
    return folder / "protocol"


def test_published_points_become_the_test_examples(tmp_path: Path) -> None:
    messages = [(SEEKER, "@101"), (RECOMMENDER, "@102"), (RECOMMENDER, "and @101"), (SEEKER, "ok"), (RECOMMENDER, "@103")]
    written(tmp_path, "movies_with_mentions.csv", CSV)
    written(tmp_path, "test_data.jsonl", conversation("7", messages))
    points = protocol(
        tmp_path,
        point("7", 502, [2, 3, 4], [1]),  # the id of any message of the merged turn finds the turn
        point("7", 501, [2], []),
        point("7", 500, [1], []),
        point("8", 500, [1], []),
        point("7", 504, [77], []),
        point("7", 504, [], []),
    )
    read = read_redial(tmp_path, points)
    assert [(e["example_id"], e["split"], e["context_text"]) for e in rows(read, "core_recommendation_turns")] == [
        ("redial:7#1", "test", "seeker: Paper Boats")
    ]
    targets = [(t["source_movie_id"], t["target_name"], t["is_new"]) for t in rows(read, "core_recommendation_targets")]
    assert targets == [
        ("102", "Who Rowed%3F", True),
        ("101", "Paper Boats", False),  # another entity, the same name: repeated
        ("http://dbpedia.org/resource/Lamp_(2001_film)", "Lamp", True),
    ]
    added = {m["source_movie_id"]: (m["surface"], m["mention_year"]) for m in rows(read, "core_dialogue_movies")}
    assert added["http://dbpedia.org/resource/Lamp_(2001_film)"] == ("Lamp", 2001)
    assert reasons(read) == ["duplicate_turn", "not_a_recommender_turn", "unknown_turn", "unknown_entity", "no_target"]


def test_without_points_the_rule_makes_the_test_examples(tmp_path: Path) -> None:
    read = read_redial(written(tmp_path, "test_data.jsonl", conversation("7", [(RECOMMENDER, "@101 and @101")])))
    assert [(t["example_id"], t["source_movie_id"], t["is_new"]) for t in rows(read, "core_recommendation_targets")] == [
        ("redial:7#0", "101", True)
    ]


def test_imdb_ids_are_read_apart(tmp_path: Path) -> None:
    path = tmp_path / "info.json"
    path.write_text(json.dumps({"102": {"imdb_id": "tt0000002"}, "101": {"imdb_id": "tt0000001"}, "103": {"imdb_id": None}, "104": {}}))
    assert read_redial_imdb_ids(path).to_pydict() == {"source_movie_id": ["101", "102"], "imdb_id": ["tt0000001", "tt0000002"]}
    path.write_text("<html>")
    with pytest.raises(SourceError, match=r"info\.json"):
        read_redial_imdb_ids(path)
