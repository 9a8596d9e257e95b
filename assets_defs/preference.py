"""The feedback loop, unrolled: the supervised retrievers, and for each round its candidate sets with their rewards and its retrievers.

One partition per retriever, several seeds in each. What rounds mean is in `modeling.preference_retriever`; how they are judged, in
`preference_eval`.
"""

import copy
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from assets_defs.links import markdown
from assets_defs.models import film_vectors_of, release_of_parents
from assets_defs.preference_parts import (
    SUPERVISED,
    VALUE,
    Judge,
    config_of,
    feedback_of,
    feedback_turns,
    history_of,
    judged_turns,
    load_policy,
    mean_of,
    retrieval_value,
    rounds_of,
    starting_policy,
    supervised_part,
    turns_for,
)
from assets_defs.retrieval import train_dense
from assets_defs.step import Built, Job, expected_key
from assets_defs.training_sets import insist_on_expectations
from assets_defs.turns import of_split, sampled
from assets_defs.workspace import Workspace
from corpus_pipeline import store
from corpus_pipeline.release import Release
from corpus_pipeline.schema import tables as t
from corpus_pipeline.schema.render import arrow_schema
from modeling.ranker.names import LANGUAGE_MODELS

if TYPE_CHECKING:
    from modeling.preference_retriever.config import PreferenceConfig
    from modeling.preference_retriever.data import Turns
    from modeling.preference_retriever.network import Policy
    from modeling.preference_retriever.rounds import Draws, Feedback

PATIENCE = 2  # rounds in a row that brought nothing better end the loop


def model_retriever_sft(job: Job) -> Iterator[Built]:
    """Each retriever after supervised learning, of its sequences and then of single turns: where the loop starts."""
    release = release_of_parents(job)
    for retriever in map(str, job.partitions):
        judge = _validation(job, release, retriever)
        made = [_supervised(job, release, judge, retriever, seed) for seed in job.workspace.profile.sizes.loop_seeds]
        yield _built(job, retriever, made)


def _validation(job: Job, release: Release, retriever: str) -> Judge:
    """The validation turns, to be judged by the ranker that gives feedback."""
    ranker = job.workspace.profile.rankers[0]
    return Judge(job, release, judged_turns(job, "valid", ranker), retriever, ranker)


def _supervised(job: Job, release: Release, judge: Judge, retriever: str, seed: int) -> dict[str, Any]:
    """One seed's supervised retriever: trained, judged, saved; what it shows."""
    from modeling.preference_retriever.train import supervise

    config = config_of(job.workspace, retriever, seed)
    rows, targets = job.parent_table(t.SET_RECOMMENDATION), job.parent_table(t.SET_RECOMMENDATION_TARGETS)
    own = supervised_part(of_split(rows, "train"), config.supervised_share)
    train, valid = (turns_for(job.workspace, release, part, targets, retriever) for part in (own, of_split(rows, "valid")))
    base = _folder(job, retriever) / f"seed-{seed}" / "base"
    train_base(job, config, base)
    policy = starting_policy(job.workspace, config, base, train.features.shape[1])

    def tell(done: int, total: int) -> None:
        job.progress(f"supervised {retriever}, seed {seed}", done, total)

    log = supervise(policy, train, config, value=lambda one: retrieval_value(one, valid, config.reward_cutoff), tell=tell)
    kept = max(log, key=lambda epoch: epoch.value)
    metrics = {VALUE: judge.value(policy, config), "valid_retrieval_ndcg@10": kept.value, "best_epoch": float(kept.epoch)}
    _save(job, policy, config, metrics, [asdict(epoch) for epoch in log])
    return {"seed": seed, **metrics}


def train_base(job: Job, config: "PreferenceConfig", folder: Path) -> None:
    """The retriever that supervised learning of turns starts from, trained on the supervised part alone; one that is there is kept."""
    from modeling.artifacts import MANIFEST_NAME
    from modeling.dense_retriever.config import DenseRetrieverConfig
    from modeling.lrurec.config import LRURecConfig
    from modeling.lrurec.train import train

    if (folder / MANIFEST_NAME).exists():
        return
    profile, rows = job.workspace.profile, job.parent_table(t.SET_RECOMMENDATION)
    if config.retriever == "dense":
        own = [supervised_part(of_split(rows, "train"), config.supervised_share), of_split(rows, "valid")]
        train_dense(job, pa.concat_tables(own), DenseRetrieverConfig.from_mapping({**profile.dense_retriever, "seed": config.seed}), folder)
        return
    settings = profile.lrurec_text if config.base == "text" else profile.lrurec_id
    sequence = LRURecConfig.from_mapping({**settings, "mode": config.base, "seed": config.seed})
    sequences = job.parent_table(t.SET_SEQUENCES)
    train(
        supervised_part(of_split(sequences, "train"), config.supervised_share),
        sequence,
        folder,
        item_embeddings=film_vectors_of(job.workspace) if config.base == "text" else None,
        validation_histories=rows,
        validation_targets=job.parent_table(t.SET_RECOMMENDATION_TARGETS),
        progress=lambda told: job.progress(
            f"training the base of {config.retriever}, loss {told.loss:.3f}", told.epoch, sequence.max_epochs
        ),
    )


def set_preferences(job: Job) -> Iterator[Built]:
    """Candidate sets of training turns, the ranker's list of each, and its reward."""
    from modeling.preference_retriever.rounds import draw

    release, number = release_of_parents(job), int(job.step.name.rpartition("_")[2])
    for retriever in map(str, job.partitions):
        examples = _feedback_turns(job, retriever, number)
        judge = Judge(job, release, examples, retriever, job.workspace.profile.rankers[0])
        parts, told = [], []
        for seed in job.workspace.profile.sizes.loop_seeds:
            config = config_of(job.workspace, retriever, seed)
            if _is_over(job.workspace, retriever, seed, number):
                told.append({"seed": seed, "stopped early": True})
                continue
            policy = load_policy(job.workspace, retriever, seed, number - 1, judge.turns.features.shape[1])
            draws = draw(policy, judge.turns, config, purpose=f"round {number}")
            found = feedback_of(judge, draws, config, call_budget=job.workspace.profile.ranker_call_budget)
            parts.append(_preference_rows(sorted(job.workspace.profile.dialogue_datasets), judge.turns, draws, found, retriever, seed))
            told.append({"seed": seed, **_in_short(found)})
        yield _written(job, release, parts, retriever, told)


def _feedback_turns(job: Job, retriever: str, number: int) -> pa.Table:
    """Other turns each round, where not all are asked about: a language model gets `feedback_turns`, any other ranker all."""
    profile = job.workspace.profile
    count = profile.sizes.feedback_turns if profile.rankers[0] in LANGUAGE_MODELS else 0
    return sampled(feedback_turns(job, retriever), count, purpose=f"feedback turns of round {number}")


def _in_short(found: "Feedback") -> dict[str, Any]:
    different = found.rewards.max(axis=1) > found.rewards.min(axis=1) if found.rewards.size else np.zeros(0, bool)
    return {
        "mean reward": round(float(found.rewards.mean()), 4) if found.rewards.size else 0.0,
        "share of ties": round(1.0 - float(different.mean()), 4) if different.size else 1.0,
        "calls": found.asked_count,
        "within budget": found.is_complete,
        **{f"failed, {name}": count for name, count in sorted(found.failures.items())},
    }


def _preference_rows(datasets: Sequence[str], turns: "Turns", draws: "Draws", found: "Feedback", retriever: str, seed: int) -> pa.Table:
    rows = []
    for row, example in enumerate(turns.example_ids):
        for place, films in enumerate(_named(turns, draws.films[row])):
            answer = found.answers.get((row, place))
            rows.append(
                {
                    "retriever": retriever, "seed": seed, "example_id": example, "set_index": place,
                    "dataset": datasets[int(turns.dataset_rows[row])],
                    "candidate_movie_ids": films,
                    "ranked_movie_ids": list(answer.order) if answer else [],
                    "reward": float(found.rewards[row, place]), "log_probability": float(draws.sampling[row, place]),
                    "is_asked": answer is not None, "failure": answer.failure if answer else "",
                }
            )  # fmt: skip
    return pa.Table.from_pylist(rows, schema=arrow_schema(t.SET_PREFERENCES[0]))


def _written(job: Job, release: Release, parts: Sequence[pa.Table], retriever: str, told: Sequence[Mapping[str, Any]]) -> Built:
    table = job.step.tables[0]
    rows = pa.concat_tables(parts) if parts else arrow_schema(table).empty_table()
    insist_on_expectations(job, release, {table.name: rows})
    path = job.workspace.table(table, retriever)
    store.write_table(rows, table, path)
    return Built([path], {f"{table.name}/rows": rows.num_rows, "rounds": _table(told)}, partition=retriever)


def model_retriever(job: Job) -> Iterator[Built]:
    """Each retriever after one more round, and how the ranker's lists of it fare on validation turns."""
    release, number = release_of_parents(job), int(job.step.name.rpartition("_")[2])
    for retriever in map(str, job.partitions):
        examples = _feedback_turns(job, retriever, number)
        turns = turns_for(job.workspace, release, examples, job.parent_table(t.SET_RECOMMENDATION_TARGETS), retriever)
        judge = _validation(job, release, retriever)
        preferences = job.parent_table(t.SET_PREFERENCES[number - 1], retriever)
        made = [_round(job, judge, turns, preferences, (retriever, seed, number)) for seed in job.workspace.profile.sizes.loop_seeds]
        yield _built(job, retriever, made)


def _round(job: Job, judge: Judge, turns: "Turns", preferences: pa.Table, which: tuple[str, int, int]) -> dict[str, Any]:
    """Update one seed's retriever from its preferences, judge it and save it; what the round shows."""
    from modeling.preference_retriever.rounds import draw
    from modeling.preference_retriever.train import update

    retriever, seed, number = which
    config, size = config_of(job.workspace, retriever, seed), turns.features.shape[1]
    policy = load_policy(job.workspace, retriever, seed, number - 1, size)
    own = preferences.filter(pc.equal(preferences["seed"], seed))
    if not own.num_rows:
        before = history_of(job.workspace, retriever, seed, number - 1)[-1]
        return _kept(job, which, policy, config, {**before, "note": "stopped early: nothing changed"})
    reference = copy.deepcopy(policy) if config.reference == "previous" else load_policy(job.workspace, retriever, seed, 0, size)
    job.progress(f"updating {retriever}, seed {seed}", 0, 1)
    draws = draw(policy, turns, config, purpose=f"round {number}")
    rewards = _rewards(own, turns, draws)
    changed = update(policy, reference, turns, draws, rewards, config, purpose=f"round {number}")
    shown = {
        VALUE: judge.value(policy, config), "mean_reward": float(rewards.mean()), "tie_share": changed.tie_share,
        "turns_learned_from": changed.turn_count, "kl_to_reference": changed.divergence,
        "loss": changed.losses[-1] if changed.losses else None,
    }  # fmt: skip
    return _kept(job, which, policy, config, shown if changed.turn_count else {**shown, "note": "every turn was tied: nothing changed"})


def _rewards(rows: pa.Table, turns: "Turns", draws: "Draws") -> Any:
    """Rewards [turns, sets] of the sets that were drawn again; DataError when those on record are others."""
    from modeling.errors import DataError

    names = ("example_id", "set_index", "candidate_movie_ids", "reward")
    found = {(example, place): (films, reward) for example, place, films, reward in zip(*(rows[n].to_pylist() for n in names), strict=True)}
    rewards = np.zeros(draws.films.shape[:2])
    for row, example in enumerate(turns.example_ids):
        for place, films in enumerate(_named(turns, draws.films[row])):
            recorded, rewards[row, place] = found.get((example, place), (None, 0.0))
            if recorded != films:
                raise DataError(
                    f"updating from preferences: set {place} of {example!r} on record holds {recorded}, drawn again {films}: the vectors "
                    "or the machine have changed since; materialise the round's set_preferences again"
                )
    return rewards


def _named(turns: "Turns", sets: Any) -> list[list[str]]:
    """The movie ids of sets of columns [sets, K] in order of drawing."""
    return [[turns.films[column] for column in films if column >= 0] for films in sets.tolist()]


def _kept(job: Job, which: tuple[str, int, int], policy: "Policy", config: "PreferenceConfig", shown: Mapping[str, Any]) -> dict[str, Any]:
    metrics = {name: value for name, value in shown.items() if isinstance(value, int | float)}
    _save(job, policy, config, metrics, [dict(shown)])
    return {"seed": which[1], **shown}


def _folder(job: Job, retriever: str) -> Path:
    key = expected_key(job.step, retriever, job.parents, job.workspace)
    return job.workspace.artifact(job.step.name) / retriever / key[:12]


def _save(job: Job, policy: "Policy", config: "PreferenceConfig", metrics: Mapping[str, float], log: Any) -> None:
    from modeling.preference_retriever import infer

    parents = {name: record.fingerprint for name, record in job.parents.items() if record.partition in (None, config.retriever)}
    infer.save(_folder(job, config.retriever) / f"seed-{config.seed}", policy, config, parents=parents, metrics=metrics, log=log)


def _built(job: Job, retriever: str, made: Sequence[Mapping[str, Any]]) -> Built:
    """A folder with one retriever per seed; beside it what the loop has shown so far, as table and plot."""
    folder = _folder(job, retriever)
    summary = folder / "rounds.json"
    summary.write_text(json.dumps(list(made), indent=1, sort_keys=True))
    values = [one[VALUE] for one in made]
    shown = {VALUE: float(np.mean(values)), "rounds": _table(made), **_plot(job, retriever, made)}
    return Built(sorted(file for file in folder.rglob("*") if file.is_file()), shown, partition=retriever)


def _table(rows: Sequence[Mapping[str, Any]]) -> str:
    names = dict.fromkeys(name for row in rows for name in row)
    return markdown(pa.Table.from_pylist([{name: _cell(row.get(name)) for name in names} for row in rows]))


def _cell(value: Any) -> str:
    return "" if value is None else f"{value:.4g}" if isinstance(value, float) else str(value)


def _plot(job: Job, retriever: str, made: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """Reward, ties, KL and the validation's value over the rounds so far, a mean over seeds."""
    from assets_defs.plots import lines

    number = 0 if job.step.name == SUPERVISED else int(job.step.name.rpartition("_")[2])
    if not number:
        return {}
    rounds = [rounds_of(job.workspace, retriever, one) for one in range(number)] + [list(made)]
    names = [VALUE, "mean_reward", "tie_share", "kl_to_reference"]
    series = {name: [mean_of(rows, name) for rows in rounds] for name in names}
    return {"the loop so far": lines(list(range(number + 1)), series, xlabel="round")}


def _is_over(workspace: Workspace, retriever: str, seed: int, number: int) -> bool:
    """Whether the latest rounds brought nothing better than what was there before them."""
    values = [row[VALUE] for row in history_of(workspace, retriever, seed, number - 1)]
    return len(values) > PATIENCE and max(values[-PATIENCE:]) <= max(values[:-PATIENCE])
