"""A split hangs on the id alone."""

from hypothesis import given
from hypothesis import strategies as st

from corpus_pipeline.splits import carve_valid, hash_share, starter_split


def test_hash_share_is_the_head_of_the_sha256() -> None:
    # sha256('abc') starts with ba7816bf8f01cfea
    assert hash_share("abc") == 0xBA7816BF8F01CFEA / 2**64


@given(st.text())
def test_shares_and_splits_agree(key: str) -> None:
    share = hash_share(key)
    assert 0 <= share < 1
    assert carve_valid(key) == ("valid" if share < 0.1 else "train")
    assert starter_split(key) == ("train" if share < 0.7 else "valid" if share < 0.7 + 0.1 else "test")


def test_carving_takes_about_a_tenth() -> None:
    carved = [carve_valid(f"redial:{number}") for number in range(10_000)]
    assert 900 < carved.count("valid") < 1_100
    assert "test" not in carved
