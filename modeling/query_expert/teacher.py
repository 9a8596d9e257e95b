"""The teacher of the query expert: from a dialogue and the film that was right to the query that would have found it.

Pseudo-queries are training targets and nothing else (ReGeS, arXiv 2509.21371, section 3), and none names its film: see `leak`.
What a student is asked, and the teacher that is a language model, stand elsewhere.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from modeling.errors import DataError
from modeling.prompt_text import plain
from modeling.query_expert.companions import Companions
from modeling.query_expert.config import TeacherConfig
from modeling.query_expert.data import Turn
from modeling.query_expert.facts import FilmFacts, contains_words, words_key
from modeling.query_expert.leak import Taboo, content_words, leaks
from modeling.query_expert.prompts import title_and_year

GENRE, DECADE, LIKE, PERSON, WORD = "genre", "decade", "like", "person", "word"
SAID, LIKED, OWN = "said", "liked", "own"  # met in the words of the dialogue, in a film named before, or in the true film alone
_CHARACTERS = 60  # of one concept; a title or name that is longer is cut
# How people say a genre, by words that mean little else in talk of films.
_SPOKEN = {
    "Action": ("action",), "Adventure": ("adventure", "adventures"), "Animation": ("animation", "animated", "cartoon", "cartoons", "anime"),
    "Biography": ("biography", "biographical", "biopic", "true story"), "Crime": ("crime", "gangster", "heist", "mafia"),
    "Comedy": ("comedy", "comedies", "comedic", "funny", "laugh", "hilarious"), "Documentary": ("documentary", "documentaries"),
    "Drama": ("drama", "dramas", "dramatic"), "Family": ("family", "kids", "children"), "Fantasy": ("fantasy", "magic", "magical"),
    "History": ("history", "historical"), "Horror": ("horror", "scary", "horrors", "slasher", "creepy", "spooky"), "Music": ("music",),
    "Musical": ("musical", "musicals"), "Mystery": ("mystery", "mysteries", "whodunit"),
    "Romance": ("romance", "romantic", "romcom", "rom com", "love story", "chick flick"), "Sport": ("sport", "sports"),
    "Sci-Fi": ("sci fi", "scifi", "science fiction", "futuristic"), "Thriller": ("thriller", "thrillers", "suspense", "suspenseful"),
    "War": ("war",), "Western": ("western", "westerns"),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Concept:
    """One part of a query: its kind, its text, and where it was met."""

    kind: str
    text: str
    source: str


@dataclass(frozen=True, slots=True)
class PseudoQuery:
    """What the expert shall write, and the concepts it says; the text is empty when no query is free of the title."""

    concepts: tuple[Concept, ...]
    text: str


class Teacher:
    """The deterministic teacher over a set of films. `companions`: which of them training dialogues name together."""

    def __init__(self, facts: Mapping[str, FilmFacts], companions: Companions, config: TeacherConfig) -> None:
        """Count in how many films a keyword stands: a rare one that two films share says more."""
        self._facts, self._companions, self._config = facts, companions, config
        self._films_of = Counter(keyword for film in facts.values() for keyword in set(film.keywords))

    def teach(self, turn: Turn, truth: str) -> PseudoQuery:
        """The pseudo-query for the film `truth` of a turn; no film that is right in that turn is named as a companion.

        DataError when the true film has no facts; films named before without facts say nothing.
        """
        if truth not in self._facts:
            raise DataError(f"writing a pseudo-query: film {truth} has no facts; expected a row for every linked film; select them again")
        film = self._facts[truth]
        named = [self._facts[movie] for movie in turn.before if movie in self._facts and movie != truth]
        said = words_key(turn.context_text)
        near = self._nearest(film, named)
        taboo = Taboo.of(film)
        concepts = [
            *self._genres(film, named, said),
            *self._likes(near),
            *self._companions_of(turn, truth, taboo),
            *self._people(film, named, near, said),
            *self._words(film, turn.context_text),
        ]
        return guarded(concepts, taboo, self._config.words)

    def _nearest(self, film: FilmFacts, named: Sequence[FilmFacts]) -> list[FilmFacts]:
        """Films named before, the one with most in common first, of equals the latest."""
        order = sorted(range(len(named)), key=lambda place: (-self._likeness(film, named[place]), -place))
        return [named[place] for place in order]

    def _likeness(self, film: FilmFacts, other: FilmFacts) -> float:
        people = {*film.directors, *film.cast} & {*other.directors, *other.cast}
        themes = sum(1 / self._films_of[keyword] for keyword in {*film.keywords} & {*other.keywords})
        return 3 * len(people) + len({*film.genres} & {*other.genres}) + (film.decade == other.decade) + 10 * themes

    def _genres(self, film: FilmFacts, named: Sequence[FilmFacts], said: str) -> Iterator[Concept]:
        shared = Counter(genre for other in named for genre in other.genres)
        source = {
            genre: SAID if any(contains_words(said, words) for words in _SPOKEN.get(genre, (words_key(genre),)))
            else LIKED if shared[genre] else OWN
            for genre in film.genres
        }  # fmt: skip
        order = sorted(film.genres, key=lambda genre: ((SAID, LIKED, OWN).index(source[genre]), -shared[genre], film.genres.index(genre)))
        for genre in order[: self._config.genres]:
            yield Concept(GENRE, genre.lower(), source[genre])
        if self._config.decade and film.decade:
            yield Concept(DECADE, film.decade, LIKED if film.decade in {other.decade for other in named} else OWN)

    def _likes(self, near: Sequence[FilmFacts]) -> Iterator[Concept]:
        return (Concept(LIKE, title_and_year(other), LIKED) for other in near[: self._config.likes])

    def _companions_of(self, turn: Turn, truth: str, taboo: Taboo) -> Iterator[Concept]:
        """Films that the student is shown: what it cannot copy it would have to make up."""
        shown = [movie for movie in turn.companions if movie in self._facts and movie not in {truth, *turn.truths}]
        right = [movie for movie in shown if self._companions.are_together(truth, movie, but=turn.dialogue_id)]
        free = [self._facts[movie] for movie in right if not taboo.is_near(self._facts[movie].title)]
        return (Concept(LIKE, title_and_year(other), LIKED) for other in free[: self._config.companions])

    def _people(self, film: FilmFacts, named: Sequence[FilmFacts], near: Sequence[FilmFacts], said: str) -> Iterator[Concept]:
        """People of the true film who were said or met before; then lead and director of the nearest film, or of the true one."""
        own = [*film.cast, *film.directors]
        met = {name for other in named for name in (*other.cast, *other.directors)}
        source = {name: SAID if contains_words(said, words_key(name)) else LIKED if name in met else OWN for name in own}
        chosen = {name: source[name] for where in (SAID, LIKED) for name in own if source[name] == where}
        for other in near[:2] or [film]:
            for name in (*other.cast[:1], *other.directors[:1]):
                chosen.setdefault(name, LIKED if near else OWN)
        for name, where in list(chosen.items())[: self._config.people]:
            yield Concept(PERSON, plain(name, _CHARACTERS), where)

    def _words(self, film: FilmFacts, context_text: str) -> Iterator[Concept]:
        """Telling words of the last turns, those that the film's own text has too first chosen; in the order said."""
        words = content_words(context_text, self._config.said_turns)
        own = set(words_key(" ".join((film.plot, *film.genres, *film.cast, *film.directors, *film.keywords))).split())
        order = sorted(range(len(words)), key=lambda place: (words_key(words[place]) not in own, -place))
        for place in sorted(order[: self._config.said_words]):
            yield Concept(WORD, words[place], SAID)


def guarded(concepts: Sequence[Concept], taboo: Taboo, words: int) -> PseudoQuery:
    """The sentence of the concepts that are free of the title, of at most `words` words; the last concepts go first.

    A title that is a word of the sentence's own ('with', 'film') leaves the bare concepts; if those say it too, nothing.
    """
    kept = [concept for concept in concepts if concept.text and not leaks(concept.text, taboo)]
    while kept and len(sentence(kept).split()) > words:
        kept.pop()
    for text in (sentence(kept), ", ".join(concept.text for concept in kept)):
        if kept and not leaks(text, taboo):
            return PseudoQuery(tuple(kept), text)
    return PseudoQuery((), "")


def sentence(concepts: Sequence[Concept]) -> str:
    """'a horror, mystery film from the 2010s like A (2013) and B (2010) with C, D about e f', without the parts that are not there."""
    said = {kind: [concept.text for concept in concepts if concept.kind == kind] for kind in (GENRE, DECADE, LIKE, PERSON, WORD)}
    parts = (
        ("", ", ".join(said[GENRE]), " film"), ("from the ", "".join(said[DECADE]), ""), ("like ", " and ".join(said[LIKE]), ""),
        ("with ", ", ".join(said[PERSON]), ""), ("about ", " ".join(said[WORD]), ""),
    )  # fmt: skip
    text = " ".join(opening + middle + end for opening, middle, end in parts if middle) if said[GENRE] else _bare(parts)
    return ("an " if text[:1] in "aeiou" else "a ") + text


def _bare(parts: Sequence[tuple[str, str, str]]) -> str:
    return " ".join(["film", *(opening + middle for opening, middle, _ in parts[1:] if middle)])
