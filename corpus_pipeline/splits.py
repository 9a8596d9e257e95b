"""Which split a dialogue belongs to where its data set does not say. A hash of the id decides, so no split depends on order or seed."""

import hashlib
from collections.abc import Sequence

VALID_SHARE = 0.10  # of the published training dialogues, where no validation split is published
STARTER_SHARES = (("train", 0.70), ("valid", 0.10), ("test", 0.20))


def hash_share(key: str) -> float:
    """A number in [0, 1) fixed by `key` alone: the first eight bytes of its SHA-256 over 2**64."""
    return int.from_bytes(hashlib.sha256(key.encode("utf-8")).digest()[:8], "big") / 2**64


def carve_valid(dialogue_id: str) -> str:
    """'valid' for a tenth of the published training dialogues, 'train' for the others; never 'test'."""
    return "valid" if hash_share(dialogue_id) < VALID_SHARE else "train"


def starter_split(dialogue_id: str) -> str:
    """'train', 'valid' or 'test' in the shares 70 / 10 / 20."""
    return share_of(dialogue_id, STARTER_SHARES)


def share_of(key: str, shares: Sequence[tuple[str, float]]) -> str:
    """Which of the named `shares` (widths that sum to 1) the hash of `key` falls into."""
    point, upper = hash_share(key), 0.0
    for name, width in shares:
        upper += width
        if point < upper:
            return name
    return shares[-1][0]
