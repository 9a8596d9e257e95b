"""Titles as people type them in chat: catalogued titles made lower-case, cut, respelled and misspelled on purpose.

What belongs here: seeded generation of one surface from one title. Which mentions of which dialogues get one is decided in
`gold`. ReDial's titles came out of an autocompletion, so a linker trained on them as they are has never met a typed one.
"""

import random
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from corpus_pipeline.linking.words import ARTICLES, initials
from corpus_pipeline.transform.text import title_key

KINDS = ("exact", "with_year", "lower", "no_article", "numeral", "no_subtitle", "misspelled", "quoted", "markup", "upper", "acronym")
MISSPELLED_LETTERS = 4  # with fewer, one edit makes another word of nearly every title


@dataclass(frozen=True, slots=True)
class Habits:
    """How people type titles, as shares in [0, 1].

    A share of `*_speakers` is of people, one draw for a whole dialogue; the others are of titles, or of the titles that have
    such a part. Where INSPIRED, which was typed freely, can be counted, the number is from there; the rest are judgements.
    """

    lower_speakers: float = 0.25  # INSPIRED: 12 % type every title lower-case, another 14 % some
    upper_speakers: float = 0.01  # INSPIRED: 0.8 % of titles
    year_speakers: float = 0.15  # more than the 1 % of INSPIRED's titles: a year is what tells remakes apart, so it must be learnt
    year_given: float = 0.8  # of the titles of those who give years at all
    careless_speakers: float = 0.25  # typing errors cluster in people; with the two shares below 8 % of titles on average
    careless_misspelled: float = 0.20
    careful_misspelled: float = 0.04
    second_edit: float = 0.15  # Damerau (1964): four errors in five are a single edit
    no_article: float = 0.20  # of titles that begin with one
    numeral: float = 0.25  # of titles with a number that is written in several ways
    no_subtitle: float = 0.30  # of titles with a subtitle
    acronym: float = 0.04  # of titles that are the best known with those first letters; INSPIRED has a handful ('HP', 'TGC')
    quoting_speakers: float = 0.03  # INSPIRED: 0.4 % of titles; more here, so that each mark is met a few hundred times
    markup_speakers: float = 0.02  # chat programs and models write **Title**; forms never do


HABITS = Habits()


@dataclass(frozen=True, slots=True)
class Style:
    """How one speaker types. `case` is 'kept', 'lower' or 'upper'; `marks` go before and after a title; shares are of titles."""

    case: str = "kept"
    marks: tuple[str, str] = ("", "")
    year: float = 0.0
    misspelled: float = 0.0
    second_edit: float = 0.0
    no_article: float = 0.0
    numeral: float = 0.0
    no_subtitle: float = 0.0
    acronym: float = 0.0


PLANTED = Style(misspelled=0.5, second_edit=0.5, no_article=0.5, numeral=0.5, no_subtitle=0.5)


@dataclass(frozen=True, slots=True)
class Typed:
    """A typed title. `surface[title_start:title_end]` is the title without marks and year; `kinds` is ('exact',) when nothing changed."""

    surface: str
    year_given: int | None
    kinds: tuple[str, ...]
    title_start: int
    title_end: int


_QUOTES = (('"', '"'), ("'", "'"), ("“", "”"))
_MARKUPS = (("**", "**"), ("*", "*"), ("_", "_"))
_YEAR_FORMS = ((" ({})", 0.6), (" {}", 0.25), (" from {}", 0.15))
_SUBTITLE = re.compile(r"\s*:\s|\s-\s")
_HEAD_LETTERS = 4  # a shorter rest names nothing by itself
_ROMAN = ("II", "III", "IV", "V", "VI", "VII", "VIII", "IX", "X", "XI", "XII", "XIII")
_WORD = ("Two", "Three", "Four", "Five", "Six", "Seven", "Eight", "Nine", "Ten", "Eleven", "Twelve", "Thirteen")
_DIGIT = tuple(map(str, range(2, 14)))
_NUMBERS = {word.casefold(): place for forms in (_ROMAN, _WORD, _DIGIT) for place, word in enumerate(forms)}
# Not 'Se7en', '6th', '3:10', '8.5' or '24/7'; a single 'V' or 'X' that begins a title is a name.
_NUMBER = re.compile(rf"(?<![\w:./'’-])(?!^[VX]\b)({'|'.join(sorted(_NUMBERS, key=len, reverse=True))})(?![\w./'’-]|:\d)", re.IGNORECASE)
_ROWS = ("qwertyuiop", "asdfghjkl", "zxcvbnm")
_LETTERS = "abcdefghijklmnopqrstuvwxyz"
_FIRST_LETTER = 0.25  # weight of a word's first letter against the others: writers watch it (Pollock and Zamora 1984)
_ATTEMPTS = 50


def style_of(speaker: str, habits: Habits = HABITS) -> Style:
    """The style of `speaker`, any text that names one person in one dialogue; the same for the same text."""
    rng = random.Random(speaker)  # noqa: S311
    case = _drawn(rng, (("lower", habits.lower_speakers), ("upper", habits.upper_speakers)), "kept")
    marking = _drawn(rng, (("quotes", habits.quoting_speakers), ("markup", habits.markup_speakers)), "none")
    choices = {"quotes": _QUOTES, "markup": _MARKUPS, "none": (("", ""),)}[marking]
    return Style(
        case,
        rng.choice(choices),
        year=habits.year_given if rng.random() < habits.year_speakers else 0.0,
        misspelled=habits.careless_misspelled if rng.random() < habits.careless_speakers else habits.careful_misspelled,
        second_edit=habits.second_edit,
        no_article=habits.no_article,
        numeral=habits.numeral,
        no_subtitle=habits.no_subtitle,
        acronym=habits.acronym,
    )


def typed(title: str, year: int | None, rng: random.Random, *, style: Style) -> Typed:
    """`title` as somebody of `style` types it. The year is written only where `year` is given and the style adds years."""
    kinds: list[str] = []
    spelled = title
    for kind, share, change in _CHANGES:
        changed = change(spelled, rng, style) if rng.random() < getattr(style, share) else spelled
        kinds += [kind] if changed != spelled else []
        spelled = changed
    cased = _cased(spelled, style.case)
    kinds += [style.case] if cased != spelled else []
    opened, closed = style.marks
    kinds += ["quoted" if style.marks in _QUOTES else "markup"] if opened else []
    given = year if rng.random() < style.year else None
    kinds += ["with_year"] if given is not None else []
    written = "" if given is None else _drawn(rng, _YEAR_FORMS[1:], _YEAR_FORMS[0][0]).format(given)
    if rng.random() < style.acronym and (short := acronym_of(title)):
        cased, kinds = short if style.case == "lower" else short.upper(), ["acronym", *(["with_year"] if given is not None else [])]
        opened = closed = ""
    surface = opened + cased + closed + written
    return Typed(surface, given, tuple(kinds) or ("exact",), len(opened), len(opened) + len(cased))


def misspell(title: str, rng: random.Random, edits: int) -> str:
    """`title` with at most `edits` letters typed wrongly, its key changed; itself when it has fewer than four letters.

    An edit inserts, deletes, replaces (by a neighbour on the keyboard, or by any letter) or swaps two neighbours. Digits,
    Roman numbers, spaces and signs stay: another number is another film.
    """
    if len(_editable(title)) < MISSPELLED_LETTERS:
        return title
    key = title_key(title)
    for _ in range(_ATTEMPTS):  # an edit may hit an article or undo the one before: one in a hundred
        result = title
        for _ in range(edits):
            result = _edited(result, rng)
        if title_key(result) != key:
            return result
    return title


def head_of(title: str) -> str | None:
    """What is left of `title` without its subtitle; null when there is none, or one that nobody leaves out.

    A number in it tells the films of a series apart: 'The Godfather' never means 'The Godfather: Part II'.
    """
    head, *rest = _SUBTITLE.split(title, maxsplit=1)
    if not rest or sum(map(str.isalnum, head)) < _HEAD_LETTERS or _NUMBER.search(f" {rest[0]}") or re.search(r"\d", rest[0]):
        return None
    return head


def acronym_of(title: str) -> str | None:
    """First letters of a title of three to six words, its subtitle and leading article aside: 'lotr'; None for other titles."""
    return initials(title_key(head_of(title) or title))


def planted(titles: Sequence[str], seed: int, count: int) -> list[tuple[str, tuple[str, ...], int]]:
    """`count` corruptions (surface, kinds, row of `titles`), none of them exact; fewer when hardly a title can be corrupted."""
    rng = random.Random(seed)  # noqa: S311
    found: list[tuple[str, tuple[str, ...], int]] = []
    for _ in range(count * _ATTEMPTS if titles else 0):
        if len(found) >= count:
            break
        row = rng.randrange(len(titles))
        surface = typed(titles[row], None, rng, style=PLANTED)
        found += [(surface.surface, surface.kinds, row)] if surface.kinds != ("exact",) else []
    return found


def _drawn(rng: random.Random, shares: Sequence[tuple[str, float]], otherwise: str) -> str:
    point = rng.random()
    for value, share in shares:
        if point < share:
            return value
        point -= share
    return otherwise


def _cased(text: str, case: str) -> str:
    if case == "kept":
        return text
    return text.lower() if case == "lower" else text.upper()


def _without_subtitle(title: str, rng: random.Random, style: Style) -> str:
    return head_of(title) or title


def _without_article(title: str, rng: random.Random, style: Style) -> str:
    first, _, rest = title.partition(" ")
    return rest if first.casefold() in ARTICLES and any(map(str.isalnum, rest)) else title


def _with_other_numeral(title: str, rng: random.Random, style: Style) -> str:
    """One number of `title` in another of its spellings; Roman only for digits that end the title or its head."""
    found = [match for match in _NUMBER.finditer(title) if match[0] not in ("x", "v")]
    if not found:
        return title
    match = rng.choice(found)
    place = _NUMBERS[match[0].casefold()]
    is_last = match[0].isdigit() and match.start() > 0 and title[match.end() :].strip()[:1] in ("", ":")
    forms = [_DIGIT[place], _WORD[place]] + ([_ROMAN[place]] if is_last else [])
    others = [form for form in forms if form.casefold() != match[0].casefold()]
    return title[: match.start()] + rng.choice(others) + title[match.end() :]


def _misspelled(title: str, rng: random.Random, style: Style) -> str:
    return misspell(title, rng, 2 if rng.random() < style.second_edit else 1)


_Change = Callable[[str, random.Random, Style], str]
_CHANGES: tuple[tuple[str, str, _Change], ...] = (
    ("no_subtitle", "no_subtitle", _without_subtitle),
    ("no_article", "no_article", _without_article),
    ("numeral", "numeral", _with_other_numeral),
    ("misspelled", "misspelled", _misspelled),
)


def _neighbours() -> dict[str, str]:
    """Keys beside each letter on a QWERTY keyboard: in its row, and the two it touches in the rows above and below."""
    beside = dict.fromkeys(_LETTERS, "")
    for above, row in zip(("", *_ROWS[:-1]), _ROWS, strict=True):
        for place, letter in enumerate(row):
            beside[letter] += row[max(place - 1, 0) : place] + row[place + 1 : place + 2] + above[place : place + 2]
            for other in above[place : place + 2]:
                beside[other] += letter
    return beside


_BESIDE = _neighbours()


def _editable(text: str) -> list[int]:
    numbers = {place for match in _NUMBER.finditer(text) if match[0].upper() in _ROMAN for place in range(*match.span())}
    return [place for place, character in enumerate(text) if character.isalpha() and place not in numbers]


def _edited(text: str, rng: random.Random) -> str:
    places = _editable(text)
    weights = [1.0 if place and text[place - 1].isalpha() else _FIRST_LETTER for place in places]
    if not places:
        return text
    (place,) = rng.choices(places, weights)
    return rng.choice(_EDITS)(text, place, rng)


def _inserted(text: str, place: int, rng: random.Random) -> str:
    after = text[place + 1 : place + 2]
    like = after if after.isalpha() else text[place]
    letter = rng.choice([_in_case_of(text[place], like), _near(like, rng), _any_letter(like, rng)])
    return text[: place + 1] + letter + text[place + 1 :]


def _deleted(text: str, place: int, rng: random.Random) -> str:
    return text[:place] + text[place + 1 :]


def _replaced_by_near(text: str, place: int, rng: random.Random) -> str:
    return text[:place] + _near(text[place], rng) + text[place + 1 :]


def _replaced_by_any(text: str, place: int, rng: random.Random) -> str:
    return text[:place] + _any_letter(text[place], rng) + text[place + 1 :]


def _swapped(text: str, place: int, rng: random.Random) -> str:
    """The letter and the next one swapped, upper case staying in its place: 'Heat' as 'Ehat'; deleted where no letter follows."""
    pair = text[place : place + 2]
    if len(pair) < 2 or not pair[1].isalpha():
        return _deleted(text, place, rng)
    return text[:place] + _in_case_of(pair[1], pair[0]) + _in_case_of(pair[0], pair[1]) + text[place + 2 :]


_EDITS = (_inserted, _deleted, _replaced_by_near, _replaced_by_any, _swapped)


def _near(letter: str, rng: random.Random) -> str:
    beside = _BESIDE.get(letter.lower())
    return _in_case_of(rng.choice(beside), letter) if beside else _any_letter(letter, rng)


def _any_letter(letter: str, rng: random.Random) -> str:
    return _in_case_of(rng.choice(_LETTERS), letter)


def _in_case_of(letter: str, like: str) -> str:
    """`letter` upper-case where `like` is, lower-case elsewhere; left alone where its other case is not one character."""
    cased = letter.upper() if like.isupper() else letter.lower()
    return cased if len(cased) == 1 else letter
