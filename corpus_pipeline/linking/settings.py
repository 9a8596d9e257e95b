"""Sizes and caps of the linker's look-ups. What it believes of a candidate is learned, and lies in `weights`."""

from dataclasses import dataclass, fields

from corpus_pipeline.errors import ConfigError


@dataclass(frozen=True, slots=True)
class BlockSettings:
    """What fuzzy look-up compares. Larger values find more and cost more; `eval_linking` reports the recall they leave possible.

    `edits`: two keys this many edits apart are always compared, unless an edit spans two segments or a block is capped.
    `segment_cap`: a block of more keys proposes none; `text_segment_cap`: the same for stretches of raw text, few of which are
    titles at all (it halves the time, and links the same films). `gram_budget`: a query's trigrams are looked up, the rarest first, while
    their blocks have no more keys than this in all; the `gram_limit` keys that share most are compared. `similarity_floor`:
    beyond `edits`, keys less alike than this (normalised indel similarity) are dropped. `keys_per_query`: how many keys a query
    keeps. `films_per_key`: namesakes considered, the most popular first, unless a year singles out others.
    """

    edits: int = 2
    segment_cap: int = 1_000
    text_segment_cap: int = 200
    gram_budget: int = 40_000
    gram_limit: int = 50
    similarity_floor: float = 0.8
    keys_per_query: int = 5
    films_per_key: int = 5

    def __post_init__(self) -> None:
        """ConfigError that lists every value out of range."""
        wrong = [f"{f.name} = {getattr(self, f.name)!r}" for f in fields(self) if not _fits(f.name, getattr(self, f.name))]
        if wrong:
            raise ConfigError(f"block settings: {', '.join(wrong)}; similarity_floor lies in 0 to 1, the others are at least 1")


def _fits(name: str, value: object) -> bool:
    if not isinstance(value, int | float):
        return False
    return 0 <= value <= 1 if name == "similarity_floor" else value >= 1


DEFAULT = BlockSettings()
