"""What the steps of the feedback loop share: its turns, its retrievers after each round, and lists of theirs judged by a ranker.

No step is declared here; the loop itself is in `preference`, what it is worth in `preference_eval` and `preference_studies`.
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from assets_defs.film_facts import dataset_films
from assets_defs.models import film_vectors_of
from assets_defs.rankers import ranker_of
from assets_defs.step import Job
from assets_defs.turns import load_dense_retriever, of_split, sampled, turns_of
from assets_defs.workspace import Workspace
from corpus_pipeline.release import Release
from corpus_pipeline.schema import tables as t
from corpus_pipeline.splits import hash_share
from modeling.ranker.names import LANGUAGE_MODELS

if TYPE_CHECKING:
    from modeling.generator.prompts import Turn
    from modeling.preference_retriever.config import PreferenceConfig
    from modeling.preference_retriever.data import Turns
    from modeling.preference_retriever.network import Policy
    from modeling.preference_retriever.rounds import Draws, Feedback
    from modeling.ranker.protocol import RankedSet, Ranker

Columns = npt.NDArray[np.int64]
SUPERVISED = "model_retriever_sft"
VALUE = "valid_ndcg@10"  # of the ranker's list, mean over turns: what rounds are chosen by


def step_name(number: int) -> str:
    """The step whose retriever stands after `number` rounds."""
    return f"model_retriever_{number}" if number else SUPERVISED


def config_of(workspace: Workspace, retriever: str, seed: int) -> "PreferenceConfig":
    """The profile's settings of the loop for one retriever and seed."""
    from modeling.preference_retriever.config import PreferenceConfig

    return PreferenceConfig.from_mapping({**workspace.profile.preference, "retriever": retriever, "seed": seed})


def turns_for(workspace: Workspace, release: Release, examples: pa.Table, targets: pa.Table, retriever: str) -> "Turns":
    """Rows of set_recommendation as the loop reads them; 'rar' hears no dialogue, so it gets no vectors."""
    from modeling.preference_retriever import data

    catalogues = {dataset: dataset_films(release, dataset) for dataset in workspace.profile.dialogue_datasets}
    empty = np.zeros((examples.num_rows, 0), np.float32)
    features = empty if retriever == "rar" or not examples.num_rows else turns_of(workspace, examples).features
    return data.turns_of(examples, targets, features, catalogues)


def starting_policy(workspace: Workspace, config: "PreferenceConfig", base: Path, feature_size: int) -> "Policy":
    """The retriever in the folder `base` as a policy."""
    from modeling.dense_retriever.config import DenseRetrieverConfig
    from modeling.preference_retriever import infer

    if config.retriever == "dense":
        dropout = DenseRetrieverConfig.from_mapping(workspace.profile.dense_retriever).dropout
        return infer.dense_policy(load_dense_retriever(workspace, base), dropout=dropout)
    embeddings = film_vectors_of(workspace) if config.base == "text" else None
    return infer.sequence_policy(base, config, feature_size=feature_size, item_embeddings=embeddings)


def load_policy(workspace: Workspace, retriever: str, seed: int, number: int, feature_size: int) -> "Policy":
    """The retriever after `number` rounds."""
    from modeling.preference_retriever import infer

    config = config_of(workspace, retriever, seed)
    base = workspace.artifact_of(f"{SUPERVISED}@{retriever}") / f"seed-{seed}" / "base"
    policy = starting_policy(workspace, config, base, feature_size)
    infer.restore(workspace.artifact_of(f"{step_name(number)}@{retriever}") / f"seed-{seed}", policy)
    return policy


def supervised_part(rows: pa.Table, share: float, *, others: bool = False) -> pa.Table:
    """Rows of dialogues that supervised learning takes, or of the `others`, which give feedback; all of them for a share of 1."""
    if share >= 1:
        return rows
    dialogues = rows["dialogue_id"].to_pylist()
    chosen = [(hash_share(f"supervised part of the loop/{dialogue}") < share) != others for dialogue in dialogues]
    return rows.filter(pa.array(chosen, pa.bool_()))


def prompts_of(examples: pa.Table) -> "dict[str, Turn]":
    """The turns as a ranker's prompt tells them, by example id."""
    from modeling.generator.data import turns_of as told

    return {turn.example_id: turn for turn in told(examples)}


def truths_of(turns: "Turns") -> dict[str, frozenset[str]]:
    """The films to be found, by example id: what oracles know."""
    return {
        example: frozenset(turns.films[column] for column in own) for example, own in zip(turns.example_ids, turns.targets, strict=True)
    }


class Judge:
    """Turns of one split with what is needed to have lists for them ranked."""

    def __init__(
        self, job: Job, release: Release, examples: pa.Table, retriever: str, ranker: str, *, changed: Mapping[str, Any] | None = None
    ) -> None:
        """`changed`: settings of the ranker other than the profile's."""
        self.turns = turns_for(job.workspace, release, examples, job.parent_table(t.SET_RECOMMENDATION_TARGETS), retriever)
        self.said = prompts_of(examples)
        self.ranker: Ranker = ranker_of(job, release, ranker, examples, truths_of(self.turns), changed)
        self.job = job

    def value(self, policy: "Policy", config: "PreferenceConfig") -> float:
        """Mean nDCG of the ranker's list of the best K films."""
        from modeling.preference_retriever.rounds import offer

        if not len(self.turns):
            return 0.0
        return float(np.mean(self.feedback(offer(policy, self.turns, config.candidates), config).rewards))

    def feedback(self, columns: Columns, config: "PreferenceConfig") -> "Feedback":
        """The ranker's lists of the films in `columns` [n, K], best first, and their rewards."""
        from modeling.preference_retriever.rounds import ask, places_in

        return ask(
            self.ranker, columns[:, None, :], self.turns, self.said, orders=places_in(columns), cutoff=config.reward_cutoff,
            tell=lambda done, total: self.job.progress("ranking final lists", done, total),
        )  # fmt: skip

    def answers(self, columns: Columns, config: "PreferenceConfig") -> "list[RankedSet | None]":
        """The ranker's answer to each turn; None where it need not be asked."""
        found = self.feedback(columns, config).answers
        return [found.get((row, 0)) for row in range(len(self.turns))]


def judged_turns(job: Job, split: str, ranker: str) -> pa.Table:
    """The turns of a split that a ranker is asked about: `judged_turns` of each data set for a language model, all for any other."""
    rows = of_split(job.parent_table(t.SET_RECOMMENDATION), split)
    count = job.workspace.profile.sizes.judged_turns if ranker in LANGUAGE_MODELS else 0
    return sampled(rows, count, purpose=f"judged turns of {split}", per_dataset=True)


def retrieval_value(policy: "Policy", turns: "Turns", cutoff: int) -> float:
    """Mean nDCG of the retriever's own order."""
    from modeling.preference_retriever.rounds import list_reward, offer

    columns = offer(policy, turns, cutoff)
    lists = [[turns.films[column] for column in row if column >= 0] for row in columns.tolist()]
    return float(np.mean([list_reward(films, turns, row, cutoff) for row, films in enumerate(lists)])) if lists else 0.0


def feedback_turns(job: Job, retriever: str) -> pa.Table:
    """Training turns that supervised learning did not take."""
    share = config_of(job.workspace, retriever, 0).supervised_share
    return supervised_part(of_split(job.parent_table(t.SET_RECOMMENDATION), "train"), share, others=True)


def feedback_of(judge: Judge, draws: "Draws", config: "PreferenceConfig", *, call_budget: int | None) -> "Feedback":
    """The ranker's lists of drawn sets, each shown in the retriever's order, and their rewards."""
    from modeling.preference_retriever.rounds import ask, places_in

    orders = places_in(np.where(draws.support.known.numpy(), draws.support.films.numpy(), -1))
    return ask(
        judge.ranker, draws.films, judge.turns, judge.said, orders=orders, cutoff=config.reward_cutoff, call_budget=call_budget,
        tell=lambda done, total: judge.job.progress(f"ranking sets, seed {config.seed}", done, total),
    )  # fmt: skip


def rounds_of(workspace: Workspace, retriever: str, number: int) -> list[dict[str, Any]]:
    """What the retrievers after `number` rounds showed, one document per seed."""
    folder = workspace.artifact_of(f"{step_name(number)}@{retriever}")
    found: list[dict[str, Any]] = json.loads((folder / "rounds.json").read_text())
    return found


def history_of(workspace: Workspace, retriever: str, seed: int, number: int) -> list[dict[str, Any]]:
    """What one seed's retriever showed after each round up to `number`."""
    return [next(row for row in rounds_of(workspace, retriever, one) if row["seed"] == seed) for one in range(number + 1)]


def mean_of(rows: Sequence[Mapping[str, Any]], name: str) -> float:
    """The mean of what the rows that tell it say; NaN where none does."""
    values = [row[name] for row in rows if row.get(name) is not None]
    return float(np.mean(values)) if values else float("nan")


def best_round(workspace: Workspace, retriever: str, *, first: int = 1) -> int:
    """The round whose lists were best on validation, a mean over seeds; the earliest of equals. 0 is the supervised retriever."""
    values = {number: mean_of(rounds_of(workspace, retriever, number), VALUE) for number in range(first, t.ROUNDS[-1] + 1)}
    return max(values, key=lambda number: (values[number], -number))
