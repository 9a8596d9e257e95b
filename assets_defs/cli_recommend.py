"""The commands that find films: `marquee recommend` for one dialogue, `marquee chat` at the terminal, `marquee search` by text."""

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from assets_defs.command import AsJson, ProfileName, UsageError, emit, reported, workspace_for
from assets_defs.terminal import err, grid, out, progress_bar, say

DIALOGUE = '{"turns": [{"speaker": "seeker" or "recommender", "text": "..."}]}'
PROMPT, HELP = "you> ", "say what you would like to see; /new starts over, /why explains the last answer, /quit leaves"
ANSWER = ("release", "model", "history", "recommendations", "notices")  # what a person sees before asking why
Count = Annotated[int, typer.Option("--k", "-k", min=1, max=1000, help="How many films.")]
Choose = Annotated[str, typer.Option("--choose", help="What orders the candidates: reranker, generator, ranker or retrieval.")]
Retrieve = Annotated[
    str,
    typer.Option(
        "--retriever", help="What finds candidates: hybrid, or of the feedback loop (RAR, a reconstruction) rar, rar+dialogue, dense."
    ),
]
Round = Annotated[
    int | None, typer.Option("--round", help="Of a retriever of the loop: 0 is the supervised one; by default the best on validation.")
]
Mentioned = Annotated[bool, typer.Option("--include-mentioned", help="Recommend films that were named in the dialogue, too.")]


def add_to(app: typer.Typer) -> None:
    """Give `app` the commands."""
    app.command()(recommend)
    app.command()(chat)
    app.command()(search)


def recommend(
    dialogue: Annotated[str, typer.Argument(help="JSON file with the dialogue, or - for standard input.")] = "-",
    k: Count = 10,
    model: Annotated[
        str, typer.Option(help="pipeline (query expert, retrieval, a model that chooses), lrurec_text or lrurec.")
    ] = "pipeline",
    choose: Choose = "reranker",
    retriever: Retrieve = "hybrid",
    round_number: Round = None,
    explain: Annotated[bool, typer.Option("--explain", help="Show the query, the candidates and what speaks for each film.")] = False,
    include_mentioned: Mentioned = False,
    profile: ProfileName = None,
    as_json: AsJson = False,
) -> None:
    """Recommend films for a dialogue: {"turns": [{"speaker": "seeker", "text": "I loved Heat (1995)"}]}."""
    with reported(as_json):
        from assets_defs.recommend import recommend_for

        said, space = read_dialogue(dialogue), workspace_for(profile)
        with progress_bar(as_json) as tell:
            tell("reading titles and models", 0, 0)
            which = (retriever, round_number)
            found = recommend_for(
                space, said, k=k, model=model, chooser=choose, retriever=which, include_named=include_mentioned, explain=explain
            )
        emit(found, as_json, lambda: show(found))


def chat(
    k: Count = 5,
    choose: Choose = "reranker",
    retriever: Retrieve = "hybrid",
    round_number: Round = None,
    include_mentioned: Mentioned = False,
    profile: ProfileName = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print each answer as one line of JSON.")] = False,
) -> None:
    """Talk about films at the terminal; each answer takes all that was said before into account."""
    with reported(as_json):
        from assets_defs.recommend import Assistant, answer

        assistant = Assistant(workspace_for(profile), choose, retriever, round_number)
        say(err if as_json else out, HELP)
        turns: list[dict[str, str]] = []
        last: dict[str, Any] = {}
        while (typed := _typed()) not in ("/quit", "/exit"):
            if typed == "/new":
                turns, last = [], {}
            elif typed == "/why":
                explain(last) if last else say(out, "nothing was recommended yet")
            elif typed:
                turns.append({"speaker": "seeker", "text": typed})
                last = answer(assistant, turns, k=k, include_named=include_mentioned, explain=True)
                say(out, json.dumps(last, ensure_ascii=False)) if as_json else show({key: last[key] for key in ANSWER})
                turns.append({"speaker": "recommender", "text": _reply(last)})


def search(
    query: Annotated[str, typer.Argument(help="What the film is about, in words.")],
    k: Count = 10,
    profile: ProfileName = None,
    as_json: AsJson = False,
) -> None:
    """Find films by what they are about: every film of the corpus, nearest first."""
    with reported(as_json):
        from assets_defs.search import search as search_for

        if not query.strip():
            raise UsageError("search: the text is empty; say what the film is about")
        space = workspace_for(profile)
        with progress_bar(as_json) as tell:
            tell("reading the index", 0, 0)
            found = search_for(space, query, k=k)
        rows = [(n, f["title"], f["year"], ", ".join(f["genres"][:3]), f"{f['score']:.3f}") for n, f in enumerate(found["films"], 1)]
        title = f"release {found['release']}, {found['films_searched']:,} films, {found['stand_ins']:,} of them by stand-in"
        emit(found, as_json, lambda: out.print(grid(title, ("", "title", "year", "genres", "score"), rows)))


def _typed() -> str:
    """A line from the keyboard; the end of input leaves."""
    try:
        return input(PROMPT if sys.stdin.isatty() else "").strip()
    except EOFError:
        return "/quit"


def _reply(found: Mapping[str, Any]) -> str:
    """The recommender's turn in the dialogue to come: the pick, named, so that it is not recommended again."""
    best = found["recommendations"][:1]
    return f"Have you seen {best[0]['title']} ({best[0]['year']})?" if best else "I know of no film like that."


def show(found: Mapping[str, Any]) -> None:
    """Films, versions and notices for people; with an explanation, that too."""
    heard = ", ".join(f"{m['title']} ({m['year']})" for m in found["history"]) or "no film"
    say(out, f"heard: {heard}")
    rows = [(r["rank"], r["title"], r["year"], f"{r['score']:.3f}", r["movie_id"]) for r in found["recommendations"]]
    out.print(grid(f"release {found['release']}, {found['model']}", ("", "title", "year", "score", "movie_id"), rows))
    for notice in found["notices"]:
        say(err, f"notice: {notice}")
    if "query" in found:
        explain(found)


def explain(found: Mapping[str, Any]) -> None:
    """The query, what speaks for each film, and the candidates."""
    say(out, f"query: {found['query']}")
    for film in found["recommendations"]:
        because = found["because"].get(film["movie_id"]) or ["nothing that was said; the models alone"]
        say(out, f"{film['rank']}. {film['title']} ({film['year']}): {'; '.join(because[:6])}")
    rows = [(n, c["title"], c["year"], f"{c['retrieval_score']:.3f}") for n, c in enumerate(found["candidates"], 1)]
    out.print(grid("Candidates in order of retrieval", ("", "title", "year", "score"), rows))


def read_dialogue(where: str) -> Mapping[str, Any]:
    """The dialogue in a JSON file or on standard input; UsageError says what was expected."""
    try:
        found = json.loads(_dialogue_text(where))
    except (OSError, ValueError) as error:
        raise UsageError(f"dialogue {where}: expected JSON like {DIALOGUE}, saw: {error}") from error
    turns = found.get("turns") if isinstance(found, dict) else None
    if not isinstance(turns, list) or not all(_is_turn(turn) for turn in turns):
        raise UsageError(f"dialogue {where}: expected JSON like {DIALOGUE}")
    return dict(found)


def _dialogue_text(where: str) -> str:
    if where != "-":
        return Path(where).read_text(encoding="utf-8")
    if sys.stdin.isatty():
        say(err, f"type a dialogue like {DIALOGUE} and end with Ctrl-D")
    return sys.stdin.read()


def _is_turn(turn: Any) -> bool:
    return isinstance(turn, dict) and isinstance(turn.get("text"), str) and turn.get("speaker", "seeker") in ("seeker", "recommender")
