"""What a pseudo-query may not say, and who may be given one: the leak guard of the query expert's training.

Texts are compared by key in whole words, so that 'Heat' is found in 'the HEAT!' and not in 'theatre'.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from modeling.errors import DataError
from modeling.prompt_text import dialogue_lines
from modeling.query_expert.facts import FilmFacts, contains_words, title_key, words_key

TRAINING_SPLITS = ("train", "valid")
_WITHIN = 100_000
_POSSESSIVE, _SIGN = re.compile(r"['’]s\b", re.IGNORECASE), re.compile(r"[^0-9A-Za-z]+")


@dataclass(frozen=True, slots=True)
class Taboo:
    """The keys of a film's titles, and of what stands in a title before a colon, dash or bracket."""

    titles: frozenset[str]
    heads: frozenset[str]

    @classmethod
    def of(cls, film: FilmFacts) -> "Taboo":
        """Of the film's title and all its other titles."""
        names = (film.title, *film.titles)
        heads = (re.split(r"\s*[:(]|\s[-–—]\s", name)[0] for name in names)
        spelled = (*names, *(_SIGN.sub(" ", name) for name in names))  # 'Gnomeo Juliet' says 'Gnomeo & Juliet'
        return cls(frozenset(filter(None, map(title_key, spelled))), frozenset(filter(None, map(title_key, heads))))

    def is_near(self, title: str) -> bool:
        """Whether another film's title says this one's, or begins alike: 'Thor' and 'Thor: Ragnarok'."""
        key = words_key(title)
        return any(contains_words(key, taboo) or contains_words(taboo, title_key(title)) for taboo in self.titles | self.heads)


def leaks(text: str, taboo: Taboo) -> bool:
    """Whether `text` says a title of the film, in whole words; 'Casablanca's' says 'Casablanca'."""
    spelled = (text.replace("&", " and "), _POSSESSIVE.sub(" ", text), _SIGN.sub(" ", text))
    return any(contains_words(key, title) for key in map(words_key, spelled) for title in taboo.titles)


def insist_on_training(splits: Iterable[str], *, doing: str) -> None:
    """Raise DataError unless every row is of a split that may have pseudo-queries: a test turn's would tell its answer."""
    refused = sorted(set(splits) - set(TRAINING_SPLITS))
    if refused:
        raise DataError(
            f"{doing}: rows of split {', '.join(refused)}; expected {' or '.join(TRAINING_SPLITS)} only, "
            "since a pseudo-query is made from the answer; filter the rows by split"
        )


def content_words(context_text: str, turns: int) -> list[str]:
    """The words of the last `turns` turns that say more than that people talk of films, each once, in the order said."""
    lines = dialogue_lines(context_text, _WITHIN).split("\n")[-turns:]
    words = [word.strip(_EDGES) for line in lines for word in line.partition(": ")[2].split()]
    told = [word for word in words if word and words_key(word) and words_key(word) not in _SAYS_LITTLE]
    return list({words_key(word): word for word in told}.values())


_EDGES = ".,;:!?()'*_~-/…"
_TALK = """
    i im ive id ill me my mine we our us you your youre youll youve he him his she her they them their it its a an the this that thats
    these those there theres here what whats which who how why when where and or but so if then than because as of to in on at for from
    with by about into out up off over is are was were be been being am do does did done doing dont doesnt didnt have has had havent hasnt
    having will would wouldnt could couldnt can cant cannot should may might must let lets get got getting go going went come came make
    made see seen saw seeing watch watched watching look looking looks think thought know knew known feel find found want wanted wants
    need say said tell told ask heard hear sounds sound seem seems like liked likes love loved loves enjoy enjoyed prefer recommend
    recommended recommendation recommendations suggest suggestion suggestions help hope try trying give check mind guess mean thing
    things something anything everything one ones some any all lot lots kind type types sort bit much many more most less few other others
    another else also too very really pretty quite just only even still already ever never always maybe probably definitely actually
    well oh ok okay yes yeah yep no not nope hi hello hey bye goodbye thanks thank welcome please sure right cool great good nice awesome
    amazing perfect best better favorite favourite fun interesting haha lol movie movies film films trailer title time times day today
    tonight way now again before after long new people
"""
_SAYS_LITTLE = frozenset(map(words_key, _TALK.split()))
