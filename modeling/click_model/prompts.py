"""What the click model is asked: a user, items with the user's stars, one more item, and the question. No model is called here.

A prompt that does not fit loses its front, so what matters most stands last: the question and its item at the end, before
them the most important item of the history (the most similar, the best ranked, or the latest). Who ranked is no business of
this module: rankings come in as places in the history. Everything that others wrote passes `prompt_text`.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from modeling.click_model.config import ClickModelConfig
from modeling.errors import DataError
from modeling.prompt_text import plain

PROMPT_VERSION = 1
ANSWER_MARK = "answer:"
YES, NO = " Yes", " No"
_RANKINGS = ("similar", "behaviour", "reranked")
_PROFILE_CHARACTERS = 60
_GENDERS = {"F": "female", "M": "male"}
_PROFILE = {"gender": "{}", "age": "age {}", "job": "{}", "location": "lives in {}"}
_LEAST_STARS = {"film": "3 of 5", "book": "4 of 10"}  # a film is liked above 3 stars; the book prompts say 'higher than 4 stars'
_ORDERS = {
    "simple": "the latest last",
    "sequential": "the latest last",
    "high": "the most similar to the {kind} in question last",
    "rerank": "the most telling last",
    "hybrid": "the most similar to the {kind} in question last",
}


@dataclass(frozen=True, slots=True)
class HistoryItem:
    """One item that the user has rated; `stars` None where only the verdict is known."""

    title: str
    is_liked: bool
    stars: float | None = None


@dataclass(frozen=True, slots=True)
class Question:
    """One row: would the user like `title`? `history` is all that the user rated before, in time order.

    Rankings are places in `history`, the best first: `similar` to the item in question (of the template 'hybrid': by text), `behaviour`
    by behaviour alone, `reranked` by similarity and recency. `profile`: gender, age, job, location, any of them or none.
    """

    title: str
    history: Sequence[HistoryItem]
    similar: Sequence[int] = ()
    behaviour: Sequence[int] = ()
    reranked: Sequence[int] = ()
    profile: Mapping[str, str | None] | None = None


def chosen_items(question: Question, template: str, length: int) -> list[HistoryItem]:
    """At most `length` items of the history in the order in which the prompt of `template` lists them; DataError for a bad ranking.

    simple: the latest, in time order. sequential: the most similar, in time order. high: the same, the most similar last. rerank:
    the first of `reranked`, the best last (a list that is in reading order already is handed over reversed).
    hybrid: in turn from `similar` and `behaviour`, each item once, the best last.
    """
    _insist_on_places(question)
    if template == "simple":
        return list(question.history[max(len(question.history) - length, 0) :])
    ranked = list(_ranking(question, template))[:length]
    return [question.history[place] for place in (sorted(ranked) if template == "sequential" else reversed(ranked))]


def prompt(question: Question, template: str, config: ClickModelConfig) -> str:
    """The prompt of one row up to its open 'answer:'; an answer starts with a space.

    An item of the history that has the title in question is left out: its stars would be the answer. DataError for a bad ranking,
    or for one that the template needs and that is missing.
    """
    _insist_on_ranking(question, template)
    title = _title(question.title, config)
    others = [place for place, item in enumerate(question.history) if _title(item.title, config) != title]
    listed = chosen_items(_among(question, others), template, config.history_length)
    order = _ORDERS[template].format(kind=config.kind)
    lines = [_item_line(item, config) for item in listed]
    return "\n".join(
        [
            *_profile_line(question.profile or {}),
            *([f"The user rated these {config.kind}s, {order}:", *lines] if lines else [f"The user has rated no other {config.kind}."]),
            f"A {config.kind} is liked when it gets more than {_LEAST_STARS[config.kind]} stars.",
            f'Will the user like the {config.kind} "{title}"? ONLY tell me yes or no.',
            ANSWER_MARK,
        ]
    )


def marked_run(text: str, run: int) -> str:
    """The prompt of one of several draws: its first line numbers the draw, so that neither a cache nor a seed takes two for one.

    In front, since there it is read least, and cut first when the prompt does not fit; a draw stays another one all the same.
    """
    return f"[{run + 1}]\n{text}"


def _among(question: Question, kept: Sequence[int]) -> Question:
    """The question with the places `kept` of its history alone, its rankings without the items that are gone."""
    _insist_on_places(question)
    now = {place: new for new, place in enumerate(kept)}
    similar, behaviour, reranked = ([now[place] for place in getattr(question, name) if place in now] for name in _RANKINGS)
    history = [question.history[place] for place in kept]
    return replace(question, history=history, similar=similar, behaviour=behaviour, reranked=reranked)


def _ranking(question: Question, template: str) -> Iterable[int]:
    if template == "hybrid":
        return _in_turn(question.similar, question.behaviour)
    return question.reranked if template == "rerank" else question.similar


def _insist_on_ranking(question: Question, template: str) -> None:
    needed = {"rerank": ("reranked",), "hybrid": ("similar", "behaviour"), "simple": ()}.get(template, ("similar",))
    missing = [name for name in needed if question.history and not getattr(question, name)]
    if missing:
        raise DataError(
            f"writing a click prompt: template {template!r} of a history of {len(question.history)} without {' and '.join(missing)}; "
            "expected places in the history: retrieve first"
        )


def _in_turn(first: Sequence[int], second: Sequence[int]) -> Iterator[int]:
    """The places of two rankings in turn, each place once; the longer one goes on alone."""
    seen = set[int]()
    for rank in range(max(len(first), len(second))):
        for ranking in (first, second):
            if rank < len(ranking) and ranking[rank] not in seen:
                seen.add(ranking[rank])
                yield ranking[rank]


def _insist_on_places(question: Question) -> None:
    for name, ranking in ((name, getattr(question, name)) for name in _RANKINGS):
        bad = [place for place in ranking if not 0 <= place < len(question.history)]
        if bad or len(set(ranking)) < len(ranking):
            raise DataError(
                f"writing a click prompt: {name} holds {bad[:3] or 'a place twice'}; expected distinct places in a history of "
                f"{len(question.history)}: retrieve within this user's own history"
            )


def _item_line(item: HistoryItem, config: ClickModelConfig) -> str:
    title = _title(item.title, config)
    if item.stars is None:
        return f"{title} ({'liked' if item.is_liked else 'not liked'})"
    return f"{title} ({item.stars:g} star{'' if item.stars == 1 else 's'})"


def _title(text: str, config: ClickModelConfig) -> str:
    return plain(text, config.title_characters) or "untitled"


def _profile_line(profile: Mapping[str, str | None]) -> list[str]:
    known = [(key, plain(_GENDERS.get(value, value), _PROFILE_CHARACTERS)) for key in _PROFILE if (value := profile.get(key))]
    parts = [_PROFILE[key].format(value) for key, value in known if value]
    return [f"The user: {', '.join(parts)}."] if parts else []
