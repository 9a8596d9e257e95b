"""What a language model learns from: prompts with completions, or plain texts, as rows of token ids. No model is loaded here.

The tokenisation of prompts and continuations for training and for use is the one in here, so that both are the same.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from modeling.errors import DataError
from modeling.seeding import numpy_generator

MASKED = -100  # what torch's cross entropy does not count
_BATCHES_PER_POOL = 50  # rows of like length are looked for among so many batches: little padding, and still a shuffled order


@dataclass(frozen=True, slots=True)
class Example:
    """What is given and what shall follow it, whole. Nothing is put between the two."""

    prompt: str
    completion: str


@dataclass(frozen=True, slots=True)
class Row:
    """Token ids of one training row; `labels` are the ids where the loss counts and `MASKED` elsewhere."""

    input_ids: list[int]
    labels: list[int]


def start_id(tokenizer: Any) -> int:
    """The mark that every row begins with: the start mark, or the end mark of a tokenizer that has no other."""
    return int(tokenizer.eos_token_id if tokenizer.bos_token_id is None else tokenizer.bos_token_id)


def token_ids(tokenizer: Any, texts: Sequence[str]) -> list[list[int]]:
    """Token ids of each text without any mark; a mark spelled out in a text is the characters it is made of, so no text ends a prompt."""
    if not texts:
        return []
    ids: list[list[int]] = tokenizer(list(texts), add_special_tokens=False, split_special_tokens=True, verbose=False)["input_ids"]
    return ids


def prompt_ids(tokenizer: Any, prompts: Sequence[str], max_tokens: int) -> list[list[int]]:
    """Start mark and the last `max_tokens` - 1 tokens of each prompt: its end, where the question stands, is never cut."""
    start, room = start_id(tokenizer), max(max_tokens - 1, 0)
    return [[start, *ids[max(len(ids) - room, 0) :]] for ids in token_ids(tokenizer, prompts)]


def completion_ids(tokenizer: Any, completions: Sequence[str]) -> list[list[int]]:
    """Tokens of each completion and the end mark, which is nowhere else in it."""
    end = int(tokenizer.eos_token_id)
    return [[*(token for token in ids if token != end), end] for ids in token_ids(tokenizer, completions)]


def example_rows(tokenizer: Any, examples: Sequence[Example], max_length: int) -> list[Row]:
    """One row per example: the completion and the end mark whole, before them as much of the prompt's end as fits.

    DataError when a completion leaves no room for the start mark.
    """
    completions = completion_ids(tokenizer, [example.completion for example in examples])
    longest = max(map(len, completions), default=0)
    if longest >= max_length:
        raise DataError(
            f"preparing {len(examples)} examples: a completion has {longest} tokens with its end mark, expected fewer than max_length "
            f"({max_length}); shorten the completions or raise max_length"
        )
    prompts = prompt_ids(tokenizer, [example.prompt for example in examples], max_length)
    return [_row(prompt, completion, max_length) for prompt, completion in zip(prompts, completions, strict=True)]


def _row(prompt: list[int], completion: list[int], max_length: int) -> Row:
    room = max_length - len(completion) - 1
    start, rest = prompt[:1], prompt[1:]
    given = start + rest[max(len(rest) - room, 0) :]
    return Row(given + completion, [MASKED] * len(given) + completion)


def text_rows(tokenizer: Any, texts: Sequence[str], max_length: int) -> list[Row]:
    """One row per text, between start and end mark, cut at `max_length`; the loss counts on all of it."""
    rows = [[start_id(tokenizer), *ids][:max_length] for ids in completion_ids(tokenizer, texts)]
    return [Row(ids, list(ids)) for ids in rows if len(ids) > 1]


def packed_rows(tokenizer: Any, texts: Sequence[str], max_length: int, *, seed: int) -> list[Row]:
    """Rows of exactly `max_length` tokens cut from all texts in a seeded order, each between its marks; the last row is shorter.

    A text may continue in the next row, and a token sees the texts before it in its row: nothing is padded, nothing is lost.
    """
    encoded = completion_ids(tokenizer, texts)
    order = numpy_generator(seed, "order of packed texts").permutation(len(encoded))
    start = start_id(tokenizer)
    stream = [token for index in order for token in (start, *encoded[index])]
    pieces = [stream[begin : begin + max_length] for begin in range(0, len(stream), max_length)]
    return [Row(piece, list(piece)) for piece in pieces if len(piece) > 1]


def training_order(lengths: Sequence[int], *, batch_size: int, epochs: int, seed: int) -> list[int]:
    """Row numbers of all epochs, batch after batch: rows of like length share a batch, batches and pools are shuffled.

    The rows that do not fill a batch come last in their epoch, so that every earlier batch is a slice of `batch_size`.
    """
    return [row for epoch in range(epochs) for batch in _epoch(lengths, batch_size, seed, epoch) for row in batch]


def _epoch(lengths: Sequence[int], batch_size: int, seed: int, epoch: int) -> Iterator[list[int]]:
    generator = numpy_generator(seed, f"order of epoch {epoch}")
    order = generator.permutation(len(lengths)).tolist()
    whole = len(order) - len(order) % batch_size
    pool = batch_size * _BATCHES_PER_POOL
    batches = []
    for start in range(0, whole, pool):
        near = sorted(order[start : min(start + pool, whole)], key=lambda row: (lengths[row], row))
        batches += [near[begin : begin + batch_size] for begin in range(0, len(near), batch_size)]
    yield from (batches[number] for number in generator.permutation(len(batches)))
    yield order[whole:]
