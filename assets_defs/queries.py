"""The query expert's own way: pseudo-queries, the base language model, the expert, and the queries that it and others write."""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc

from assets_defs.core import write
from assets_defs.film_facts import film_facts
from assets_defs.language import QUERY_BASE, base_of, is_endpoint, language_model
from assets_defs.models import emptied_folder, load_embeddings, release_of_parents
from assets_defs.step import Built, Job
from assets_defs.training_sets import written
from assets_defs.turns import ANSWERED, of_split, sampled, targets_of
from assets_defs.workspace import Workspace
from corpus_pipeline.release import Release
from corpus_pipeline.schema import tables as t
from corpus_pipeline.schema.render import arrow_schema

if TYPE_CHECKING:
    from modeling.query_expert.companions import Companions
    from modeling.query_expert.config import QueryExpertConfig
    from modeling.query_expert.data import Turn
    from modeling.query_expert.facts import FilmFacts

WRITTEN_AT_ONCE = 128  # turns between two words of progress
HELD_OUT = 60  # texts or examples whose loss is told while tuning, several times: a large base reads them slowly
PLOTS = 12_000  # plots of the most popular films that the base model reads


def set_pseudo_queries(job: Job) -> Iterator[Built]:
    """What the query expert shall learn to write, by a teacher that sees the true film."""
    from modeling.query_expert.companions import Companions
    from modeling.query_expert.config import TeacherConfig
    from modeling.query_expert.data import turns_of
    from modeling.query_expert.pseudo_queries import pseudo_query_rows
    from modeling.query_expert.teacher import Teacher

    release = release_of_parents(job)
    examples = of_split(job.parent_table(t.SET_RECOMMENDATION), "train", "valid")
    targets = targets_of(job.parent_table(t.SET_RECOMMENDATION_TARGETS), examples)
    facts = facts_for(job.workspace, release)
    turns = turns_of(examples, targets)
    job.progress("writing pseudo-queries", 0, len(turns))
    companions = Companions.of(turns)
    turns = companions.shown(turns, expert_config(job.workspace).companions)
    teacher = Teacher(facts, companions, TeacherConfig.from_mapping(job.workspace.profile.query_teacher))
    rows = pseudo_query_rows(turns, targets, teacher, facts)
    built = written(job, release, {t.SET_PSEUDO_QUERIES.name: rows})
    yield Built(built.files, {**built.metadata, "for example": _samples(rows, "pseudo_query")})


def _samples(rows: pa.Table, column: str) -> str:
    """A few rows to look at."""
    return "\n".join(f"* {text}" for text in rows[column].to_pylist()[:: max(1, rows.num_rows // 8)][:8]) + "\n"


def facts_for(workspace: Workspace, release: Release) -> "dict[str, FilmFacts]":
    """What is known of every film that has a vector."""
    from modeling.query_expert.facts import facts_of

    return facts_of(film_facts(release, load_embeddings(workspace).ids))


def companions_for(examples: pa.Table, targets: pa.Table) -> "Companions":
    """What training dialogues name together. `examples`, `targets`: set_recommendation and its targets, any splits."""
    from modeling.query_expert.companions import Companions
    from modeling.query_expert.data import turns_of

    train = of_split(examples, "train")
    return Companions.of(turns_of(train, targets_of(targets, train)))


def _turns(job: Job, examples: pa.Table) -> "list[Turn]":
    """Rows of set_recommendation as the expert is shown them."""
    from modeling.query_expert.data import turns_of

    companions = companions_for(job.parent_table(t.SET_RECOMMENDATION), job.parent_table(t.SET_RECOMMENDATION_TARGETS))
    return companions.shown(turns_of(examples), expert_config(job.workspace).companions)


def expert_config(workspace: Workspace) -> "QueryExpertConfig":
    """What the expert is shown."""
    from modeling.query_expert.config import QueryExpertConfig

    return QueryExpertConfig.from_mapping(workspace.profile.query_expert)


def model_base_lm(job: Job) -> Iterator[Built]:
    """The base of the generators: its start adapted to plots, training dialogues and the wording of the prompts to come."""
    yield _adapted(job, job.workspace.profile.base_lm)


def model_query_lm(job: Job) -> Iterator[Built]:
    """The base of the query expert, which has to copy names from its prompt: a start that can is worth its slowness."""
    yield _adapted(job, job.workspace.profile.query_lm)


def _adapted(job: Job, settings: Mapping[str, Any]) -> Built:
    from modeling.language_model.config import BaseLMConfig
    from modeling.language_model.train import adapt_base

    release = release_of_parents(job)
    texts, held_out, vocabulary = _base_texts(job, release)
    folder = emptied_folder(job)
    manifest = adapt_base(
        texts,
        BaseLMConfig.from_mapping(settings),
        folder,
        vocabulary_texts=vocabulary,
        validation=held_out,
        progress=lambda told: job.progress(f"adapting {job.step.name}, loss {told.loss:.3f}", told.step, told.steps),
        parents={name: record.fingerprint for name, record in job.parents.items()},
    )
    return _saved(folder, manifest.metrics)


def _base_texts(job: Job, release: Release) -> tuple[list[str], list[str], list[str]]:
    """(texts to learn from, held-out plots, texts whose words have to be in the vocabulary)."""
    from modeling.documents import documents_of
    from modeling.language_model.data import Example
    from modeling.query_expert.pseudo_queries import prompt_texts, student_examples

    rows = film_facts(release, load_embeddings(job.workspace).ids)
    rows = rows.sort_by([("popularity_score", "descending"), ("movie_id", "ascending")])
    documents = documents_of(rows)
    held_out = documents[:PLOTS][::60][:HELD_OUT]
    plots = [text for text in documents[:PLOTS] if text not in set(held_out)]
    facts, config = facts_for(job.workspace, release), expert_config(job.workspace)
    turns = _turns(job, of_split(job.parent_table(t.SET_RECOMMENDATION), "train", "valid"))
    tasks: list[Example] = student_examples(turns, job.parent_table(t.SET_PSEUDO_QUERIES), facts, config, split="train")
    told = [f"{task.prompt}{task.completion}" for task in tasks]
    return [*told, *plots], held_out, [*documents, *prompt_texts(turns, facts, config)]


def _saved(folder: Any, metrics: Any) -> Built:
    return Built(sorted(file for file in folder.iterdir() if file.is_file()), dict(metrics))


def model_query_expert(job: Job) -> Iterator[Built]:
    """The adapter that writes queries from dialogues alone."""
    from modeling.language_model.config import FineTuneConfig
    from modeling.query_expert.config import TeacherConfig
    from modeling.query_expert.pseudo_queries import student_examples
    from modeling.query_expert.train import ExpertSettings, train

    release, profile = release_of_parents(job), job.workspace.profile
    rows = job.parent_table(t.SET_PSEUDO_QUERIES)
    turns = _turns(job, of_split(job.parent_table(t.SET_RECOMMENDATION), "train", "valid"))
    facts, config = facts_for(job.workspace, release), expert_config(job.workspace)
    tuning = FineTuneConfig.from_mapping({"max_examples": profile.sizes.query_pairs, **profile.query_tuning})
    examples = [student_examples(turns, rows, facts, config, split=split) for split in ("train", "valid")]
    folder = emptied_folder(job)
    manifest = train(
        base_of(job.workspace, QUERY_BASE),
        (examples[0], examples[1][:HELD_OUT]),
        ExpertSettings(config, TeacherConfig.from_mapping(profile.query_teacher), tuning),
        folder,
        progress=lambda told: job.progress(f"tuning the query expert, loss {told.loss:.3f}", told.step, told.steps),
        parents={name: record.fingerprint for name, record in job.parents.items()},
    )
    yield _saved(folder, manifest.metrics)


def set_queries(job: Job) -> Iterator[Built]:
    """Queries of training turns (the expert's, for mining) and of validation turns (every kind, for comparison)."""
    release, sizes = release_of_parents(job), job.workspace.profile.sizes
    examples = job.parent_table(t.SET_RECOMMENDATION)
    train = sampled(of_split(examples, "train"), sizes.mined_queries, purpose="mined turns")
    valid = _compared(of_split(examples, "valid"), sizes.compared_turns)
    rows = _queries(job, release, pa.concat_tables([train, valid]), compared=valid)
    built = written(job, release, {t.SET_QUERIES.name: rows})
    yield Built(built.files, {**built.metadata, "for example": _samples(_experts(rows), "query")})


def eval_queries(job: Job) -> Iterator[Built]:
    """The same for test turns."""
    release = release_of_parents(job)
    test = _compared(of_split(job.parent_table(t.SET_RECOMMENDATION), "test"), job.workspace.profile.sizes.compared_turns)
    rows = _queries(job, release, test, compared=test)
    built = write(job, [(t.EVAL_QUERIES.name, rows)])
    yield Built(built.files, {**built.metadata, "for example": _samples(_experts(rows), "query")})


def _experts(rows: pa.Table) -> pa.Table:
    return rows.filter(pc.equal(rows["query_mode"], "expert"))


def _compared(examples: pa.Table, at_most: int) -> pa.Table:
    """Turns for which every kind of query is written, those that the models that choose are asked about first."""
    return sampled(examples, at_most, purpose=ANSWERED, per_dataset=True)


def _queries(job: Job, release: Release, examples: pa.Table, *, compared: pa.Table) -> pa.Table:
    """Rows of set_queries: the expert's query of every turn, all three kinds of the compared ones."""
    facts, turns = facts_for(job.workspace, release), _turns(job, compared)
    raw, direct = (_written(job, turns, facts, mode, compared) for mode in ("raw", "direct"))
    return pa.concat_tables([raw, direct, _written(job, _turns(job, examples), facts, "expert", examples)])


def _written(job: Job, turns: "list[Turn]", facts: "dict[str, FilmFacts]", mode: str, examples: pa.Table) -> pa.Table:
    from modeling.query_expert.infer import write_queries

    model, config = _writer(job.workspace, mode), expert_config(job.workspace)
    rows: list[dict[str, Any]] = []
    shared = examples.select(["example_id", "dataset", "split"]).to_pylist()
    for start in range(0, len(turns), WRITTEN_AT_ONCE):
        job.progress(f"writing queries ({mode})", start, len(turns))
        part = turns[start : start + WRITTEN_AT_ONCE]
        found = write_queries(model, part, facts, asked_as(job.workspace, mode), config)
        for turn, row, query in zip(part, shared[start:], found.queries, strict=False):
            rows.append({**row, "query_mode": mode, "query": query, "is_fallback": mode != "raw" and query == turn.context_text})
    return pa.Table.from_pylist(rows, schema=arrow_schema(t.SET_QUERIES))


def asked_as(workspace: Workspace, mode: str) -> str:
    """How the model is asked: one behind an endpoint was not tuned, so it is asked directly for the expert's queries, too."""
    return "direct" if mode == "expert" and is_endpoint(workspace) else mode


def _writer(workspace: Workspace, mode: str) -> Any:
    if mode == "raw":
        return None
    tuned = mode == "expert" and not is_endpoint(workspace)
    return language_model(workspace, workspace.artifact_of("model_query_expert") if tuned else None, base=QUERY_BASE)
