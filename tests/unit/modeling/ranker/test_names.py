"""Names of rankers: which are good, what is said of the others, and the accuracy that a name holds."""

import pytest

from modeling.ranker.names import NAMES, accuracy_of, problem_of


@pytest.mark.parametrize("name", [*NAMES, "noisy_oracle_0", "noisy_oracle_0.5", "noisy_oracle_1.0"])
def test_good_names(name: str) -> None:
    assert problem_of(name) == ""


@pytest.mark.parametrize(
    "name",
    [
        "", "Oracle", "oracle_0.5", "noisy_oracle", "noisy_oracle_", "noisy_oracle_half", "noisy_oracle_1.01", "noisy_oracle_-0.1",
        "noisy_oracle_nan", "noisy_oracle_inf", "a noisy_oracle_0.5",
    ],
)  # fmt: skip
def test_bad_names(name: str) -> None:
    expected = (
        f"no ranker {name!r}; there are generator, base, endpoint, encoder, named_most, oracle and noisy_oracle_<accuracy from 0 to 1>"
    )
    assert problem_of(name) == expected


def test_only_a_noisy_oracle_has_an_accuracy() -> None:
    assert [accuracy_of(name) for name in NAMES] == [None] * len(NAMES)
    assert [accuracy_of(f"noisy_oracle_{accuracy}") for accuracy in ("0", "0.25", "1.0")] == [0.0, 0.25, 1.0]
