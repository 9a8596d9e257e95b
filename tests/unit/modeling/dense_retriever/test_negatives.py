"""What a negative may never be, whatever the lists."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from modeling.dense_retriever.negatives import TitleYear, hard_negatives, random_negatives
from modeling.errors import DataError
from modeling.seeding import numpy_generator

MOVIES = [f"m{number:02}" for number in range(24)]
some = st.lists(st.sampled_from(MOVIES), max_size=8)
years = st.dictionaries(st.sampled_from(MOVIES), st.tuples(st.sampled_from(["heat", "alien"]), st.sampled_from([None, 1979, 1995])))


def allowed(movie: str, targets: list[str], named: list[str], title_years: dict[str, TitleYear]) -> bool:
    is_twin = movie in title_years and any(title_years.get(target) == title_years[movie] for target in targets)
    return movie not in targets and movie not in named and not is_twin


@given(st.lists(st.sampled_from(MOVIES)), some, some, years, st.integers(0, 30))
def test_hard_negatives_are_the_first_allowed(
    retrieved: list[str], targets: list[str], named: list[str], title_years: dict[str, TitleYear], count: int
) -> None:
    found = hard_negatives(retrieved, targets=targets, named=named, title_years=title_years, count=count)
    ok = [movie for movie in dict.fromkeys(retrieved) if allowed(movie, targets, named, title_years)]
    assert found == ok[:count]


@given(st.lists(st.sampled_from(MOVIES), unique=True), some, some, years, st.integers(0, 30), st.integers(0, 99))
def test_random_negatives_obey_the_same_rules(
    films: list[str], targets: list[str], named: list[str], title_years: dict[str, TitleYear], count: int, seed: int
) -> None:
    def draw(pool: list[str]) -> list[str]:
        generator = numpy_generator(seed, "negatives")
        return random_negatives(pool, targets=targets, named=named, title_years=title_years, count=count, generator=generator)

    found = draw(films)
    ok = {movie for movie in films if allowed(movie, targets, named, title_years)}
    assert len(found) == len(set(found)) == min(count, len(ok)) and set(found) <= ok
    assert draw(films[::-1]) == found


def test_random_negatives_are_spread_evenly() -> None:
    generator = numpy_generator(0, "negatives")
    drawn = [
        movie
        for _ in range(600)
        for movie in random_negatives(MOVIES, targets=["m00"], named=[], title_years={}, count=4, generator=generator)
    ]
    counts = np.array([drawn.count(movie) for movie in MOVIES])
    assert counts[0] == 0
    np.testing.assert_allclose(counts[1:], 2400 / 23, rtol=0.4)


def test_a_remake_of_another_year_is_a_fair_negative() -> None:
    title_years = {"m00": ("dune", 1984), "m01": ("dune", 2021), "m02": ("dune", 2021)}
    assert hard_negatives(["m02", "m00", "m05"], targets=["m01"], named=[], title_years=title_years, count=9) == ["m00", "m05"]


def test_bad_arguments() -> None:
    with pytest.raises(DataError, match="count is -1"):
        hard_negatives([], targets=[], named=[], title_years={}, count=-1)
    with pytest.raises(DataError, match="2 films, 1 distinct"):
        random_negatives(["a", "a"], targets=[], named=[], title_years={}, count=1, generator=numpy_generator(0, "x"))
