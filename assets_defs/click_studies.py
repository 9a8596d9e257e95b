"""Studies of retrieval in the history: one setting changed at a time, read off by a regression; and RALLRec+'s sweeps."""

import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pyarrow as pa

from assets_defs.click import (
    NETWORK,
    VARIANTS,
    WINDOW,
    Positions,
    Probabilities,
    Sources,
    click_config,
    language_probability,
    network_config,
    network_probability,
    network_rows,
    questions_of,
    reasoning_config,
    reasoning_of,
    sources_of,
    training_targets,
)
from assets_defs.click_data import edges_of, item_facts, known_of, sampled_targets
from assets_defs.core import write
from assets_defs.language import is_endpoint
from assets_defs.links import markdown
from assets_defs.models import artifact_folder, release_of_parents
from assets_defs.representations import behaviour_of, described, encoded, train_graph, vectors_of_items
from assets_defs.step import Built, Job
from corpus_pipeline.release import Release
from corpus_pipeline.schema import tables as t
from corpus_pipeline.schema.render import arrow_schema

if TYPE_CHECKING:
    from modeling.evaluation.click import Resampled, Resampler
    from modeling.joint_representation.infer import Parts

READOUT, BASE = "readout", "as the paper has it"
COUNT = 30  # K of the paper
STUDY_COUNT = 10  # at K = 30 most of a short history is in every list, whoever retrieves
METRICS = ("auc", "log_loss")
Row = dict[str, Any]


class Setting(NamedTuple):
    """One way to choose K entries of a history: vectors, and what is done with the most similar entries."""

    name: str
    vectors: Mapping[str, Any] = {}
    length: int = STUDY_COUNT
    rerank: str = ""
    gamma: float = 2 / 3
    beta: float = 1.0
    off_by_one: bool = False
    parts: str = ""


LAST_TOKEN, LEAKING = "last_token", "leaking_graph"


SETTINGS = (
    Setting(BASE, {"kind": "joint"}),
    *(Setting(f"embedding={kind}", {"kind": kind}) for kind in ("title", "description", "text", "behaviour", "average", "concat")),
    Setting("latest only", {"kind": "joint"}, rerank="paper", gamma=0.0),
    Setting("reranked", {"kind": "joint"}, rerank="paper"),
    *(Setting(f"gamma={name}", {"kind": "joint"}, rerank="paper", gamma=value) for name, value in (("1/2", 1 / 2), ("4/5", 4 / 5))),
    *(Setting(f"beta={value:g}", {"kind": "joint"}, rerank="paper", beta=value) for value in (0.5, 2.0)),
    *(Setting(f"K={count}", {"kind": "joint"}, length=count) for count in (3, 5, 20, COUNT)),
    Setting("code-compatible: 2K/3 + K/3", {"kind": "joint"}, rerank="code"),
    Setting("code-compatible: ids off by one", {"kind": "joint"}, off_by_one=True),
    Setting("code-compatible: global normalisation", {"kind": "joint", "normalisation": "global"}),
    Setting("code-compatible: text is one token's vector", {"kind": "text"}, parts=LAST_TOKEN),
    Setting("code-compatible: behaviour from a graph with test rows", {"kind": "behaviour"}, parts=LEAKING),
)


def eval_click_ablation(job: Job) -> Iterator[Built]:
    """AUC and LogLoss of the readout under each setting, on test rows, and their difference to the paper's setting."""
    release = release_of_parents(job)
    rows: list[Row] = []
    for dataset in job.workspace.profile.click_datasets:
        sources = sources_of(job, release, dataset)
        rows += _retrieval_study(job, release, sources) + _selection_study(job, sources)
        if not is_endpoint(job.workspace):
            rows += _language_study(job, sources)
    table = pa.Table.from_pylist(rows, schema=arrow_schema(t.EVAL_CLICK_ABLATION))
    built = write(job, [(t.EVAL_CLICK_ABLATION.name, table)])
    yield Built(built.files, {**built.metadata, "retrieval in the history": _shown(rows), "settings": _plot(rows)})


def _retrieval_study(job: Job, release: Release, sources: Sources) -> list[Row]:
    train, test = training_targets(job.workspace, sources.data), sources.data.of_split("test")
    resampler, liked = _resampler(job, sources, test), sources.data.histories.liked[test]
    parts = {"": sources.parts, LAST_TOKEN: _one_token(job, release, sources), LEAKING: _with_leaking_graph(job, sources)}
    seen: dict[str, Resampled] = {}
    for setting in SETTINGS:
        job.progress(f"{sources.data.dataset}: {setting.name}", len(seen), len(SETTINGS))
        read = _read(job, sources._replace(parts=parts[setting.parts]), setting, train, test)
        seen[setting.name] = resampler.resample(liked, read)
    where = {"dataset": sources.data.dataset, "split": "test", "model": READOUT, "count": len(test)}
    return [row for name in seen for row in _measured(seen, name, where)]


def _one_token(job: Job, release: Release, sources: Sources) -> "Parts":
    """Text vectors as the released code makes them: its average over a description is the vector of the last token alone."""
    texts = described(job, sources.data.kind, item_facts(release, sources.data))
    vectors = encoded(job, [(text.split() or ["none"])[-1] for text in texts])
    return replace(sources.parts, title=vectors, description=vectors)


def _with_leaking_graph(job: Job, sources: Sources) -> "Parts":
    """Behaviour from edges of every row, those of validation and test too, as the released notebooks write them."""
    data = sources.data
    users, items = edges_of(data, np.sort(data.places))
    folder = artifact_folder(job) / data.dataset / "graph"
    shutil.rmtree(folder, ignore_errors=True)
    train_graph(job, users, items, counts=(data.users.num_rows, data.items.num_rows), folder=folder)
    behaviour, has = behaviour_of(folder, items)
    return replace(sources.parts, behaviour=behaviour, has_behaviour=has)


def _selection_study(job: Job, sources: Sources) -> list[Row]:
    """The retrieval network with its checkpoint chosen on validation rows, and on test rows as the released code does."""
    from modeling.click_network.infer import load
    from modeling.click_network.train import train

    space, test = job.workspace, sources.data.of_split("test")
    rows, judged = (network_rows(space, sources, targets) for targets in (training_targets(space, sources.data), test))
    folder = artifact_folder(job) / sources.data.dataset / "selected_on_test"
    shutil.rmtree(folder, ignore_errors=True)
    job.progress(f"{sources.data.dataset}: a network selected on test", 0, 1)
    train(rows, judged, network_config(space, NETWORK), folder)
    told = {
        BASE: network_probability(space.artifact_of(f"model_click@{sources.data.dataset}"), NETWORK, judged),
        "code-compatible: selected on test": load(folder).predict(judged),
    }
    return _compared(job, sources, NETWORK, test, told)


def _resampler(job: Job, sources: Sources, targets: Positions) -> "Resampler":
    from modeling.evaluation.click import Resampler

    config = job.workspace.profile.evaluation
    return Resampler(sources.data.owners(targets), samples=config.bootstrap_samples, seed=config.seed)


def _read(job: Job, sources: Sources, setting: Setting, train: Positions, test: Positions) -> Probabilities:
    """P(liked) of test rows, read off the lists that the setting chooses."""
    from modeling.click_network.readout import ItemPriors, readout, readout_features
    from modeling.click_network.rows import click_rows

    vectors = vectors_of_items(job.workspace, sources.parts, **setting.vectors)
    known = known_of(sources.data, train, None)

    def rows(targets: Positions) -> Any:
        entries, similarity = _chosen(sources, targets, vectors, setting)
        return click_rows(sources.data.histories, targets, known, entries, similarity, length=1)

    learned = rows(train)
    priors = ItemPriors.of(learned)
    return readout(readout_features(learned, priors), learned.liked, readout_features(rows(test), priors))


def _chosen(sources: Sources, targets: Positions, vectors: Any, setting: Setting) -> tuple[Any, Any]:
    """(entries, similarity) [n, K]; a reranked list has its order alone."""
    from modeling.joint_representation.rerank import rerank_code, rerank_paper
    from modeling.joint_representation.retrieval import retrieve

    histories = sources.data.histories
    found = retrieve(histories, targets, vectors, count=setting.length, window=WINDOW, off_by_one=setting.off_by_one, threads=2)
    if not setting.rerank:
        return found.entries, found.similarity
    if setting.rerank == "code":
        entries = rerank_code(found, histories, targets, count=setting.length).entries
    else:
        entries = rerank_paper(found, histories, targets, count=setting.length, gamma=setting.gamma, beta=setting.beta).entries
    return entries, np.ones(entries.shape, np.float32)


def _measured(seen: "Mapping[str, Resampled]", name: str, where: Row) -> Iterator[Row]:
    from modeling.evaluation.click import intervals, paired

    for metric, found in intervals(seen[name]).items():
        yield {**where, "setting": name, "metric": metric, "value": found.value, "ci_low": found.low, "ci_high": found.high}
    if name != BASE:
        for metric, one in paired(seen[name], seen[BASE]).items():
            row = {**where, "setting": name, "metric": f"{metric}_difference"}
            yield {**row, "value": one.difference, "ci_low": one.low, "ci_high": one.high}


def _language_study(job: Job, sources: Sources) -> list[Row]:
    """Switches of the released code that change how an answer is read, and RALLRec+'s sweeps and analyses."""
    folder, sizes = job.workspace.artifact_of(f"model_click@{sources.data.dataset}"), job.workspace.profile.sizes
    judged = sampled_targets(sources.data, "test", sizes.judged_rows)
    told: dict[str, Probabilities] = {
        BASE: language_probability(job, sources, folder, "rallrec", judged),
        "code-compatible: double softmax": language_probability(job, sources, folder, "rallrec", judged, double_softmax=True),
    }
    rows = _compared(job, sources, "rallrec", judged, told)
    return rows + _reasoning_study(job, sources, folder)


def _compared(job: Job, sources: Sources, model: str, targets: Positions, told: Mapping[str, Probabilities]) -> list[Row]:
    """Metrics of each setting with intervals; nothing where the rows hold one answer alone."""
    from modeling.errors import EvaluationError

    resampler, liked = _resampler(job, sources, targets), sources.data.histories.liked[targets]
    where = {"dataset": sources.data.dataset, "split": "test", "model": model, "count": len(targets)}
    try:
        seen = {name: resampler.resample(liked, probability) for name, probability in told.items()}
    except EvaluationError:
        return []
    return [row for name in seen for row in _measured(seen, name, where)]


def _reasoning_study(job: Job, sources: Sources, folder: Any) -> list[Row]:
    """Sweeps of alpha and epsilon; accuracy by length and by variance of the runs. The answers come from the cache."""
    from modeling.click_model.merge import response_length_analysis, sweeps, variance_analysis
    from modeling.click_model.prompts import prompt

    sizes, variant = job.workspace.profile.sizes, VARIANTS["rallrec"]
    if not sizes.reasoned_rows:
        return []
    targets = sampled_targets(sources.data, "test", min(sizes.reasoned_rows, sizes.judged_rows))
    config = click_config(job.workspace, sources.data, variant)
    asked = [prompt(one, config.inference_template, config) for one in questions_of(job.workspace, sources, targets, variant, config)]
    found, tuned = reasoning_of(job, sources, folder, targets, asked)
    swept = sweeps(found.probability, tuned, reasoning_config(job.workspace))
    told = {BASE: swept[0].probability} | {f"alpha={one.alpha:g}, epsilon={one.epsilon:g}": one.probability for one in swept}
    liked = sources.data.histories.liked[targets]
    rows = _compared(job, sources, "rallrec_plus", targets, told)
    where = {"dataset": sources.data.dataset, "split": "test", "model": "reasoning"}
    rows += _binned(where, "words", response_length_analysis(found.lengths, found.probability, liked))
    rows += _binned(where, "variance", variance_analysis(found.probability, liked))
    return [
        *rows,
        _value(where, "all runs", "without_verdict_share", found.failures / max(1, found.probability.size), found.probability.size),
    ]


def _binned(where: Row, quantity: str, bins: Sequence[Any]) -> list[Row]:
    return [_value(where, f"{quantity} {one.low:g} to {one.high:g}", f"accuracy_by_{quantity}", one.accuracy, one.count) for one in bins]


def _value(where: Row, setting: str, metric: str, value: float, count: int) -> Row:
    return {**where, "setting": setting, "metric": metric, "value": float(value), "ci_low": None, "ci_high": None, "count": count}


def _shown(rows: Sequence[Row]) -> str:
    lines: dict[tuple[str, ...], Row] = {}
    for row in rows:
        if row["metric"] in (*METRICS, "auc_difference"):
            where = {name: str(row[name]) for name in ("dataset", "model", "setting")}
            lines.setdefault(tuple(where.values()), where)[row["metric"]] = (
                f"{row['value']:.4f} [{row['ci_low']:.4f}, {row['ci_high']:.4f}]"
            )
    full = [{name: line.get(name, "") for name in ("dataset", "model", "setting", *METRICS, "auc_difference")} for line in lines.values()]
    return markdown(pa.Table.from_pylist(full))


def _plot(rows: Sequence[Row]) -> str:
    """Difference in AUC of each setting to the paper's, per data set."""
    from assets_defs.plots import intervals

    groups: dict[str, dict[str, tuple[float, float, float]]] = {}
    for row in rows:
        if (row["model"], row["metric"]) == (READOUT, "auc_difference"):
            groups.setdefault(row["dataset"], {})[row["setting"]] = (row["value"], row["ci_low"], row["ci_high"])
    return intervals(groups, xlabel="difference in AUC to the paper's setting") if groups else ""
