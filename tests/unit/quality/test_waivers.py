"""Waivers are decisions: well-formed, dated, about something that exists. Every problem is reported at once."""

from datetime import date
from pathlib import Path

import pytest

from quality.errors import WaiverError
from quality.waivers import Waiver, load_waivers

TODAY = date(2031, 5, 17)
KNOWN = ("core_movies.year_share", "core_movies.rows")


def load(folder: Path, text: str) -> tuple[Waiver, ...]:
    path = folder / "waivers.yaml"
    path.write_text(text)
    return load_waivers(path, known=KNOWN, today=TODAY)


def entry(expectation: str = "core_movies.rows", who: str = "Ada", reason: str = "source is down", expires: str = "2031-05-17") -> str:
    return f"- expectation: {expectation}\n  who: {who}\n  reason: {reason}\n  expires: {expires}\n"


@pytest.mark.parametrize("text", ["", "[]", "# none today\n"])
def test_an_empty_file_waives_nothing(text: str, tmp_path: Path) -> None:
    assert load(tmp_path, text) == ()


def test_no_file_waives_nothing(tmp_path: Path) -> None:
    assert load_waivers(tmp_path / "none.yaml", known=KNOWN, today=TODAY) == ()


@pytest.mark.parametrize("day", ["2031-05-17", "'2031-05-17'"])
def test_a_waiver_holds_through_its_last_day(day: str, tmp_path: Path) -> None:
    assert load(tmp_path, entry(expires=day)) == (Waiver("core_movies.rows", "Ada", "source is down", date(2031, 5, 17)),)


def test_every_problem_is_reported_at_once(tmp_path: Path) -> None:
    text = (
        entry(expires="2031-05-16")
        + entry(expectation="core_movies.year_shar")
        + entry(who="''", expectation="core_movies.year_share")
        + entry(expires="soon")
        + entry()
        + "- just text\n"
        + entry().replace("reason", "raison")
    )
    with pytest.raises(WaiverError) as caught:
        load(tmp_path, text)
    message = str(caught.value)
    for problem in (
        "core_movies.rows: the waiver by Ada expired on 2031-05-16",
        "did you mean 'core_movies.year_share'?",
        "entry 3: who is missing",
        "entry 4: expires 'soon' is not a date",
        "core_movies.rows: waived more than once",
        "entry 6: expected a mapping",
        "entry 7: reason is missing",
        "entry 7: unknown keys ['raison']",
    ):
        assert problem in message


@pytest.mark.parametrize("text", ["expectation: x", "[unclosed", "just text"])
def test_what_is_no_list_is_refused(text: str, tmp_path: Path) -> None:
    with pytest.raises(WaiverError, match=r"waivers\.yaml"):
        load(tmp_path, text)


def test_without_names_and_a_date_only_the_form_is_checked(tmp_path: Path) -> None:
    path = tmp_path / "waivers.yaml"
    path.write_text(entry(expectation="core_movies.year_shar", expires="1999-01-01"))
    assert [waiver.expectation for waiver in load_waivers(path)] == ["core_movies.year_shar"]
    path.write_text(entry() + entry(who="''"))
    with pytest.raises(WaiverError, match="entry 2: who is missing"):
        load_waivers(path)
