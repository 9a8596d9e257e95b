"""INSPIRED's reader on made-up dialogues, in both published forms."""

import json
from pathlib import Path
from typing import Any

import pytest

from corpus_pipeline.errors import SourceError
from corpus_pipeline.sources.dialogues.inspired import read_inspired
from corpus_pipeline.sources.reading import Read

HEADER = ("dialog_id", "utt_id", "speaker", "turn_id", "text", "movies", "fine_label", "coarse_label")


def utterance(dialog: str, number: int, speaker: str, text: str, movies: str = "", label: str = "reject") -> str:
    return "\t".join((dialog, str(number), speaker, "1", text, movies, label, "reject_new"))


def written(folder: Path, file: str, *rows: str) -> Path:
    (folder / file).write_text("\n".join(("\t".join(HEADER), *rows)) + "\n", encoding="utf-8")
    return folder


def unicrs(folder: Path, split: str, *dialogues: Any) -> Path:
    (folder / "unicrs_dbpedia").mkdir(exist_ok=True)
    text = "\n".join(dialogue if isinstance(dialogue, str) else json.dumps(dialogue) for dialogue in dialogues)
    (folder / "unicrs_dbpedia" / f"{split}_data_dbpedia.jsonl").write_text(text)
    return folder


def said(role: str, text: str, *movies: str) -> dict[str, Any]:
    return {"role": role, "text": text, "movie": list(movies), "movie_link": [], "movie_name": [], "entity_name": [], "entity_link": []}


def rows(read: Read, table: str) -> list[dict[str, Any]]:
    return read.tables[table].to_pylist()


def reasons(read: Read) -> list[str]:
    return read.rejects.column("reason").to_pylist()


def test_utterances_merge_by_speaker_not_by_turn_id(tmp_path: Path) -> None:
    lines = [utterance("d1", 1, "RECOMMENDER", "Hi!"), utterance("d1", 2, "RECOMMENDER", "Well?"), utterance("d1", 3, "SEEKER", 'Say "hi"')]
    read = read_inspired(written(tmp_path, "dev.tsv", *lines))
    assert [(t["speaker"], t["text"], t["source_turn_id"]) for t in rows(read, "core_dialogue_turns")] == [
        ("recommender", "Hi! Well?", "1+2"),
        ("seeker", 'Say "hi"', "3"),  # quotes are text, not CSV
    ]
    (dialogue,) = rows(read, "core_dialogues")
    assert (dialogue["dialogue_id"], dialogue["split"], dialogue["outcome"], dialogue["turn_count"]) == (
        "inspired:d1",
        "valid",
        "reject",
        2,
    )


def test_lost_characters_and_literal_tokens_are_kept(tmp_path: Path) -> None:
    read = read_inspired(
        written(tmp_path, "test.tsv", utterance("d1", 1, "SEEKER", "it\ufffds QUOTATION_MARK Kite QUOTATION_MARK", "Kite (1999)"))
    )
    (turn,) = rows(read, "core_dialogue_turns")
    assert turn["text"] == 'it\ufffds " Kite "'
    (mention,) = rows(read, "core_mentions")
    assert turn["text"][mention["span_start"] : mention["span_end"]] == "Kite"


@pytest.mark.parametrize(
    ("listed", "movies"),
    [
        ("Kite (1999); Oars (2001)", ["Kite (1999)", "Oars (2001)"]),
        ("Kite (1999);Oars (2001)", ["Kite (1999)", "Oars (2001)"]),
        ("Kite (1999);  Oars (2001);", ["Kite (1999)", "Oars (2001)"]),
        ("Kite (1999), Oars (2001)", ["Kite (1999)", "Oars (2001)"]),
        ("Kite, Oars (2001)", ["Kite, Oars (2001)"]),
        ("Kite ()", ["Kite ()"]),
        (" ", []),
    ],
)
def test_separators_vary(tmp_path: Path, listed: str, movies: list[str]) -> None:
    read = read_inspired(written(tmp_path, "test.tsv", utterance("d1", 1, "SEEKER", "x", listed)))
    assert [m["source_movie_id"] for m in rows(read, "core_mentions")] == movies
    assert len(rows(read, "core_dialogues")) == 1


def test_spans_follow_the_text_and_noisy_links_have_none(tmp_path: Path) -> None:
    text = "Given KITE and kite, no kites"
    lines = [
        utterance("d1", 1, "RECOMMENDER", "Well,"),
        utterance("d1", 2, "RECOMMENDER", text, "Kite (1999); Kite (1999); Oars (2001); Kite (1999)"),
    ]
    read = read_inspired(written(tmp_path, "test.tsv", *lines))
    (turn,) = rows(read, "core_dialogue_turns")
    spans = [(m["span_start"], m["span_end"], m["is_recommended"], m["is_accepted"]) for m in rows(read, "core_mentions")]
    assert [turn["text"][a:b] if a is not None else None for a, b, *_ in spans] == ["KITE", "kite", None, None]
    assert spans[0] == (12, 16, True, None)
    assert {(m["surface"], m["mention_year"], m["imdb_id"]) for m in rows(read, "core_dialogue_movies")} == {
        ("Kite", 1999, None),
        ("Oars", 2001, None),
    }


def test_a_label_mixed_with_nan_is_the_label(tmp_path: Path) -> None:
    lines = [
        utterance("d1", 1, "SEEKER", "x", label="nan"),
        utterance("d1", 2, "SEEKER", "y", label="accept_others"),
        utterance("d2", 1, "SEEKER", "z", label=""),
    ]
    read = read_inspired(written(tmp_path, "dev.tsv", *lines))
    assert [d["outcome"] for d in rows(read, "core_dialogues")] == ["accept_others", None]


def test_unicrs_form_fills_in_for_a_missing_tsv(tmp_path: Path) -> None:
    first = [said("RECOMMENDER", "Try Kite", "Kite (1999)", ""), said("SEEKER", "ok")]
    written(tmp_path, "test.tsv", utterance("d1", 1, "SEEKER", "x"))
    unicrs(tmp_path, "test", "not read")
    read = read_inspired(unicrs(tmp_path, "train", first, [said("SEEKER", "hello")]))
    assert [(d["dialogue_id"], d["split"], d["outcome"]) for d in rows(read, "core_dialogues")] == [
        ("inspired:d1", "test", "reject"),
        ("inspired:train_0", "train", None),
        ("inspired:train_1", "train", None),
    ]
    (mention,) = rows(read, "core_mentions")  # the empty movie of the list names nothing
    assert (mention["dialogue_id"], mention["source_movie_id"], mention["span_start"]) == ("inspired:train_0", "Kite (1999)", 4)


def test_train_tsv_is_preferred(tmp_path: Path) -> None:
    unicrs(tmp_path, "train", "not read")
    read = read_inspired(written(tmp_path, "train.tsv", utterance("d1", 1, "SEEKER", "x")))
    assert [c.file for c in read.counts] == ["train.tsv"]


def test_bad_rows_are_quarantined(tmp_path: Path) -> None:
    written(tmp_path, "test.tsv", utterance("d1", 1, "SEEKER", "x"))
    lines = [
        utterance("d2", 1, "SEEKER", "x"),
        "too\tshort",
        utterance("d2", 2, "WIZARD", "x"),
        utterance("", 3, "SEEKER", "x"),
        utterance("d1", 4, "SEEKER", "x"),
    ]
    read = read_inspired(written(tmp_path, "train.tsv", *lines))
    assert reasons(read) == ["wrong_column_count", "unknown_speaker", "missing_field", "duplicate_dialogue"]
    assert read.rejects.column("line").to_pylist() == [3, 4, 5, 6]
    assert [(c.file, c.read, c.accepted) for c in read.counts] == [("test.tsv", 1, 1), ("train.tsv", 5, 1)]
    with (tmp_path / "train.tsv").open("ab") as file:
        file.write(b"d2\t5\tSEEKER\t1\t\xff\t\treject\treject_new\n")
    assert reasons(read_inspired(tmp_path))[-1] == "bad_utf8"


def test_bad_unicrs_lines_are_quarantined(tmp_path: Path) -> None:
    bad = [[], {}, [said("WIZARD", "x")], [said("SEEKER", "x") | {"movie": [1]}], [{"role": "SEEKER"}], "{"]
    read = read_inspired(unicrs(tmp_path, "train", [said("SEEKER", "x")], *bad))
    assert reasons(read) == ["empty_dialogue", "bad_type", "unknown_speaker", "bad_type", "missing_field", "bad_json"]


def test_files_that_are_something_else(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="expected one of"):
        read_inspired(tmp_path)
    (tmp_path / "dev.tsv").write_text("<html>\n</html>")
    with pytest.raises(SourceError, match=r"dev\.tsv: columns .* are missing"):
        read_inspired(tmp_path)


def test_published_points_are_the_kth_dialogue_and_the_ith_turn(tmp_path: Path) -> None:
    lines = [
        utterance("zz", 1, "SEEKER", "hello"),
        utterance("aa", 1, "SEEKER", "Kite", "Kite (1999)"),
        utterance("aa", 2, "SEEKER", "you?"),
        utterance("aa", 3, "RECOMMENDER", "Kite or Oars", "Oars (2001); Kite (1999)"),
    ]
    written(tmp_path, "test.tsv", *lines)
    written(tmp_path, "dev.tsv", utterance("v", 1, "RECOMMENDER", "Oars", "Oars (2001)"))
    data = tmp_path / "protocol" / "data" / "inspired"
    data.mkdir(parents=True)
    uris = {"<http://dbpedia.org/resource/Kite_(1999_film)>": 0, "<http://dbpedia.org/resource/Oars>": 1}
    (data / "entity2id.json").write_text(json.dumps(uris))
    points = [{"dialog_id": "test_1", "turn_id": "test_1", "rec": [0, 1], "prev_entity": [0]}]
    points += [
        {"dialog_id": dialogue, "turn_id": turn, "rec": [0], "prev_entity": []}
        for dialogue, turn in (("test_1", "test_2"), ("test_9", "test_0"), ("x", "y"))
    ]
    (data / "test.jsonl").write_text("\n".join(map(json.dumps, points)))
    read = read_inspired(tmp_path, tmp_path / "protocol")
    assert [(e["example_id"], e["context_text"]) for e in rows(read, "core_recommendation_turns")] == [
        ("inspired:aa#1", "seeker: Kite you?"),
        ("inspired:v#0", ""),
    ]
    targets = [(t["source_movie_id"], t["target_name"], t["is_new"]) for t in rows(read, "core_recommendation_targets")]
    assert targets == [("Kite (1999)", "Kite", False), ("Oars (2001)", "Oars", True), ("Oars (2001)", "Oars", True)]
    assert reasons(read) == ["unknown_turn"] * 3
