"""Click prediction judged: what each model says of each row, and tables with intervals and paired tests. No model is trained here."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from assets_defs.click import (
    FUSED,
    NETWORK,
    OURS,
    VARIANTS,
    Positions,
    Probabilities,
    Sources,
    click_config,
    fused_probability,
    language_probability,
    network_probability,
    network_rows,
    questions_of,
    reasoning_config,
    reasoning_of,
    sources_of,
)
from assets_defs.click_data import sampled_targets
from assets_defs.core import write
from assets_defs.language import QUERY_BASE, is_endpoint, language_model
from assets_defs.links import markdown
from assets_defs.models import release_of_parents
from assets_defs.step import Built, Job
from corpus_pipeline.schema import tables as t
from corpus_pipeline.schema.render import arrow_schema

if TYPE_CHECKING:
    from modeling.evaluation.click import Resampled

ZERO_SHOT, REASONED, MERGED = "zero_shot", "reasoning", "rallrec_plus"
ALL, JUDGED, FIRST = "all rows", "judged rows", "code-compatible: first rows"
FIRST_ROWS = 10_000  # of the rows in order of time: what the released code judges, a narrow slice
JUDGED_SPLITS = ("valid", "test")
_IDEAL = "as predicted"
Row = dict[str, Any]
Predicted = tuple[Positions, Probabilities]


def eval_click_predictions(job: Job) -> Iterator[Built]:
    """Networks predict every row of validation and test; language models those drawn for them."""
    release = release_of_parents(job)
    parts: list[pa.Table] = []
    for dataset in job.workspace.profile.click_datasets:
        sources = sources_of(job, release, dataset)
        folder = job.workspace.artifact_of(f"model_click@{dataset}")
        for split in JUDGED_SPLITS:
            parts += [_table(sources, name, found) for name, found in _predicted(job, sources, folder, split)]
    yield write(job, [(t.EVAL_CLICK_PREDICTIONS.name, pa.concat_tables(parts))])


def _predicted(job: Job, sources: Sources, folder: Path, split: str) -> Iterator[tuple[str, Predicted]]:
    """(model, (targets, probabilities)) of a split."""
    from modeling.click_network.config import NETWORKS

    sizes, targets = job.workspace.profile.sizes, sources.data.of_split(split)
    job.progress(f"networks on {split} rows of {sources.data.dataset}", 0, 1)
    rows = network_rows(job.workspace, sources, targets)
    own = {model: network_probability(folder, model, rows) for model in NETWORKS}
    yield from ((model, (targets, found)) for model, found in own.items())
    judged = sampled_targets(sources.data, split, sizes.judged_rows)
    if not is_endpoint(job.workspace):
        told = {name: language_probability(job, sources, folder, name, judged) for name in VARIANTS}
        yield from ((name, (judged, found)) for name, found in told.items())
        network = own[NETWORK][np.searchsorted(targets, judged)]
        yield FUSED, (judged, fused_probability(folder, network, told["rallrec"]))
    if split == "test":
        yield from _untuned(job, sources, folder)


def _untuned(job: Job, sources: Sources, folder: Path) -> Iterator[tuple[str, Predicted]]:
    """The language model as it comes, and reasoning beside the tuned one (RALLRec+), each on the first of the judged rows."""
    from modeling.click_model.infer import yes_probability
    from modeling.click_model.prompts import prompt

    sizes, variant = job.workspace.profile.sizes, VARIANTS["rallrec"]
    config = click_config(job.workspace, sources.data, variant)
    model = language_model(job.workspace, base=QUERY_BASE)

    def asked(targets: Positions) -> list[str]:
        return [prompt(one, config.inference_template, config) for one in questions_of(job.workspace, sources, targets, variant, config)]

    if sizes.zero_shot_rows:
        targets = sampled_targets(sources.data, "test", min(sizes.zero_shot_rows, sizes.judged_rows))
        job.progress(f"asking the untuned model about {len(targets)} rows", 0, 1)
        yield ZERO_SHOT, (targets, yes_probability(model, asked(targets), config))
    if sizes.reasoned_rows:
        targets = sampled_targets(sources.data, "test", min(sizes.reasoned_rows, sizes.judged_rows))
        yield from _reasoned(job, sources, folder, targets, asked(targets))


def _reasoned(job: Job, sources: Sources, folder: Path, targets: Positions, prompts: list[str]) -> Iterator[tuple[str, Predicted]]:
    """RALLRec+: several runs of reasoning with the tuned model's answer as a hint, and both merged by their consistency."""
    from modeling.click_model.merge import merged

    config = reasoning_config(job.workspace)
    found, tuned = reasoning_of(job, sources, folder, targets, prompts)
    yield REASONED, (targets, found.probability.mean(axis=1))
    yield MERGED, (targets, merged(found.probability, tuned, config))


def _table(sources: Sources, model: str, found: Predicted) -> pa.Table:
    targets, probability = found
    rows = sources.data.rows.take(pa.array(sources.data.numbers(targets)))
    own = {"model": pa.repeat(model, len(targets)), "probability": pa.array(np.clip(probability, 0.0, 1.0))}
    schema = arrow_schema(t.EVAL_CLICK_PREDICTIONS)
    return pa.table([own.get(name, rows[name] if name in rows.column_names else None) for name in schema.names], schema=schema)


def eval_click(job: Job) -> Iterator[Built]:
    """AUC, LogLoss and ACC with intervals, calibration, and our best model of validation against every other."""
    predictions = job.parent_table(t.EVAL_CLICK_PREDICTIONS)
    rows: list[Row] = []
    shown: dict[str, str] = {}
    for dataset in job.workspace.profile.click_datasets:
        own = predictions.filter(pc.equal(predictions["dataset"], dataset))
        for split in JUDGED_SPLITS:
            job.progress(f"resampling users of {dataset}, {split}", len(rows), 0)
            rows += _judged(job, own.filter(pc.equal(own["split"], split)), {"dataset": dataset, "split": split}, _best(own))
        shown[f"calibration of {dataset}"] = _calibration_plot(own.filter(pc.equal(own["split"], "test")))
    table = pa.Table.from_pylist(rows, schema=arrow_schema(t.EVAL_CLICK))
    built = write(job, [(t.EVAL_CLICK.name, table)])
    yield Built(built.files, {**built.metadata, "click prediction, test": _shown(table), **shown})


def _by_model(predictions: pa.Table) -> dict[str, pa.Table]:
    names = sorted(set(predictions["model"].to_pylist()))
    return {name: predictions.filter(pc.equal(predictions["model"], name)).sort_by("row_index").combine_chunks() for name in names}


def _best(predictions: pa.Table) -> Mapping[str, str]:
    """Our model of least LogLoss on validation: among those that predict every row, and among all on the rows that all have answered."""
    from modeling.evaluation.click import click_metrics

    models = _by_model(predictions.filter(pc.equal(predictions["split"], "valid")))
    common = _common(models)
    losses = {name: click_metrics(*_arrays(_only(models[name], common)))["log_loss"] for name in OURS if name in models}
    return {ALL: NETWORK, JUDGED: min(losses, key=lambda name: losses[name])}


def _common(models: Mapping[str, pa.Table]) -> set[int]:
    """Rows that every model has answered but those that are asked about few."""
    few = (ZERO_SHOT, REASONED, MERGED)
    return set.intersection(*(set(table["row_index"].to_pylist()) for name, table in models.items() if name not in few))


def _only(table: pa.Table, rows: set[int]) -> pa.Table:
    return table.filter(pc.is_in(table["row_index"], pa.array(sorted(rows), pa.int64())))


def _arrays(table: pa.Table) -> tuple[Any, Any]:
    return table["is_liked"].to_numpy(zero_copy_only=False).astype(bool), table["probability"].to_numpy()


def _judged(job: Job, predictions: pa.Table, where: Row, best: Mapping[str, str]) -> list[Row]:
    """Rows of eval_click of one split: every model on all its rows, and all models on the rows that all have answered."""
    models = _by_model(predictions)
    full = {name: table for name, table in models.items() if table.num_rows == max(one.num_rows for one in models.values())}
    judged = {name: _only(table, _common(models)) for name, table in models.items() if name not in (ZERO_SHOT, REASONED, MERGED)}
    rows = _compared(job, full, {**where, "setting": ALL}, best[ALL])
    first = {name: table.slice(0, FIRST_ROWS) for name, table in full.items()}
    rows += _compared(job, first, {**where, "setting": FIRST}, best[ALL])
    rows += _compared(job, judged, {**where, "setting": JUDGED}, best[JUDGED])
    for name in (ZERO_SHOT, REASONED, MERGED):
        if name in models:
            asked = set(models[name]["row_index"].to_pylist())
            beside = {other: _only(models[other], asked) for other in (name, best[JUDGED], "rallrec") if other in models}
            rows += _compared(job, beside, {**where, "setting": f"rows of {name}"}, name)
    return rows


def _compared(job: Job, models: Mapping[str, pa.Table], where: Row, best: str) -> list[Row]:
    """Metrics with intervals, and differences of the model `best` to each other one with Holm's correction; all on the same rows."""
    from modeling.errors import EvaluationError
    from modeling.evaluation.click import Resampler, calibration_bins, expected_calibration_error, intervals

    config = job.workspace.profile.evaluation
    users = next(iter(models.values()))["user_id"].to_numpy(zero_copy_only=False)
    resampler = Resampler(users, samples=config.bootstrap_samples, seed=config.seed)
    try:
        seen = {name: resampler.resample(*_arrays(table)) for name, table in models.items()}
    except EvaluationError:
        return []  # too few rows to hold both answers
    rows = []
    for name, resampled in seen.items():
        here = {**where, "model": name, "count": models[name].num_rows}
        measured = intervals(resampled)
        rows += [{**here, "metric": metric, "value": i.value, "ci_low": i.low, "ci_high": i.high} for metric, i in measured.items()]
        error = expected_calibration_error(calibration_bins(*_arrays(models[name])))
        rows.append({**here, "metric": "calibration_error", "value": error, "ci_low": None, "ci_high": None})
    return rows + _differences(seen, where, best, next(iter(models.values())).num_rows)


def _differences(seen: "Mapping[str, Resampled]", where: Row, best: str, count: int) -> list[Row]:
    from modeling.evaluation.click import paired
    from modeling.evaluation.significance import holm

    if best not in seen:
        return []
    others = {name: paired(seen[best], one) for name, one in seen.items() if name != best}
    rows = []
    for metric in ("auc", "log_loss"):
        adjusted = holm([found[metric].p_value for found in others.values()])
        for (name, found), p_value in zip(others.items(), adjusted, strict=True):
            here = {**where, "model": best, "setting": f"{where['setting']}, less {name}", "count": count}
            one = found[metric]
            rows += [
                {**here, "metric": f"{metric}_difference", "value": one.difference, "ci_low": one.low, "ci_high": one.high},
                {**here, "metric": f"{metric}_p_holm", "value": p_value, "ci_low": None, "ci_high": None},
            ]
    return rows


def _shown(table: pa.Table) -> str:
    """The test rows as a table: a line per model and setting."""
    lines: dict[tuple[str, ...], Row] = {}
    for row in table.to_pylist():
        if row["split"] == "test" and row["metric"] in ("auc", "log_loss", "accuracy", "calibration_error"):
            where = {name: row[name] for name in ("dataset", "setting", "model", "count")}
            lines.setdefault(tuple(map(str, where.values())), where)[row["metric"]] = _cell(row)
    return markdown(pa.Table.from_pylist(list(lines.values())))


def _cell(row: Row) -> str:
    return f"{row['value']:.4f}" + ("" if row["ci_low"] is None else f" [{row['ci_low']:.4f}, {row['ci_high']:.4f}]")


def _calibration_plot(predictions: pa.Table) -> str:
    """Share that is liked over the predicted probability, in ten bins of equal count; models asked about few rows would show noise."""
    from assets_defs.plots import xy
    from modeling.evaluation.click import calibration_bins

    curves: dict[str, tuple[list[float], list[float]]] = {_IDEAL: ([0.0, 1.0], [0.0, 1.0])}
    models = _by_model(predictions)
    for name in sorted(models.keys() - {ZERO_SHOT, REASONED, MERGED}):
        table = models[name]
        bins = calibration_bins(*_arrays(table))
        curves[name] = ([one.mean_predicted for one in bins], [one.observed for one in bins])
    return xy(curves, xlabel="predicted P(liked)", ylabel="share liked", reference=_IDEAL)
