"""Click prediction (RALLRec): networks over all training rows, a language model tuned to say yes or no, and both read together.

What one prompt or one network is lies in `modeling`; how they are judged, in `click_eval`.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from assets_defs.click_data import ClickData, click_data, item_facts, known_of, sampled_targets, title_of, user_profiles
from assets_defs.language import QUERY_BASE, base_of, is_endpoint, language_model
from assets_defs.links import markdown
from assets_defs.models import artifact_folder, files_of, release_of_parents
from assets_defs.representations import load_joint, vectors_of_items
from assets_defs.step import Built, Job
from assets_defs.workspace import Workspace
from corpus_pipeline.release import Release
from corpus_pipeline.schema import tables as t

if TYPE_CHECKING:
    from modeling.artifacts import Manifest
    from modeling.click_model.config import ClickModelConfig, ReasoningConfig
    from modeling.click_model.prompts import Question
    from modeling.click_model.reasoning import Reasoned
    from modeling.click_network.config import ClickNetworkConfig
    from modeling.click_network.data import ClickRows
    from modeling.joint_representation.infer import Parts
    from modeling.joint_representation.retrieval import Retrieved

Probabilities = npt.NDArray[np.float64]
Positions = npt.NDArray[np.int64]
WINDOW = 200  # interactions before the target that are looked at
NETWORK, FUSED, FUSION = "retrieval", "rallrec_fused", "fusion.json"
SUMMARY = "click.json"


class Variant(NamedTuple):
    """How a language model's history is retrieved, and the template it is asked with."""

    kind: str
    template: str


# ReLLa retrieves by text alone, Hybrid-Score by the sum of both similarities, RALLRec by the joint vectors, then reranked.
VARIANTS = {
    "rella": Variant("text", "sequential"),
    "hybrid_score": Variant("concat", "high"),
    "rallrec": Variant("joint", "rerank"),
}
OURS = ("rallrec", NETWORK, FUSED)
TUNED_RUNS = ("rerank", "high", "sequential")  # templates that stand for runs of the tuned model, whose answers to one prompt never vary


class Sources(NamedTuple):
    """What every model of a data set is made from."""

    data: ClickData
    parts: "Parts"
    titles: Sequence[str]
    profiles: Sequence[Mapping[str, str | None]]


def sources_of(job: Job, release: Release, dataset: str) -> Sources:
    """The data set's rows, item parts, titles and user profiles."""
    data = click_data(release, job.parent_table(t.SET_CLICK), dataset)
    titles = [title_of(facts) for facts in item_facts(release, data)]
    return Sources(data, load_joint(job.workspace, dataset), titles, user_profiles(data))


def model_click(job: Job) -> Iterator[Built]:
    """Every model of each data set; those that a killed run has finished are kept."""
    release = release_of_parents(job)
    for dataset in map(str, job.partitions):
        sources, folder = sources_of(job, release, dataset), artifact_folder(job, dataset)
        networks = _networks(job, sources, folder)
        tuned = {} if is_endpoint(job.workspace) else _language_models(job, sources, folder)
        if tuned:
            _fuse(job, sources, folder)
        shown = [{"model": name, **manifest.metrics} for name, manifest in {**networks, **tuned}.items()]
        (folder / SUMMARY).write_text(json.dumps(shown, indent=1, sort_keys=True))
        yield Built(files_of(folder), {"models": markdown(pa.Table.from_pylist(shown))}, partition=dataset)


def network_config(workspace: Workspace, name: str) -> "ClickNetworkConfig":
    """The settings of one of `NETWORKS`: the profile's for all of them, those under its own name, and what it is."""
    from modeling.click_network.config import NETWORKS, ClickNetworkConfig

    settings = workspace.profile.click_network
    return ClickNetworkConfig.from_mapping({**settings.get("all", {}), **settings.get(name, {}), **NETWORKS[name]})


def network_rows(workspace: Workspace, sources: Sources, targets: Positions, **changed: Any) -> "ClickRows":
    """Rows of targets as networks read them, their histories retrieved with the profile's vectors, or with some settings `changed`."""
    from modeling.click_network.rows import click_rows

    vectors = vectors_of_items(workspace, sources.parts, **changed)
    config = network_config(workspace, NETWORK)
    found = retrieved(sources, targets, vectors, config.retrieved_count)
    known = known_of(sources.data, training_targets(workspace, sources.data), vectors)
    return click_rows(sources.data.histories, targets, known, found.entries, found.similarity, length=config.history_length)


def retrieved(
    sources: Sources, targets: Positions, vectors: npt.NDArray[np.float32], count: int, *, off_by_one: bool = False
) -> "Retrieved":
    """The `count` entries of each history most similar to the target."""
    from modeling.joint_representation.retrieval import retrieve

    return retrieve(sources.data.histories, targets, vectors, count=count, window=WINDOW, off_by_one=off_by_one, threads=2)


def training_targets(workspace: Workspace, data: ClickData) -> Positions:
    """The training rows that networks learn from."""
    count = workspace.profile.sizes.click_rows
    return sampled_targets(data, "train", count) if count else data.of_split("train")


def _networks(job: Job, sources: Sources, folder: Path) -> "dict[str, Manifest]":
    from modeling.click_network.config import NETWORKS

    missing = [name for name in NETWORKS if not _is_finished(folder / name)]
    if missing:
        rows, valid = (
            network_rows(job.workspace, sources, targets)
            for targets in (training_targets(job.workspace, sources.data), sources.data.of_split("valid"))
        )
    for name in missing:
        _train_network(job, name, (rows, valid), folder / name)
    return {name: _manifest(folder / name, "click_network") for name in NETWORKS}


def _train_network(job: Job, name: str, rows: "tuple[ClickRows, ClickRows]", folder: Path) -> None:
    """One network on the training rows, its epoch chosen on the validation rows."""
    from modeling.click_network.train import Evaluation, train

    def tell(told: Evaluation) -> None:
        job.progress(f"training {name}, LogLoss {told.log_loss:.4f} on validation", told.step, 0)

    train(*rows, network_config(job.workspace, name), folder, progress=tell)


def _is_finished(folder: Path) -> bool:
    from modeling.artifacts import MANIFEST_NAME

    return (folder / MANIFEST_NAME).exists()


def _manifest(folder: Path, model: str) -> "Manifest":
    from modeling.artifacts import load_manifest

    return load_manifest(folder, model=model)


def click_config(workspace: Workspace, data: ClickData, variant: Variant, **changed: Any) -> "ClickModelConfig":
    """The profile's settings of the language model for one data set and variant, some `changed`."""
    from modeling.click_model.config import ClickModelConfig

    return ClickModelConfig.from_mapping(
        {**workspace.profile.click_model, "kind": data.kind, "inference_template": variant.template, **changed}
    )


def questions_of(
    workspace: Workspace, sources: Sources, targets: Positions, variant: Variant, config: "ClickModelConfig"
) -> "list[Question]":
    """The rows as prompts tell them, with the rankings of their histories that the templates list."""
    from modeling.click_model.prompts import HistoryItem, Question

    data, rankings = sources.data, _rankings(workspace, sources, targets, variant, config.history_length)
    firsts = np.maximum(data.histories.starts(targets), targets - WINDOW)
    stars, liked, items, owners = data.ratings.to_pylist(), data.histories.liked, data.histories.items, data.owners(targets)
    return [
        Question(
            sources.titles[items[target]],
            [HistoryItem(sources.titles[items[place]], bool(liked[place]), stars[place]) for place in range(first, target)],
            **{name: [entry - first for entry in entries[row].tolist() if entry >= 0] for name, entries in rankings.items()},
            profile=sources.profiles[owners[row]],
        )
        for row, (target, first) in enumerate(zip(targets.tolist(), firsts.tolist(), strict=True))
    ]


def _rankings(workspace: Workspace, sources: Sources, targets: Positions, variant: Variant, count: int) -> dict[str, npt.NDArray[np.int32]]:
    """Flattened positions [n, count] by what they are ranked by; 'hybrid' has those by text and by behaviour."""
    from modeling.joint_representation.rerank import rerank_paper

    is_hybrid = variant.template == "hybrid"
    kinds = {"similar": "text" if is_hybrid else variant.kind} | ({"behaviour": "behaviour"} if is_hybrid else {})
    found = {
        name: retrieved(sources, targets, vectors_of_items(workspace, sources.parts, kind=kind), count) for name, kind in kinds.items()
    }
    reranked = rerank_paper(found["similar"], sources.data.histories, targets, count=count)
    return {**{name: one.entries for name, one in found.items()}, "reranked": reranked.entries}


def _language_models(job: Job, sources: Sources, folder: Path) -> "dict[str, Manifest]":
    for name, variant in VARIANTS.items():
        if not _is_finished(folder / name):
            _tune(job, sources, variant, folder / name, name)
    return {name: _manifest(folder / name, "click_model") for name in VARIANTS}


def _tune(job: Job, sources: Sources, variant: Variant, folder: Path, name: str) -> None:
    """LoRA on questions in several orders; the number of epochs is chosen on validation rows asked as at inference."""
    import shutil

    from modeling.click_model.config import PUBLISHED_TUNING
    from modeling.click_model.data import training_examples, validation_examples
    from modeling.click_model.train import tune
    from modeling.language_model.config import FineTuneConfig

    shutil.rmtree(folder, ignore_errors=True)  # what a killed run left
    config, data = click_config(job.workspace, sources.data, variant), sources.data
    retrieved_only = variant._replace(template="high")
    train = sampled_targets(data, "train", config.mixed_pool)
    valid = sampled_targets(data, "valid", config.validation_rows)
    examples = training_examples(
        questions_of(job.workspace, sources, train, retrieved_only, config), _liked(data, train), ["train"] * len(train), config
    )
    judged = validation_examples(
        questions_of(job.workspace, sources, valid, variant, config), _liked(data, valid), ["valid"] * len(valid), config
    )
    tune(
        base_of(job.workspace), examples, config, folder, validation=judged,
        tuning=FineTuneConfig.from_mapping({**PUBLISHED_TUNING.to_mapping(), **job.workspace.profile.click_tuning}),
        progress=lambda told: job.progress(f"tuning {name}, loss {told.loss:.3f}", told.step, told.steps),
    )  # fmt: skip


def _liked(data: ClickData, targets: Positions) -> list[bool]:
    found: list[bool] = data.histories.liked[targets].tolist()
    return found


def language_probability(
    job: Job, sources: Sources, folder: Path, name: str, targets: Positions, *, template: str = "", double_softmax: bool = False
) -> Probabilities:
    """P(yes) of a tuned variant for each target, asked with its own template or another one."""
    from modeling.click_model.infer import load, yes_probability
    from modeling.click_model.prompts import prompt
    from modeling.language_model.config import LanguageModelConfig

    variant = VARIANTS[name]._replace(template=template or VARIANTS[name].template)
    config = click_config(job.workspace, sources.data, variant, double_softmax=double_softmax)
    settings = LanguageModelConfig.from_mapping(job.workspace.profile.language_model)
    model = load(base_of(job.workspace), folder / name, config=settings)
    questions = questions_of(job.workspace, sources, targets, variant, config)
    job.progress(f"asking {name} about {len(targets)} rows", 0, 1)
    return yes_probability(model, [prompt(question, config.inference_template, config) for question in questions], config)


def reasoning_config(workspace: Workspace) -> "ReasoningConfig":
    """The profile's settings of RALLRec+."""
    from modeling.click_model.config import ReasoningConfig

    return ReasoningConfig.from_mapping(workspace.profile.reasoning)


def reasoning_of(job: Job, sources: Sources, folder: Path, targets: Positions, prompts: Sequence[str]) -> "tuple[Reasoned, Probabilities]":
    """(runs of the reasoning model with the tuned one's answer as hint, P(yes) [rows, runs] of the tuned one under several templates)."""
    from modeling.click_model.reasoning import reason

    config = reasoning_config(job.workspace)
    runs = [language_probability(job, sources, folder, "rallrec", targets, template=name) for name in TUNED_RUNS]
    job.progress(f"reasoning about {len(targets)} rows, {config.runs_per_question} runs", 0, 1)
    found = reason(language_model(job.workspace, base=QUERY_BASE), prompts, config, tuned=runs[0])
    return found, np.column_stack(runs)


def network_probability(folder: Path, model: str, rows: "ClickRows") -> Probabilities:
    """P(liked) of a trained network."""
    from modeling.click_network.infer import load

    return load(folder / model).predict(rows)


def _fuse(job: Job, sources: Sources, folder: Path) -> None:
    """How network and language model are read together: a logistic regression over both log-odds on judged validation rows."""
    from modeling.click_network.readout import fitted

    targets = sampled_targets(sources.data, "valid", job.workspace.profile.sizes.judged_rows)
    network = network_probability(folder, NETWORK, network_rows(job.workspace, sources, targets))
    language = language_probability(job, sources, folder, "rallrec", targets)
    weights = fitted(np.column_stack([network, language]), sources.data.histories.liked[targets])
    (folder / FUSION).write_text(json.dumps({"weights": weights[:-1], "intercept": weights[-1]}))


def fused_probability(folder: Path, network: Probabilities, language: Probabilities) -> Probabilities:
    """P(liked) by the weights found on validation."""
    from modeling.click_network.readout import combined

    told = json.loads((folder / FUSION).read_text())
    return combined(np.column_stack([network, language]), [*told["weights"], told["intercept"]])
