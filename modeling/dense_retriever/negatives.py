"""Films that a generator has to tell from the true one: hard ones as retrieved, random ones as control. No index, no prompt."""

from collections.abc import Collection, Mapping, Sequence

import numpy as np

from modeling.errors import DataError

TitleYear = tuple[str, int | None]


def hard_negatives(
    retrieved: Sequence[str], *, targets: Collection[str], named: Collection[str], title_years: Mapping[str, TitleYear], count: int
) -> list[str]:
    """The first `count` of `retrieved` (best first) that are certainly wrong for one turn; fewer when the list has no more.

    Never a film of `targets` (all targets of the turn, not only the one asked for), none `named` before, and none with the
    title key and year of a target: it is most likely the same film under another id. `title_years` gives title key and year
    of a film; one without an entry is known by its id alone. Retrieve with the queries that are used at inference, those of
    the query expert (ReGeS, hard negatives for the generator), not with the teacher's. DataError when `count` is negative.
    """
    return _allowed(retrieved, targets=targets, named=named, title_years=title_years, count=count)


def random_negatives(
    films: Sequence[str],
    *,
    targets: Collection[str],
    named: Collection[str],
    title_years: Mapping[str, TitleYear],
    count: int,
    generator: np.random.Generator,
) -> list[str]:
    """`count` films of `films` (the data set's, distinct) in random order, by the rules of `hard_negatives`; all that are left when fewer.

    The same generator state and the same set of films give the same list, in whatever order `films` come. DataError when an
    id comes twice or `count` is negative.
    """
    if len(set(films)) != len(films):
        raise DataError(f"drawing random negatives: {len(films)} films, {len(set(films))} distinct; expected distinct films")
    order = sorted(films)
    return _allowed(
        [order[i] for i in generator.permutation(len(order))], targets=targets, named=named, title_years=title_years, count=count
    )


def _allowed(
    films: Sequence[str], *, targets: Collection[str], named: Collection[str], title_years: Mapping[str, TitleYear], count: int
) -> list[str]:
    if count < 0:
        raise DataError(f"choosing negatives: count is {count}, expected at least 0")
    banned = {*targets, *named}
    twins = {title_years[film] for film in targets if film in title_years}
    chosen = (film for film in dict.fromkeys(films) if film not in banned and title_years.get(film) not in twins)
    return [film for film, _ in zip(chosen, range(count), strict=False)]
