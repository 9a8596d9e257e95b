"""What is drawn is what was found: brackets in a title are no markup, and messages can be copied."""

import io

import pytest
from rich.console import Console

from assets_defs.terminal import grid, progress_bar, say


def drawn(*cells: object, title: str = "") -> str:
    console = Console(file=io.StringIO(), width=60)
    console.print(grid(title, ["a"] * len(cells), [cells]))
    return str(console.file.getvalue())  # type: ignore[attr-defined]


@pytest.mark.parametrize("text", ["[rec]", "[/nope]", "[bold]x[/]", "[@click=f]x", "\\[x]"])
def test_brackets_are_shown_as_they_are(text: str) -> None:
    assert text in drawn(text)
    assert text in drawn("wide enough for the title", title=text)


def test_nothing_is_an_empty_cell_and_zero_is_not() -> None:
    assert "None" not in drawn(None, 0) and "0" in drawn(None, 0)


def test_a_long_message_is_one_line() -> None:
    console = Console(file=io.StringIO(), width=20)
    say(console, "run `marquee build --profile starter` [again]")
    assert console.file.getvalue() == "run `marquee build --profile starter` [again]\n"  # type: ignore[attr-defined]


def test_progress_leaves_no_trace_where_nobody_watches(capsys: pytest.CaptureFixture[str]) -> None:
    with progress_bar(False) as tell:
        tell("half way", 1, 2)
        tell("who knows", 0, 0)
    assert capsys.readouterr() == ("", "")
