"""Cut a tokenizer to the tokens that given texts use, as settings in JSON; build one from texts. No model is in here.

A smaller vocabulary is a smaller head: with 49,152 tokens the head of an eight-layer SmolLM2 is half of all work per token.
"""

import itertools
import json
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from modeling.errors import DataError

LINE_BREAK = "\n"
_TEXTS_AT_ONCE = 4_096


@dataclass(frozen=True, slots=True)
class CutTokenizer:
    """A cut tokenizer's JSON text, and for each new token id the id that it had before."""

    settings: str
    old_ids: list[int]


def token_counts(tokenizer: Any, texts: Sequence[str]) -> Counter[int]:
    """How often `texts` use each token id of a `tokenizers.Tokenizer`, marks left out."""
    counts: Counter[int] = Counter()
    for start in range(0, len(texts), _TEXTS_AT_ONCE):
        for encoding in tokenizer.encode_batch_fast(list(texts[start : start + _TEXTS_AT_ONCE]), add_special_tokens=False):
            counts.update(encoding.ids)
    return counts


def cut_byte_level(tokenizer: Any, texts: Sequence[str], size: int) -> CutTokenizer:
    """Cut a byte-level BPE: all bytes, all marks, the tokens the texts use, and what these are merged from.

    `size` above 0 keeps no more tokens than that, the most used first; rarer ones then fall into their parts. Without it
    every text is tokenised as before, which is checked; DataError if it is not.
    """
    before = _plainly(tokenizer)
    vocabulary: dict[str, int] = before["model"]["vocab"]
    names = {index: name for name, index in vocabulary.items()}
    kept = {token["content"] for token in before["added_tokens"]} | {name for name in _bytes_of_bpe() if name in vocabulary}
    ranks = {pair: rank for rank, pair in enumerate(map(_pair, before["model"]["merges"]))}
    for index, _ in _most_used(token_counts(tokenizer, texts)):
        grown = kept | _merged_from(names[index], ranks)
        if size and len(grown) > size:
            break
        kept = grown
    merges = [[one, two] for one, two in map(_pair, before["model"]["merges"]) if {one, two, one + two} <= kept]
    cut = _renumbered(before, {name: vocabulary[name] for name in kept}, {"merges": merges})
    if not size:
        _check_same(tokenizer, cut, texts)
    return cut


def cut_word_pieces(tokenizer: Any, texts: Sequence[str], size: int) -> CutTokenizer:
    """Cut a WordPiece tokenizer: all marks, every character that the texts use, and the tokens they use.

    `size` as in `cut_byte_level`. The template that puts marks around a text goes: rows get their marks elsewhere.
    """
    before = _plainly(tokenizer)
    vocabulary: dict[str, int] = before["model"]["vocab"]
    names = {index: name for name, index in vocabulary.items()}
    counts = token_counts(tokenizer, texts)
    characters = {character for index in counts for character in names[index].removeprefix("##")} | set(map(chr, range(33, 127)))
    single = {name for character in characters for name in (character, f"##{character}") if name in vocabulary}
    kept = single | {token["content"] for token in before["added_tokens"]}
    for index, _ in _most_used(counts):
        if size and len(kept) >= size:
            break
        kept.add(names[index])
    cut = _renumbered(before, {name: vocabulary[name] for name in kept}, {})
    if not size:
        _check_same(tokenizer, cut, texts)
    return cut


def trained_byte_level(texts: Iterable[str], size: int, marks: Sequence[str]) -> Any:
    """A byte-level BPE `tokenizers.Tokenizer` of at most `size` tokens learned from `texts`, `marks` first. Digits stand alone."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

    tokenizer = Tokenizer(models.BPE())
    steps = [pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False)]
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(steps)
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    trainer = trainers.BpeTrainer(vocab_size=size, special_tokens=list(marks), initial_alphabet=alphabet, show_progress=False)
    tokenizer.train_from_iterator(texts, trainer)
    return tokenizer


def _plainly(tokenizer: Any) -> dict[str, Any]:
    """A tokenizer's settings, and the tokenizer set to read texts whole and marks in them as characters, as `token_ids` does.

    Marks that are not in the vocabulary go: the model has no row for them.
    """
    tokenizer.no_truncation()
    tokenizer.no_padding()
    tokenizer.encode_special_tokens = True
    settings: dict[str, Any] = json.loads(tokenizer.to_str())
    settings["added_tokens"] = [token for token in settings["added_tokens"] if token["content"] in settings["model"]["vocab"]]
    return settings


def _most_used(counts: Counter[int]) -> list[tuple[int, int]]:
    return sorted(counts.items(), key=lambda item: (-item[1], item[0]))


def _pair(merge: Any) -> tuple[str, str]:
    one, two = merge.split(" ") if isinstance(merge, str) else merge
    return one, two


def _bytes_of_bpe() -> list[str]:
    from tokenizers import pre_tokenizers

    return list(pre_tokenizers.ByteLevel.alphabet())


def _merged_from(token: str, ranks: dict[tuple[str, str], int]) -> set[str]:
    """The token and every part on the way to it when its own characters are merged, lowest rank first.

    A part that is not merged into a word's tokens was never merged at all, so these are all the parts a text needs.
    """
    parts, seen = list(token), {token}
    while len(parts) > 1:
        best = min(itertools.pairwise(parts), key=lambda pair: ranks.get(pair, len(ranks)))
        if best not in ranks:
            return seen
        parts = _joined(parts, best)
        seen.update(part for part in parts if len(part) > 1)
    return seen


def _joined(parts: list[str], pair: tuple[str, str]) -> list[str]:
    """The parts with every occurrence of the pair joined, from the left."""
    joined: list[str] = []
    place = 0
    while place < len(parts):
        is_pair = tuple(parts[place : place + 2]) == pair
        joined.append("".join(pair) if is_pair else parts[place])
        place += 2 if is_pair else 1
    return joined


def _renumbered(before: dict[str, Any], kept: dict[str, int], changes: dict[str, Any]) -> CutTokenizer:
    """The settings with only the `kept` tokens, numbered in their old order."""
    order = sorted(kept, key=kept.__getitem__)
    numbers = {name: number for number, name in enumerate(order)}
    added = [token | {"id": numbers[token["content"]]} for token in before["added_tokens"]]
    model = before["model"] | {"vocab": numbers} | changes
    settings = before | {"model": model, "added_tokens": added, "post_processor": None, "truncation": None, "padding": None}
    return CutTokenizer(json.dumps(settings), [kept[name] for name in order])


def _check_same(tokenizer: Any, cut: CutTokenizer, texts: Sequence[str]) -> None:
    from tokenizers import Tokenizer

    after = Tokenizer.from_str(cut.settings)
    after.encode_special_tokens = True
    for start in range(0, len(texts), _TEXTS_AT_ONCE):
        part = list(texts[start : start + _TEXTS_AT_ONCE])
        old, new = (each.encode_batch_fast(part, add_special_tokens=False) for each in (tokenizer, after))
        for text, one, two in zip(part, old, new, strict=True):
            if one.ids != [cut.old_ids[index] for index in two.ids]:
                raise DataError(
                    f"cutting a vocabulary to {len(cut.old_ids)} tokens: the text {text[:60]!r} has {len(two.ids)} tokens after the cut "
                    f"and {len(one.ids)} before, expected the same ones; start from a folder with the whole vocabulary"
                )
