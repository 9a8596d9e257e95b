"""Accounting of records and safe reading of zips."""

import json
import zipfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from corpus_pipeline.errors import SourceError
from corpus_pipeline.sources.dialogues import records
from corpus_pipeline.sources.dialogues.records import RecordError, content, read_json_lines, take
from corpus_pipeline.sources.reading import Quarantine


@given(st.lists(st.one_of(st.binary(max_size=20).filter(lambda b: b"\n" not in b), st.just(b'{"a": 1}'), st.just(b"{}")), max_size=20))
def test_every_line_is_accepted_or_quarantined(lines: list[bytes]) -> None:
    quarantine = Quarantine("x")
    data = b"\n".join([b'{"a": 0}', *lines])
    accepted, count = read_json_lines(data, "f", quarantine, lambda _, record: take(record, "a", int))
    assert count.read == sum(1 for line in data.split(b"\n") if line.strip())
    assert count.accepted == len(accepted)
    assert count.quarantined == quarantine.table().num_rows == count.read - count.accepted


def test_line_numbers_count_blank_lines_and_line_separators_do_not_split() -> None:
    seen: list[tuple[int, str]] = []
    text = json.dumps("a\u2028b", ensure_ascii=False) + '\r\n\n"c"\n'
    read_json_lines(text.encode(), "f", Quarantine("x"), lambda number, value: seen.append((number, value)))
    assert seen == [(1, "a\u2028b"), (3, "c")]


def test_take() -> None:
    assert take({"a": 1}, "a", int) == 1
    for record, reason in ((3, "not_an_object"), ({}, "missing_field"), ({"a": True}, "bad_type"), ({"a": "1"}, "bad_type")):
        with pytest.raises(RecordError, match=reason):
            take(record, "a", int)


def test_zip_members_are_found_by_name_and_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("../../escape/data.jsonl", "inside")
    assert content(tmp_path, "data.jsonl", archive="a.zip") == b"inside"
    assert content(tmp_path, "other.jsonl", archive="a.zip") is None
    assert content(tmp_path, "data.jsonl") is None
    monkeypatch.setattr(records, "EXPANDED_LIMIT", 5)
    with pytest.raises(SourceError, match="expands beyond 5 bytes"):
        content(tmp_path, "data.jsonl", archive="a.zip")
