"""The words that open the parts of the generator's prompt, and what keeps texts by others from opening one. No part is written here."""

import re

CANDIDATES, HISTORY, DIALOGUE, THOUGHT, ANSWER = "candidates:", "named before:", "dialogue:", "preference:", "answer:"
_OF_OURS_ALONE = re.compile(r"(?<!\w)(named before|preference)(\s*):", re.IGNORECASE)


def without_heads(text: str) -> str:
    """A text that is plain already, with a comma for the colon of a head that is not among the role marks `plain` tames."""
    return _OF_OURS_ALONE.sub(r"\1\2,", text)
