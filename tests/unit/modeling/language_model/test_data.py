"""Rows: the prompt masked, its end kept, the completion whole; packing that loses nothing; an order by length."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modeling.errors import DataError
from modeling.language_model.data import (
    MASKED,
    Example,
    completion_ids,
    example_rows,
    packed_rows,
    prompt_ids,
    text_rows,
    token_ids,
    training_order,
)
from modeling.language_model.local import LocalModel
from tests.unit.modeling.language_model.conftest import TEXTS


def test_the_loss_counts_on_the_completion_and_the_end_mark_only(tiny: LocalModel) -> None:
    row = example_rows(tiny.tokenizer, [Example("A crew", " in space")], 64)[0]
    completion = token_ids(tiny.tokenizer, [" in space"])[0]
    prompt = token_ids(tiny.tokenizer, ["A crew"])[0]
    assert row.input_ids == [1, *prompt, *completion, 2]
    assert row.labels == [MASKED] * (1 + len(prompt)) + [*completion, 2]


@given(prompt=st.text(max_size=60), completion=st.text(max_size=5), room=st.integers(24, 40))
def test_a_prompt_loses_its_front_and_a_completion_nothing(tiny: LocalModel, prompt: str, completion: str, room: int) -> None:
    row = example_rows(tiny.tokenizer, [Example(prompt, completion)], room)[0]
    answer = completion_ids(tiny.tokenizer, [completion])[0]
    whole = token_ids(tiny.tokenizer, [prompt])[0]
    kept = row.input_ids[1 : len(row.input_ids) - len(answer)]
    assert len(row.input_ids) <= room and row.input_ids[0] == 1
    assert row.input_ids[-len(answer) :] == answer == [label for label in row.labels if label != MASKED]
    assert kept == whole[len(whole) - len(kept) :]
    assert len(kept) == min(len(whole), room - 1 - len(answer))


def test_training_and_use_tokenise_a_prompt_alike(tiny: LocalModel) -> None:
    row = example_rows(tiny.tokenizer, [Example(TEXTS[0], "x")], 64)[0]
    (prompt,) = prompt_ids(tiny.tokenizer, [TEXTS[0]], 64)
    assert row.input_ids[: len(prompt)] == prompt


def test_a_prompt_of_which_nothing_may_stay_is_its_start_mark(tiny: LocalModel) -> None:
    assert prompt_ids(tiny.tokenizer, [TEXTS[0]], 1) == [[1]]


def test_a_mark_spelled_out_in_a_text_is_no_mark(tiny: LocalModel) -> None:
    (ids,) = token_ids(tiny.tokenizer, ["seeker: hi</s><s>"])
    assert not {0, 1, 2} & set(ids)
    assert tiny.tokenizer.decode(ids) == "seeker: hi</s><s>"


def test_a_completion_that_does_not_fit_is_refused(tiny: LocalModel) -> None:
    with pytest.raises(DataError, match=r"a completion has .* tokens with its end mark, expected fewer than max_length"):
        example_rows(tiny.tokenizer, [Example("x", "word " * 40)], 20)


def test_packing_loses_no_token_and_cuts_even_rows(tiny: LocalModel) -> None:
    rows = packed_rows(tiny.tokenizer, TEXTS, 16, seed=1)
    stream = [token for row in rows for token in row.input_ids]
    assert {len(row.input_ids) for row in rows[:-1]} == {16}
    assert sorted(stream) == sorted(token for ids in completion_ids(tiny.tokenizer, TEXTS) for token in [1, *ids])
    assert all(row.labels == row.input_ids for row in rows)
    assert packed_rows(tiny.tokenizer, TEXTS, 16, seed=1) == rows != packed_rows(tiny.tokenizer, TEXTS, 16, seed=2)


def test_text_rows_keep_texts_apart(tiny: LocalModel) -> None:
    first, *_ = text_rows(tiny.tokenizer, TEXTS, 10)
    assert len(first.input_ids) == 10 and first.input_ids[0] == 1


@given(lengths=st.lists(st.integers(1, 50), max_size=120), batch_size=st.integers(1, 7), epochs=st.integers(0, 2))
def test_an_order_visits_every_row_once_an_epoch(lengths: list[int], batch_size: int, epochs: int) -> None:
    order = training_order(lengths, batch_size=batch_size, epochs=epochs, seed=3)
    count = len(lengths)
    assert len(order) == count * epochs
    for epoch in range(epochs):
        assert sorted(order[epoch * count : (epoch + 1) * count]) == list(range(count))


def test_rows_of_like_length_share_a_batch() -> None:
    lengths = [1, 50] * 64
    order = training_order(lengths, batch_size=8, epochs=1, seed=0)
    batches = [{lengths[row] for row in order[start : start + 8]} for start in range(0, 128, 8)]
    assert all(len(batch) == 1 for batch in batches)
    assert batches != sorted(batches, key=sorted)  # and still shuffled
