"""The wording of the query expert's prompts, with a version for each: a change of words is a new version and a new model.

Everything of a film or a dialogue passes `prompt_text` on its way in. No model is asked here.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from modeling.prompt_text import dialogue_lines, plain
from modeling.query_expert.config import QueryExpertConfig
from modeling.query_expert.facts import FilmFacts

STUDENT_VERSION = DIRECT_VERSION = TEACHER_VERSION = 2
STUDENT_TASK = "Write the search query for the next film."
DIRECT_TASK = (
    "Below is a talk between a seeker, who wants a film, and a recommender. Write one search query for a film data base that finds "
    "films the seeker will like: genres, people, themes, time. Answer with the query alone, in one line of at most 30 words."
)
TEACHER_TASK = (
    "Below is a talk between a seeker, who wants a film, and a recommender, and then the film that was right. Find what the film has in "
    "common with what the seeker said or liked: genres, people, themes, time. Write one search query in plain words that would match "
    "introductions of such films. Never say the film's title. Answer with the query alone, in one line of at most 30 words."
)
QUERY_MARK = "query:"
_TITLE, _NAME, _PLOT, _FILMS, _DIALOGUE = 60, 40, 300, "films named before, the latest last:", "dialogue:"
_COMPANIONS = "often named with them:"
_GENRES = 3


@dataclass(frozen=True, slots=True)
class Seen:
    """What a prompt can show: the dialogue, films named before (oldest first), films that others name beside those (best first)."""

    context_text: str
    before: Sequence[FilmFacts] = ()
    companions: Sequence[FilmFacts] = ()


def student_prompt(seen: Seen, config: QueryExpertConfig) -> str:
    """Task, latest turns, a line for each of the latest films named before, their companions, and the open query line.

    A query starts with a space.
    """
    return _joined(STUDENT_TASK, *_lines(seen, config), QUERY_MARK)


def direct_prompt(seen: Seen, config: QueryExpertConfig) -> str:
    """What the student is shown, with a task spelled out for a model that was not tuned."""
    return _joined(DIRECT_TASK, *_lines(seen, config), QUERY_MARK)


def teacher_prompt(seen: Seen, truth: FilmFacts, config: QueryExpertConfig) -> str:
    """What the student is shown, and the true film; for training rows only."""
    plot = plain(truth.plot, _PLOT)
    right = f"right film: {film_line(truth)}" + (f". {plot}" if plot else "")
    return _joined(TEACHER_TASK, *_lines(seen, config), right, QUERY_MARK)


def film_line(film: FilmFacts) -> str:
    """'Title (Year), genre, genre, lead, director': what a small model does not know of a film, in one line."""
    names = dict.fromkeys((*film.cast[:1], *film.directors[:1]))
    parts = [title_and_year(film), *(genre.lower() for genre in film.genres[:_GENRES]), *(plain(person, _NAME) for person in names)]
    return ", ".join(part for part in parts if part)


def title_and_year(film: FilmFacts) -> str:
    """'Title (Year)', fit for a prompt."""
    title = plain(film.title, _TITLE)
    return title if film.year is None else f"{title} ({film.year})"


def _lines(seen: Seen, config: QueryExpertConfig) -> list[str]:
    lines = dialogue_lines(seen.context_text, config.dialogue_characters)
    films = [film_line(film) for film in seen.before[max(len(seen.before) - config.films, 0) :]]
    companions = "; ".join(map(title_and_year, seen.companions[: config.companions]))
    return [
        *([_DIALOGUE, lines] if lines else []),
        *([_FILMS, *films] if films else []),
        *([f"{_COMPANIONS} {companions}"] if companions else []),
    ]


def _joined(*lines: str) -> str:
    return "\n".join(lines)
