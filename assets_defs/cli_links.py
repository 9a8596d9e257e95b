"""The commands about links: `marquee link` and `marquee review`."""

from pathlib import Path
from typing import Annotated, Any

import typer

from assets_defs.command import AsJson, ProfileName, UsageError, emit, reported, workspace_for
from assets_defs.terminal import out, progress_bar


def add_to(app: typer.Typer) -> None:
    """Give `app` the commands."""
    app.command()(link)
    app.command()(review)


def link(
    text: Annotated[str | None, typer.Option("--text", "-t", help="What somebody says; films are found in it.")] = None,
    title: Annotated[str | None, typer.Option("--title", help="A title that stands alone, with or without year.")] = None,
    file: Annotated[Path | None, typer.Option("--file", "-f", help="One text per line, or JSON Lines with text, dialogue_id, id.")] = None,
    profile: ProfileName = None,
    as_json: AsJson = False,
) -> None:
    """Find the films named in text: place, film, probability, runner-up and rule, or an abstention with its reason."""
    with reported(as_json):
        from assets_defs.linking import TEXT_KEY, link_lines, link_title, read_lines, show_links, write_lines

        if sum(given is not None for given in (text, title, file)) != 1:
            raise UsageError("link: give exactly one of --text, --title and --file")
        space = workspace_for(profile)
        if file is not None:
            rows = read_lines(file)
            with progress_bar(as_json) as tell:
                tell(f"linking {file.name}", 0, len(rows))
                found = list(link_lines(space, rows))
            write_lines(found, as_json=as_json)
            return
        answer: dict[str, Any] = link_title(space, title) if title is not None else next(link_lines(space, [{TEXT_KEY: text}]))
        emit(answer, as_json, lambda: show_links(out, answer))


def review(
    limit: Annotated[int, typer.Option(min=0, help="Show at most so many links; 0 for all.")] = 20,
    as_csv: Annotated[bool, typer.Option("--csv", help="Print lines to sign in the decisions file instead.")] = False,
    profile: ProfileName = None,
    as_json: AsJson = False,
) -> None:
    """Show the links that a person should look at, and the decisions that no longer apply."""
    with reported(as_json):
        from assets_defs.review import find, show

        found = find(workspace_for(profile), limit=limit)
        emit(found, as_json, lambda: show(out, found, as_csv=as_csv))
