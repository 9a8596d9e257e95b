"""Everything a corpus, a training set and the linker must satisfy: contract, meaning, leakage and reviewed numbers in one list."""

from collections.abc import Iterable, Sequence
from dataclasses import replace

from corpus_pipeline.schema.tables import EVAL_LINKING, RELEASED, SETS
from quality import conversations, interactions, leakage, linking, movies
from quality.baseline import Baseline, Bounds, load_baseline, shipped_baseline
from quality.contract import contract
from quality.expectations import Expectation, Quantity, insist_on_unique_names
from quality.measure import Measure, RunSql, measure

_OF_SETS, _OF_LINKING = frozenset(table.name for table in SETS), frozenset({EVAL_LINKING.name})
_OF_CORPUS = frozenset(table.name for table in RELEASED)


def corpus_quantities(*, sources: Sequence[str], datasets: Sequence[str], interaction_datasets: Sequence[str]) -> tuple[Quantity, ...]:
    """The numbers of a corpus that a baseline must bound; the arguments are the declared partitions."""
    return (
        *movies.quantities(sources=sources),
        *conversations.quantities(datasets=datasets),
        *interactions.quantities(interaction_datasets=interaction_datasets),
        *leakage.quantities(datasets=datasets),
    )


def expectations_for(profile: str, *, minimum_movies: int, own_sources: Sequence[str] = ()) -> tuple[Expectation, ...]:
    """Every expectation on a corpus of a profile whose reviewed numbers come with the project.

    `own_sources` are a user's own dumps: nobody has reviewed their numbers, so they need only bring at least one record.
    """
    baseline = load_baseline(shipped_baseline(profile))
    numbers = {f"core_movie_merges.records.{source}": Bounds(1, None, "a dump of the user's own") for source in own_sources}
    if own_sources:  # they add films and credits to what was reviewed
        numbers |= {name: replace(baseline.numbers[name], maximum=None) for name in ("core_movies.rows", "core_credits.rows")}
    own = replace(baseline, movie_sources=(*baseline.movie_sources, *own_sources), numbers={**baseline.numbers, **numbers})
    return corpus_expectations(own, minimum_movies=minimum_movies)


def set_expectations_for(profile: str) -> tuple[Expectation, ...]:
    """The same for the training sets."""
    return set_expectations(load_baseline(shipped_baseline(profile)))


def corpus_expectations(baseline: Baseline, *, minimum_movies: int) -> tuple[Expectation, ...]:
    """Every expectation on a corpus: the tables RELEASED, with exactly the partitions that the baseline names.

    BaselineError names the numbers that the baseline lacks.
    """
    sources, datasets, of_interactions = baseline.movie_sources, baseline.dialogue_datasets, baseline.interaction_datasets
    numbers = corpus_quantities(sources=sources, datasets=datasets, interaction_datasets=of_interactions)
    found = (
        *contract(RELEASED),
        *movies.rules(minimum_movies=minimum_movies, sources=sources),
        *conversations.rules(datasets=datasets),
        *interactions.rules(interaction_datasets=of_interactions),
        *leakage.rules(),
        *_part(baseline, _OF_CORPUS).bound(numbers),
    )
    insist_on_unique_names(found)
    return found


def set_expectations(baseline: Baseline) -> tuple[Expectation, ...]:
    """Every expectation on the training sets SETS, to be judged with the corpus they were built from at hand."""
    numbers = leakage.set_quantities(interaction_datasets=baseline.interaction_datasets)
    found = (*contract(SETS), *leakage.set_rules(), *_part(baseline, _OF_SETS).bound(numbers))
    insist_on_unique_names(found)
    return found


def link_expectations_for(profile: str) -> tuple[Expectation, ...]:
    """The same for the evaluation of the linker."""
    return link_expectations(load_baseline(shipped_baseline(profile)))


def link_expectations(baseline: Baseline) -> tuple[Expectation, ...]:
    """Every expectation on `eval_linking`."""
    return _part(baseline, _OF_LINKING).bound(linking.quantities(datasets=baseline.dialogue_datasets))


def measure_link_baseline(run_sql: RunSql, *, datasets: Sequence[str]) -> dict[str, float | None]:
    """The numbers of `eval_linking` as they are, for a person to review."""
    return _observed(measure(linking.quantities(datasets=datasets), run_sql))


def measure_baseline(
    run_sql: RunSql, *, sources: Sequence[str], datasets: Sequence[str], interaction_datasets: Sequence[str]
) -> dict[str, float | None]:
    """The numbers of a corpus as they are, for a person to review and put into a baseline; None where SQL failed."""
    return _observed(measure(corpus_quantities(sources=sources, datasets=datasets, interaction_datasets=interaction_datasets), run_sql))


def measure_set_baseline(run_sql: RunSql, *, interaction_datasets: Sequence[str]) -> dict[str, float | None]:
    """The same for the training sets."""
    return _observed(measure(leakage.set_quantities(interaction_datasets=interaction_datasets), run_sql))


def _observed(measures: Iterable[Measure]) -> dict[str, float | None]:
    return {measure.name: measure.observed for measure in measures}


def _part(baseline: Baseline, tables: frozenset[str]) -> Baseline:
    """A profile keeps all its numbers in one file; corpus, sets and links are judged at different times.

    A number about none of their tables stays with the corpus, whose judging finds that nothing measures it.
    """
    others = (_OF_SETS | _OF_LINKING) - tables if tables == _OF_CORPUS else frozenset()
    owners = {name: name.split(".", 1)[0] for name in baseline.numbers}
    chosen = [name for name, owner in owners.items() if (owner not in others if others else owner in tables)]
    return replace(baseline, numbers={name: baseline.numbers[name] for name in chosen})
