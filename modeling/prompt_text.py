"""Untrusted text on its way into a prompt: one visible line that opens no turn, closes no delimiter and has no hidden part.

Titles, plots and what people type were written by others. What a prompt says around them is no business of this module.
A language model reads words, so this stops a text from passing for the prompt's structure, not from saying odd things.
"""

import re
import unicodedata
from collections.abc import Iterator

from modeling.documents import cut_at_word

SPEAKERS = ("seeker", "recommender")
# Words that open a turn or a part of a prompt, here or in the chat formats language models are trained on.
ROLES = (
    *SPEAKERS, "system", "user", "assistant", "human", "ai", "bot", "developer", "tool", "function", "instruction", "instructions",
    "query", "answer", "response", "input", "output", "prompt", "dialogue", "candidates",
)  # fmt: skip
# What brackets special tokens, code, quotes and headings, as marks that read alike and bracket nothing.
_TAMED = {
    "<": "(", ">": ")", "[": "(", "]": ")", "{": "(", "}": ")", "|": "/", "`": "'", '"': "'", "\\": "/",
    "“": "'", "”": "'", "„": "'", "‟": "'", "«": "'", "»": "'", "‹": "(", "›": ")", "〈": "(", "〉": ")",
    "∶": ":", "꞉": ":", "ː": ":", "׃": ":",
}  # fmt: skip
# Not of an invisible category, and yet nothing to see: fillers, joiners, vowels without sound, variation selectors, blank braille.
_UNSEEN = re.compile("[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\ufe00-\ufe0f\uffa0\U000e0000-\U000e0fff]")
_ROLE_MARK = re.compile(rf"(?<!\w)({'|'.join(ROLES)})[\s*_~'()]*:+", re.IGNORECASE)
_RULE = re.compile(r"([#*_=~-])\1+")  # '###', '---' and the like part a prompt; one of them does not
_ASCII = {code: " " for code in (*range(32), 127)} | {ord(mark): tame for mark, tame in _TAMED.items() if mark.isascii()}
_TURN = re.compile(rf"^({'|'.join(SPEAKERS)}):", re.MULTILINE)


def plain(text: str | None, characters: int) -> str:
    """One line of at most `characters` in normal form C, cut at a word; nothing for None.

    No control, invisible, direction or unassigned character is left, no role mark ('seeker:', 'system:'), no bracket of a special
    token, no double quote or back quote. Letters and marks in a compatible form (full width, bold) count as the plain ones. A
    second pass changes nothing.
    """
    return cut_at_word(_one_line(text or ""), max(characters, 0))


def dialogue_lines(context_text: str, characters: int) -> str:
    """The latest turns of a context as 'seeker: ...' or 'recommender: ...', one a line, at most `characters` with line breaks.

    A turn starts at a line that opens with its speaker; further lines belong to it, and text before the first such line is the
    seeker's. Turns are taken whole from the end; a last turn that is too long alone keeps its end, from a whole word.
    """
    chosen: list[str] = []
    left = characters
    for speaker, text in reversed(list(_turns(context_text))):
        line = f"{speaker}: {text}"
        if len(line) > left:
            if not chosen:
                chosen.append(_end_of_turn(speaker, text, left))
            break
        chosen.append(line)
        left -= len(line) + 1
    return "\n".join(line for line in reversed(chosen) if line)


def _turns(context_text: str) -> Iterator[tuple[str, str]]:
    opening, *marked = _TURN.split(context_text)
    turns = [(SPEAKERS[0], opening), *zip(marked[::2], marked[1::2], strict=True)]
    return ((speaker, line) for speaker, text in turns if (line := _one_line(text)))


def _end_of_turn(speaker: str, text: str, characters: int) -> str:
    room = characters - len(f"{speaker}: ")
    if room < 1:
        return ""
    end = text[-room:]
    if not text[-room - 1].isspace():
        end = end.partition(" ")[2] or end
    end = plain(end, room)  # again, for a cut inside a word may leave a mark or a combining sign at the front
    return f"{speaker}: {end}" if end else ""


def _one_line(text: str) -> str:
    seen = text.translate(_ASCII) if text.isascii() else "".join(map(_visible, unicodedata.normalize("NFC", _UNSEEN.sub("", text))))
    tamed = _RULE.sub(r"\1", _ROLE_MARK.sub(r"\1 -", seen))
    return _from_first_base(unicodedata.normalize("NFC", " ".join(tamed.split())))


def _visible(character: str) -> str:
    if character.isascii() and character.isprintable():
        return _TAMED.get(character, character)
    category = unicodedata.category(character)
    if category in ("Cc", "Zl", "Zp", "Zs"):
        return " "
    if category[0] == "C":  # format and direction marks, halves of surrogate pairs, private and unassigned code points
        return ""
    alike = unicodedata.normalize("NFKC", character)
    if alike.isascii() and not alike.isdigit():
        return "".join(_TAMED.get(mark, mark) for mark in alike)
    return _TAMED.get(character, character)


def _from_first_base(line: str) -> str:
    """Without combining marks at the front: they would sit on the delimiter before the text."""
    start = next((place for place, mark in enumerate(line) if not mark.isspace() and unicodedata.category(mark)[0] != "M"), len(line))
    return line[start:]
