"""The loss equals that of the whole logits, and of TRL's own trainer, at the labelled positions."""

import pytest
import torch

from modeling.language_model.data import Example, example_rows
from modeling.language_model.local import LocalModel
from modeling.language_model.loss import nats_and_tokens, padded, summed_loss

EXAMPLES = [Example("A crew in space", " is hunted"), Example("A baker", ""), Example("", " falls in love")]


def test_the_sum_is_that_of_whole_logits(tiny: LocalModel) -> None:
    rows = example_rows(tiny.tokenizer, EXAMPLES, 64)
    total, count = summed_loss(tiny.model, padded(rows, 0))
    expected = 0.0
    for row in rows:
        with torch.inference_mode():
            logs = torch.log_softmax(tiny.model(input_ids=torch.tensor([row.input_ids])).logits[0], 1)
        expected -= sum(float(logs[place - 1, label]) for place, label in enumerate(row.labels) if label >= 0)
    assert int(count) == sum(label >= 0 for row in rows for label in row.labels)
    assert float(total.detach()) == pytest.approx(expected, rel=1e-5)


def test_the_head_runs_only_where_a_label_is(tiny: LocalModel) -> None:
    asked: list[int] = []

    class Watched:
        def __call__(self, *, logits_to_keep: torch.Tensor, **rest: torch.Tensor) -> object:
            asked.extend(logits_to_keep.tolist())
            return tiny.model(logits_to_keep=logits_to_keep, **rest)

    (row,) = example_rows(tiny.tokenizer, EXAMPLES[:1], 64)
    summed_loss(Watched(), padded([row], 0))
    assert asked == [place - 1 for place, label in enumerate(row.labels) if label >= 0]


def test_a_model_that_answers_everywhere_has_the_same_loss(tiny: LocalModel) -> None:
    class Everywhere:
        def __call__(self, *, logits_to_keep: torch.Tensor, **rest: torch.Tensor) -> object:
            return tiny.model(**rest)

    batch = padded(example_rows(tiny.tokenizer, EXAMPLES, 64), 0)
    assert float(summed_loss(Everywhere(), batch)[0].detach()) == pytest.approx(float(summed_loss(tiny.model, batch)[0].detach()), rel=1e-6)


def test_rows_not_trained_on_leave_the_mode_as_it_was(tiny: LocalModel) -> None:
    rows = example_rows(tiny.tokenizer, EXAMPLES, 64)
    tiny.model.train()
    one, two = (nats_and_tokens(tiny.model, rows, batch_size=size, padding=0) for size in (1, 3))
    assert tiny.model.training
    tiny.model.eval()
    assert one == pytest.approx(two, rel=1e-5)
