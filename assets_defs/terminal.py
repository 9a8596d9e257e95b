"""What the command line draws: tables on standard output, progress on standard error. Nothing is computed here."""

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

# Piped output keeps its columns whole instead of folding them at 80 characters.
out, err = Console(width=None if sys.stdout.isatty() else 120), Console(stderr=True)


def say(console: Console, text: str) -> None:
    """Text as it is: brackets are no markup, and lines are not broken, so that what it quotes can be copied."""
    console.print(text, markup=False, highlight=False, soft_wrap=True)


def grid(title: str, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> Table:
    """A table for the terminal; numbers to the right. Cells are shown as they are: a film may be called [rec]."""
    table = Table(title=Text(title), title_justify="left")
    for position, column in enumerate(columns):
        numeric = bool(rows) and all(isinstance(row[position], int | float) for row in rows)
        table.add_column(Text(column), justify="right" if numeric else "left", overflow="fold")
    for row in rows:
        table.add_row(*(Text("" if cell is None else str(cell)) for cell in row))
    return table


@contextmanager
def progress_bar(hidden: bool) -> Iterator[Callable[[str, int, int], None]]:
    """A progress callback (what, done, total; total 0 where unknown), drawn where standard error is a terminal."""
    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=err, transient=True, disable=hidden or not err.is_terminal) as bar:
        task = bar.add_task("starting", total=None)

        def tell(label: str, done: int, total: int) -> None:
            bar.update(task, description=label, completed=done, total=total or None)

        yield tell
