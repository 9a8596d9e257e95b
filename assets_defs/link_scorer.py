"""The linker's own way: rows from dialogues, weights, and how good links are. Its three steps belong together, one per layer.

The weights that link the data sets are those that ship or that the profile names; `model_link_scorer` makes new ones from a
release, and `eval_linking` measures both on test dialogues and on films that no training has seen.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from assets_defs.core import write
from assets_defs.linking import linker_of, weights_of
from assets_defs.links import imdb_ids, markdown
from assets_defs.models import release_of_parents
from assets_defs.step import Built, Job, expected_key
from corpus_pipeline.release import Release
from corpus_pipeline.schema import tables as t

if TYPE_CHECKING:
    from corpus_pipeline.linking.gold import Gold
    from corpus_pipeline.linking.link import Linker
    from corpus_pipeline.linking.measure import Outcomes
    from corpus_pipeline.training_sets.linking import Rows

MISSPELLED = 2_000  # titles with one or two random edits
SLOT_SEEDS = (1, 2)  # every slot of the train dialogues is filled twice more, with other films
PLANTED = 60_000  # titles that stand alone; a tenth of it in a catalogue that small
TUNED, TESTED = ("tune", "test"), ("test",)
REPORTED = 0.02  # what the curve looks at; what is linked in use is told at `LinkScorerConfig.report` and above
SHOWN = ("precision", "recall", "f1", "coverage", "precision_at_recall_0.90", "film_accuracy", "false_links_per_1000_words")
_PARTS = ("text", "title")
_GROUPS = ("train", "tune")
_CUES = "cues.json"


def set_linking(job: Job) -> Iterator[Built]:
    """Rows for the linker's scorers: pairs of a stretch of text and a film, right, wrong or open."""
    from corpus_pipeline.linking.planted import planted_titles
    from corpus_pipeline.linking.title_index import open_index
    from corpus_pipeline.training_sets.linking import learn_cues, text_rows, title_rows

    release = release_of_parents(job)
    index = open_index(release.title_index, release_id=release.release_id)
    job.progress("reading gold", 0, 4)
    tables, truth = _tables(release), _truth(job, release)
    gold = _judged(tables, truth)
    train, valid = (_of(gold, split) for split in ("train", "valid"))
    cues = learn_cues(train, index)
    job.progress("looking at train dialogues", 1, 4)
    rows = {("text", "train"): _varied(tables, truth, train, lambda part: text_rows(part, index, cues, group="train"))}
    job.progress("looking at validation dialogues", 2, 4)
    rows["text", "tune"] = text_rows(valid, index, cues, group="tune")
    job.progress("planting titles", 3, 4)
    planted = planted_titles(tables, truth, seed=SLOT_SEEDS[0], count=min(PLANTED, len(index.films) // 10))
    rows |= {("title", group): title_rows(planted, index, group=group) for group in _GROUPS}
    folder = job.workspace.artifact(job.step.name)
    files = [_save(made, folder / f"{part}_{group}.parquet") for (part, group), made in rows.items()]
    files.append(_save_cues({place: dict(zip(*table, strict=True)) for place, table in cues.tables.items()}, folder / _CUES))
    yield Built(files, {f"{part} pairs, {group}": len(made.label) for (part, group), made in rows.items()})


def _tables(release: Release) -> dict[str, pa.Table]:
    from corpus_pipeline.linking.gold import GOLD_COLUMNS

    return {name: release.columns(t.named(name), columns) for name, columns in GOLD_COLUMNS.items()}


def _truth(job: Job, release: Release) -> pa.Table:
    from corpus_pipeline.linking.gold import truth_of

    return truth_of(
        release.table(t.DIALOGUE_MOVIES),
        release.table(t.MOVIE_IDS),
        imdb_ids(job),
        release.table(t.LINK_DIALOGUE_MOVIES),
        core_movies=release.columns(t.MOVIES, ("movie_id", "year")),
        core_titles=release.columns(t.TITLES, ("movie_id", "title_key")),
    )


def _judged(tables: Mapping[str, pa.Table], truth: pa.Table) -> "Gold":
    """Gold as readers judged it; of data sets whose own marks are unreliable, only dialogues that were read."""
    from corpus_pipeline.linking.gold import gold_texts
    from corpus_pipeline.linking.judged import judged_gold, load_judged, read_whole, reliable

    judged = load_judged()
    return reliable(judged_gold(gold_texts(tables, truth), judged), read_whole(judged))


def _of(gold: "Gold", split: str) -> "Gold":
    from corpus_pipeline.linking.gold import chosen_texts

    return chosen_texts(gold, pc.equal(gold.texts["split"], split))


def _varied(tables: Mapping[str, pa.Table], truth: pa.Table, train: "Gold", looked_at: Any) -> "Rows":
    """The rows of the train dialogues as they are, and with other films in their slots."""
    from corpus_pipeline.linking.gold import CATALOGUED
    from corpus_pipeline.linking.slots import filled_slots
    from corpus_pipeline.training_sets.linking import joined

    dialogues = tables[t.DIALOGUES.name]
    slotted = {**tables, t.DIALOGUES.name: dialogues.filter(pc.is_in(dialogues["dataset"], pa.array(CATALOGUED)))}
    parts = [train, *(filled_slots(slotted, truth, seed=seed) for seed in SLOT_SEEDS)]
    return joined([looked_at(part) for part in parts if part.texts.num_rows])


def _save(rows: "Rows", path: Path) -> Path:
    import pyarrow.parquet as pq

    path.parent.mkdir(parents=True, exist_ok=True)
    columns = {"stretch": rows.stretch, "label": rows.label, **dict(zip(rows.names, rows.features.T, strict=True))}
    pq.write_table(pa.table(columns), path, compression="zstd")
    return path


def _save_cues(tables: Mapping[int, Mapping[int, float]], path: Path) -> Path:
    shown = {str(place): {f"{code:016x}": round(float(value), 4) for code, value in table.items()} for place, table in tables.items()}
    path.write_text(json.dumps(shown))
    return path


def model_link_scorer(job: Job) -> Iterator[Built]:
    """Weights for the linker, fitted on train films, chosen and calibrated on tune films of validation dialogues."""
    from modeling.link_scorer.config import LinkScorerConfig
    from modeling.link_scorer.train import train

    release = release_of_parents(job)
    rows = job.workspace.artifact_of("set_linking")
    config = LinkScorerConfig.from_mapping(job.workspace.profile.link_scorer)
    key = expected_key(job.step, None, job.parents, job.workspace)
    folder = job.workspace.artifact(job.step.name)
    manifest = train(
        {part: (_load(rows / f"{part}_train.parquet"), _load(rows / f"{part}_tune.parquet")) for part in _PARTS},
        json.loads((rows / _CUES).read_text()),
        config,
        folder,
        run={"run": key[:12], "release": release.release_id, "profile": job.workspace.profile.name},
        parents={name: record.fingerprint for name, record in job.parents.items()},
        progress=lambda part, epoch, loss: job.progress(f"training on {part}s, loss {loss:.4f}", epoch + 1, config.epochs),
    )
    yield Built(sorted(file for file in folder.iterdir() if file.is_file()), dict(manifest.metrics))


def _load(path: Path) -> Any:
    import pyarrow.parquet as pq

    from modeling.link_scorer.train import ScorerRows

    rows = pq.read_table(path)
    names = [name for name in rows.column_names if name not in ("stretch", "label")]
    features = np.stack([rows[name].to_numpy() for name in names], axis=1)
    return ScorerRows(names, rows["stretch"].to_numpy(), rows["label"].to_numpy(), features)


def eval_linking(job: Job) -> Iterator[Built]:
    """Detection, films, both end to end, by data set, gold and kind of mention, with the weights in use and those just trained."""
    from corpus_pipeline.linking.weights import load_weights

    release = release_of_parents(job)
    in_use = linker_of(job.workspace, release)
    trained = replace(in_use, weights=load_weights(job.workspace.artifact_of("model_link_scorer") / "weights.json"))
    golds = _golds(_tables(release), _truth(job, release))
    rows: list[dict[str, Any]] = []
    curves: dict[str, Any] = {}
    for done, linker in enumerate((in_use, trained) if trained.weights.run != in_use.weights.run else (in_use,)):
        job.progress("measuring links", done, 2)
        measured, curve = _measured(linker, golds)
        rows += [row | {"is_in_use": linker is in_use} for row in (*measured, *_misspelled(linker))]
        curves |= curve if linker is in_use else {}
    built = write(job, [(t.EVAL_LINKING.name, pa.Table.from_pylist(rows))])
    shown = {"risk over coverage": _plot(curves), "end to end": _summary(rows), "weights in use": weights_of(job.workspace).run}
    yield Built(built.files, {**built.metadata, **shown})


def _misspelled(linker: "Linker") -> list[dict[str, Any]]:
    """Catalogue titles with one or two random edits: what blocks propose at all, and what linking makes of them without a year."""
    from corpus_pipeline.linking.evaluate import misspelled_titles, recall_ceiling
    from corpus_pipeline.linking.words import link_key
    from corpus_pipeline.transform.text import title_key

    asked = misspelled_titles(linker.index, count=MISSPELLED, seed=SLOT_SEEDS[0])
    ceiling = recall_ceiling([link_key(title_key(text)) for text, _ in asked], [key for _, key in asked], linker.index, linker.settings)
    where = {"weights": linker.weights.run, "dataset": "planted", "split": "test", "gold": "published", "slice": "misspelled"}
    return [where | {"metric": "recall_ceiling", "value": ceiling, "count": len(asked)}]


def _golds(tables: Mapping[str, pa.Table], truth: pa.Table) -> dict[str, "Gold"]:
    from corpus_pipeline.linking.gold import gold_texts
    from corpus_pipeline.linking.judged import judged_gold, load_judged

    gold = gold_texts(tables, truth)
    return {"published": gold, "judged": judged_gold(gold, load_judged())}


def _measured(linker: "Linker", golds: Mapping[str, "Gold"]) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """(rows of EVAL_LINKING, points of the risk-coverage curves against judged gold) of one linker."""
    from corpus_pipeline.linking.measure import false_links, metrics, outcomes
    from corpus_pipeline.training_sets.linking import as_of

    texts = golds["published"].texts
    looked = pc.is_in(texts["split"], pa.array(["valid", "test"]))
    rows: list[dict[str, Any]] = []
    curves: dict[str, Any] = {}
    patient = replace(linker, weights=replace(linker.weights, text=replace(linker.weights.text, report=REPORTED)))
    kept = np.flatnonzero(looked.to_numpy(zero_copy_only=False))
    chosen = texts.take(pa.array(kept))
    said = as_of(chosen["dataset"]).tolist()
    links = patient.link_texts(chosen["text"].to_pylist(), dialogues=chosen["dialogue_id"].to_pylist(), as_of=said)
    links = links.set_column(0, "text_index", pa.array(kept[links["text_index"].to_numpy()].astype(np.int32)))
    for name, gold in golds.items():
        for dataset, split, numbers in _parts(gold):
            found = outcomes(gold, links, groups=TUNED if split == "valid" else TESTED, texts=numbers)
            where = {"weights": linker.weights.run, "dataset": dataset, "split": split, "gold": name}
            measured = metrics(found) if len(found.wanted) else []
            rate, words = false_links(gold, links, numbers)
            measured.append({"slice": "all", "metric": "false_links_per_1000_words", "value": rate, "count": words})
            rows += [where | row for row in measured]
            curves |= {f"{dataset}, {split}": _curve(found)} if name == "judged" else {}
    return rows, curves


def _parts(gold: "Gold") -> Iterator[tuple[str, str, Any]]:
    dataset, split = (np.array(gold.texts[name].to_pylist()) for name in ("dataset", "split"))
    for one in sorted(set(dataset.tolist())):
        for part in ("valid", "test"):
            numbers = np.flatnonzero((dataset == one) & (split == part))
            if len(numbers):
                yield one, part, numbers


def _curve(found: "Outcomes") -> tuple[list[float], list[float]]:
    """(coverage, risk): the share of mentions found, and the share of links that are wrong, as the threshold falls."""
    from corpus_pipeline.linking.measure import curve

    recall, precision, _ = curve(found)
    step = max(1, len(recall) // 400)
    return recall[::step].tolist(), (1 - precision[::step]).tolist()


def _plot(curves: Mapping[str, tuple[list[float], list[float]]]) -> str:
    from assets_defs.plots import xy

    return xy(curves, xlabel="share of mentions found", ylabel="share of links wrong")


def _summary(rows: list[dict[str, Any]]) -> str:
    """The end-to-end metrics, a row per weights, data set, split and gold."""
    keys = ("weights", "dataset", "split", "gold")
    table: dict[tuple[Any, ...], dict[str, Any]] = {}
    for row in rows:
        if row["slice"] == "all" and row["metric"] in SHOWN:
            own = table.setdefault(tuple(row[name] for name in keys), {name: row[name] for name in keys} | dict.fromkeys(SHOWN))
            own[row["metric"]] = round(row["value"], 4)
    return markdown(pa.Table.from_pylist(list(table.values())))
