"""How well models choose among retrieved films of test dialogues, and how often they name one that is not there."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from assets_defs.core import write
from assets_defs.film_facts import dataset_films
from assets_defs.generation import VARIANTS, catalogue_of, documents_of, load_generator, load_reranker
from assets_defs.links import markdown
from assets_defs.models import release_of_parents
from assets_defs.retrieval import expert_queries, hybrid_weights
from assets_defs.step import Built, Job
from assets_defs.turns import ANSWERED, asked_of, load_retriever, of_split, sampled, targets_of
from corpus_pipeline.release import Release
from corpus_pipeline.schema import tables as t

if TYPE_CHECKING:
    from modeling.generator.infer import ItemGenerator

Shortlists = Mapping[str, list[tuple[str, float]]]
# Orders the films of each turn: (example ids, per turn the films offered) -> per turn the films, best first.
Ranker = Callable[[Sequence[str], Sequence[Sequence[str]]], list[list[str]]]
CONTROLLED_COUNT = 20  # candidates at which the controls are compared
RETRIEVAL = "retrieval"
# Rules that look at nothing but how many training dialogues name a film: what a truth that was forced in gives away.
NAMED_MOST, NAMED_LEAST = "named_most", "named_least"
# Asked with every number of candidates; the others, controls and a slow reader, with one.
CURVES = (RETRIEVAL, NAMED_MOST, NAMED_LEAST, "generator")


@dataclass(frozen=True)
class Asked:
    """Test turns, their targets, and what the first stage offers for each."""

    examples: pa.Table
    targets: pa.Table
    offered: Shortlists


def eval_answers(job: Job) -> Iterator[Built]:
    """Where each model that chooses ranks each test target, as retrieved and with the truth forced in, per number of candidates."""
    from modeling.evaluation.generation import answer_rows

    release, sizes = release_of_parents(job), job.workspace.profile.sizes
    asked = _asked(job, release, sizes.answered_turns)
    rankers = _rankers(job, release, asked)
    parts: list[pa.Table] = []
    for count in sizes.answered_counts:
        for name, rank in rankers.items():
            if name not in CURVES and count != _controlled(sizes.answered_counts):
                continue
            for forced in (False, True):
                job.progress(f"{name} chooses from {count}{', truth forced in' if forced else ''}", len(parts), 2 * len(rankers))
                keys, lists = _lists(asked, count, forced)
                order = _orders(rank, keys, lists)
                parts.append(
                    answer_rows(
                        asked.examples,
                        asked.targets,
                        retrieved={example: [movie for movie, _ in films] for example, films in asked.offered.items()},
                        ranked=order,
                        model_name=name,
                        candidate_count=count,
                        is_forced=forced,
                    )
                )
    yield write(job, [(t.EVAL_ANSWERS.name, pa.concat_tables(parts))])


def _controlled(counts: Sequence[int]) -> int:
    """The number of candidates nearest to the one at which controls are compared."""
    return min(counts, key=lambda count: (abs(count - CONTROLLED_COUNT), count))


def _asked(job: Job, release: Release, at_most: int) -> Asked:
    """Test turns (`at_most` of each data set; 0: all), their new targets, and the films that the first stage offers."""
    from modeling.turn_retrieval import shortlist

    space = job.workspace
    examples = sampled(of_split(job.parent_table(t.SET_RECOMMENDATION), "test"), at_most, purpose=ANSWERED, per_dataset=True)
    targets = targets_of(job.parent_table(t.SET_RECOMMENDATION_TARGETS), examples).filter(pc.field("is_new"))
    queries, weights = expert_queries(job.parent_table(t.EVAL_QUERIES)), hybrid_weights(space)["hybrid"]
    retriever = load_retriever(space, release, job.parent_table(t.SET_SEQUENCES))
    offered: dict[str, list[tuple[str, float]]] = {}
    for dataset in space.profile.dialogue_datasets:
        own = examples.filter(pc.equal(examples["dataset"], dataset))
        if own.num_rows:
            asked, films = asked_of(space, own, queries), dataset_films(release, dataset)
            lists = shortlist(retriever.score(asked, films, weights), films, count=space.profile.sizes.candidates, exclude=asked.histories)
            offered |= dict(zip(own["example_id"].to_pylist(), lists, strict=True))
    return Asked(examples, targets, offered)


def _lists(asked: Asked, count: int, forced: bool) -> tuple[list[tuple[str, int]], list[list[str]]]:
    """(example, target) and the films offered for it; forced, the last film makes room for a truth that was not retrieved.

    Otherwise nothing is offered without the truth: it is a miss whatever the model says, and three quarters of the pairs are so.
    """
    keys, lists = [], []
    for row in asked.targets.to_pylist():
        films = [movie for movie, _ in asked.offered[row["example_id"]][:count]]
        if row["movie_id"] not in films:
            films = [*films[: count - 1], row["movie_id"]] if forced and row["movie_id"] else []
        keys.append((row["example_id"], row["target_index"]))
        lists.append(films)
    return keys, lists


def _orders(rank: Ranker, keys: Sequence[tuple[str, int]], lists: Sequence[list[str]]) -> dict[tuple[str, int], list[str]]:
    """The order of each list by its key; who ranks is not asked where nothing is offered."""
    places = [place for place, films in enumerate(lists) if films]
    ranked = rank([keys[place][0] for place in places], [lists[place] for place in places]) if places else []
    return {**{key: [] for key in keys}, **{keys[place]: order for place, order in zip(places, ranked, strict=True)}}


def _rankers(job: Job, release: Release, asked: Asked) -> dict[str, Ranker]:
    catalogue = catalogue_of(job.workspace, release)
    context = _contexts(asked.examples)
    rankers: dict[str, Ranker] = {RETRIEVAL: lambda examples, lists: [list(films) for films in lists], **_by_mentions(job)}
    rankers["reranker"] = _by_reranker(job, release, asked, context)
    for step in VARIANTS:
        rankers[step.removeprefix("model_")] = _by_generator(load_generator(job.workspace, step, catalogue), context)
    return rankers


def _by_mentions(job: Job) -> dict[str, Ranker]:
    from modeling.baselines import Popularity

    counts = Popularity.fit(job.parent_table(t.SET_SEQUENCES)).counts

    def rule(sign: int) -> Ranker:
        return lambda examples, lists: [sorted(films, key=lambda movie: (sign * counts.get(movie, 0), movie)) for films in lists]

    return {NAMED_MOST: rule(-1), NAMED_LEAST: rule(1)}


def _contexts(examples: pa.Table) -> dict[str, Any]:
    from modeling.generator.data import turns_of

    return {turn.example_id: turn for turn in turns_of(examples)}


def _by_generator(generator: "ItemGenerator", context: Mapping[str, Any]) -> Ranker:
    return lambda examples, lists: generator.rank([context[example] for example in examples], lists)


def _by_reranker(job: Job, release: Release, asked: Asked, context: Mapping[str, Any]) -> Ranker:
    from modeling.reranker.data import RankedList

    model, documents = load_reranker(job.workspace), documents_of(job.workspace, release)
    scored = {example: dict(films) for example, films in asked.offered.items()}

    def rank(examples: Sequence[str], lists: Sequence[Sequence[str]]) -> list[list[str]]:
        made = []
        for example, films in zip(examples, lists, strict=True):
            known = scored[example]
            lowest = min(known.values(), default=0.0)  # a truth that was forced in stands where the worst of the list does
            made.append(RankedList(example, context[example].context_text, films, np.array([known.get(m, lowest) for m in films])))
        scores = model.score(made, documents)
        return [_best_first(one.movies, values) for one, values in zip(made, scores, strict=True)]

    return rank


def _best_first(movies: Sequence[str], scores: Any) -> list[str]:
    return [movie for movie, _ in sorted(zip(movies, scores.tolist(), strict=True), key=lambda pair: (-pair[1], pair[0]))]


def eval_generation(job: Job) -> Iterator[Built]:
    """Success per model and number of candidates, each data set alone and all together, and whether hard negatives matter."""
    from modeling.evaluation.generation import generation_table

    config = job.workspace.profile.evaluation
    answers = job.parent_table(t.EVAL_ANSWERS)
    job.progress("resampling dialogues", 0, 1)
    together = answers.set_column(answers.column_names.index("dataset"), "dataset", pa.repeat("all", answers.num_rows))
    everything = pa.concat_tables([answers, together.cast(answers.schema)])
    table = generation_table(everything, bootstrap_samples=config.bootstrap_samples, seed=config.seed)
    built = write(job, [(t.EVAL_GENERATION.name, table)])
    shown = {
        "success": markdown(_rounded(table)),
        "hit@1 over candidates": _plot(table),
        "hard negatives against controls": _tests(together),
    }
    yield Built(built.files, {**built.metadata, **shown})


def _rounded(table: pa.Table) -> pa.Table:
    return pa.Table.from_pylist([{k: round(v, 4) if isinstance(v, float) else v for k, v in row.items()} for row in table.to_pylist()])


def _tests(answers: pa.Table) -> str:
    """Paired randomisation over dialogues of both data sets: each model against the one tuned on random negatives, hit@1."""
    from modeling.evaluation.generation import stage_ranks
    from modeling.evaluation.significance import compare

    controlled = answers.filter(pc.equal(answers["candidate_count"], _controlled(sorted(set(answers["candidate_count"].to_pylist())))))
    tests = compare(stage_ranks(controlled), metric="recall", k=1, reference="generator_random")
    rows = [
        {"stage": test.candidate_set, "model": test.model, "against": test.reference, "difference": round(test.difference, 4)}
        | {"p": round(test.p_value, 4), "p (Holm)": round(test.holm_p_value, 4), "pairs": test.pair_count}
        for test in tests
    ]
    return markdown(pa.Table.from_pylist(rows)) if rows else "no pair to compare\n"


def _plot(table: pa.Table) -> str:
    from assets_defs.plots import xy

    curves: dict[str, tuple[list[float], list[float]]] = {}
    for row in table.sort_by("candidate_count").to_pylist():
        if row["metric"] in ("item_success", "overall_success") and row["model"] in (*CURVES, "reranker"):
            x, y = curves.setdefault(f"{row['dataset']}, {row['model']}, {row['metric']}", ([], []))
            x.append(row["candidate_count"])
            y.append(row["value"])
    return xy(curves, xlabel="candidates", ylabel="hit@1")


def eval_hallucination(job: Job) -> Iterator[Built]:
    """Share of answers outside the candidates, the data set's titles and the corpus', held to the candidates and free."""
    release, sizes = release_of_parents(job), job.workspace.profile.sizes
    asked = _asked(job, release, sizes.free_answers)
    catalogue, context = catalogue_of(job.workspace, release), _contexts(asked.examples)
    corpus, count = _titles(release, None), _controlled(sizes.answered_counts)
    rows: list[dict[str, Any]] = []
    for dataset in sorted(set(asked.examples["dataset"].to_pylist())):
        own = asked.examples.filter(pc.equal(asked.examples["dataset"], dataset))["example_id"].to_pylist()
        turns, lists = [context[example] for example in own], [[movie for movie, _ in asked.offered[example][:count]] for example in own]
        known = {"data_set": _titles(release, dataset_films(release, dataset)), "corpus": corpus}
        for step in VARIANTS:
            job.progress(f"free answers of {step}, {dataset}", len(rows), 0)
            generator = load_generator(job.workspace, step, catalogue)
            rows += _outside(generator, turns, lists, known, {"dataset": dataset, "split": "test", "model": step.removeprefix("model_")})
    built = write(job, [(t.EVAL_HALLUCINATION.name, pa.Table.from_pylist(rows))])
    yield Built(built.files, {**built.metadata, "answers outside": markdown(_rounded(pa.Table.from_pylist(rows)))})


def _outside(
    generator: "ItemGenerator", turns: Any, lists: Any, known: Mapping[str, Any], where: Mapping[str, str]
) -> list[dict[str, Any]]:
    from modeling.evaluation.hallucination import hallucinations

    names = [[generator.catalogue.name(movie) for movie in films] for films in lists]
    held = [generator.catalogue.name(movie) if movie else "" for movie in generator.answer(turns, lists)]
    free = [answer.text for answer in generator.generate(turns, lists)]
    found = [
        one
        for decoding, said in (("constrained", held), ("unconstrained", free))
        for one in hallucinations(said, names, answered=decoding, known=known)
    ]
    return [
        {**where, "decoding": one.answered, "vocabulary": one.reference, "value": one.ratio, "ci_low": one.low, "ci_high": one.high}
        | {"count": one.answer_count}
        for one in found
    ]


def _titles(release: Release, movies: Sequence[str] | None) -> Any:
    """Every spelling of every title of the given films (of all where None), with the film's year."""
    from modeling.generator.matching import TitleSet

    titles = release.columns(t.TITLES, ("movie_id", "title"))
    years = release.columns(t.MOVIES, ("movie_id", "year"))
    year_of = dict(zip(years["movie_id"].to_pylist(), years["year"].to_pylist(), strict=True))
    wanted = None if movies is None else set(movies)
    pairs = zip(titles["movie_id"].to_pylist(), titles["title"].to_pylist(), strict=True)
    return TitleSet((title, year_of[movie]) for movie, title in pairs if wanted is None or movie in wanted)
