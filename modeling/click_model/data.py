"""Rows the click model learns from: drawn rows of one split, prompts of several orders of one history, examples. No model is in here."""

import math
from collections.abc import Mapping, Sequence

import numpy as np

from modeling.click_model.config import ClickModelConfig
from modeling.click_model.prompts import NO, YES, Question, prompt
from modeling.errors import DataError
from modeling.language_model.data import Example
from modeling.seeding import numpy_generator


def click_examples(prompts: Sequence[str], liked: Sequence[bool]) -> list[Example]:
    """One example per prompt, completion ' Yes' or ' No'. Both are tokenised apart from the prompt, which ends with no space."""
    _insist_on_equal(len(prompts), len(liked))
    return [Example(text, YES if verdict else NO) for text, verdict in zip(prompts, liked, strict=True)]


def training_examples(
    questions: Sequence[Question], liked: Sequence[bool], splits: Sequence[str], config: ClickModelConfig
) -> list[Example]:
    """Examples of drawn rows of the split 'train', each row under every training template in turn (RALLRec's mixed orders).

    With several templates `config.mixed_pool` rows are drawn and the first 2 `training_rows` prompts kept, as the released code does.
    """
    templates = config.training_templates
    most = config.training_rows if len(templates) == 1 else 2 * config.training_rows
    is_whole = config.use_all_mixed and len(templates) > 1
    count = config.mixed_pool if is_whole else min(math.ceil(most / len(templates)), config.mixed_pool)  # no row is worded in vain
    rows = drawn_rows(liked, splits, "train", count, config)
    by_template = {template: [prompt(questions[row], template, config) for row in rows] for template in templates}
    mixed = mixed_order(by_template, [liked[row] for row in rows])
    return mixed if is_whole else mixed[:most]


def validation_examples(
    questions: Sequence[Question], liked: Sequence[bool], splits: Sequence[str], config: ClickModelConfig
) -> list[Example]:
    """Examples of rows of the split 'valid', drawn without balancing, under the inference template: what selection goes by.

    The released code selects on the first 1,000 rows of the test file; that is not offered.
    """
    rows = drawn_rows(liked, splits, "valid", config.validation_rows, config)
    return click_examples([prompt(questions[row], config.inference_template, config) for row in rows], [liked[row] for row in rows])


def mixed_order(by_template: Mapping[str, Sequence[str]], liked: Sequence[bool]) -> list[Example]:
    """Row after row, the prompts of all templates of a row together, in the order of the mapping; each list has a prompt per row."""
    for prompts in by_template.values():
        _insist_on_equal(len(prompts), len(liked))
    together = [text for row in zip(*by_template.values(), strict=True) for text in row]
    return click_examples(together, [verdict for verdict in liked for _ in by_template])


def drawn_rows(liked: Sequence[bool], splits: Sequence[str], split: str, count: int, config: ClickModelConfig) -> list[int]:
    """At most `count` row numbers of a split in a seeded order; with `config.balanced`, of 'train' as many liked as not.

    DataError for the split test, no row, or a balanced draw from one class.
    """
    _insist_on_equal(len(splits), len(liked))
    if split not in ("train", "valid"):
        raise DataError(
            f"drawing rows of split {split!r} for the click model: expected 'train' or 'valid'; a test row trains and selects nothing"
        )
    order = numpy_generator(config.seed, f"click rows of {split}").permutation(len(liked)).tolist()
    rows = [row for row in order if splits[row] == split]
    if config.balanced and split == "train":
        rows = _balanced(rows, liked, count)
    if not rows:
        raise DataError(
            f"drawing rows of split {split!r} for the click model: none of {len(liked)} rows can be drawn; check split and labels"
        )
    return rows[:count]


def _balanced(rows: Sequence[int], liked: Sequence[bool], count: int) -> list[int]:
    """Liked and disliked rows in turn, as many of each, at most `count` together."""
    yes, no = [row for row in rows if liked[row]], [row for row in rows if not liked[row]]
    each = min(len(yes), len(no), count // 2)
    return np.column_stack([yes[:each], no[:each]]).astype(int).ravel().tolist()


def _insist_on_equal(first: int, second: int) -> None:
    if first != second:
        raise DataError(
            f"preparing the click model: {first} rows of one column and {second} of another; expected as many: pass aligned columns"
        )
