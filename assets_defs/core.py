"""The core layer: typed tables of films, dialogues and interactions, read per source and merged. No row logic is here."""

import shutil
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor, as_completed
from multiprocessing import get_context
from pathlib import Path

import pyarrow as pa

from assets_defs.lineage import Record
from assets_defs.profile import Profile
from assets_defs.step import Built, Job
from assets_defs.workspace import Workspace
from corpus_pipeline import store
from corpus_pipeline.schema import tables as t
from corpus_pipeline.schema.types import Table
from corpus_pipeline.sources import registry
from corpus_pipeline.sources.staging import Staged, stage_dialogues, stage_interactions, stage_movies

WORKERS = 2  # the machine the project is designed for has two cores; readers hold one archive each in memory
DIALOGUE_TABLES = (
    t.DIALOGUES, t.DIALOGUE_TURNS, t.DIALOGUE_MOVIES, t.MENTIONS, t.RECOMMENDATION_TURNS, t.RECOMMENDATION_TARGETS,
)  # fmt: skip
INTERACTION_TABLES = (t.INTERACTION_ITEMS, t.INTERACTION_USERS, t.INTERACTIONS)
MOVIE_TABLES = (
    t.MOVIES,
    t.TITLES,
    t.PEOPLE,
    t.CREDITS,
    t.MOVIE_GENRES,
    t.KEYWORDS,
    t.PLOTS,
    t.MOVIE_IDS,
    t.MOVIE_MERGES,
    t.MOVIES_REJECTED,
)


def core_movie_records(job: Job) -> Iterator[Built]:
    """Every movie source read into records and rejects, two sources at a time, the largest archives first."""
    space = job.workspace
    dumps = space.profile.movie_dumps
    archives = {
        str(p): Path(dumps[p].archive) if p in dumps else _archive(space, job.parents[f"raw_movies@{p}"]) for p in map(str, job.partitions)
    }
    declared = {key: Path(dump.declaration) for key, dump in dumps.items()}
    largest_first = sorted(archives, key=lambda p: -_bytes(archives[p]))
    with _pool(len(archives)) as pool:
        running = {
            pool.submit(
                stage_movies, p, archives[p], space.scratch(p), space.table(t.MOVIE_RECORDS, p), space.table(t.REJECTS, p),
                declaration=declared.get(p),
            ): p
            for p in largest_first
        }  # fmt: skip
        for done, future in enumerate(as_completed(running), 1):
            staged = future.result()
            job.progress(f"read {staged.source}", done, len(running))
            yield Built(staged.files, {"rows": staged.rows, "accounting": staged.markdown()}, partition=staged.source)
    for p in archives:
        shutil.rmtree(space.root / "scratch" / p, ignore_errors=True)


def _pool(readers: int) -> Executor:
    """Processes for several readers; one alone is not worth a new interpreter."""
    return ThreadPoolExecutor(1) if readers == 1 else ProcessPoolExecutor(min(WORKERS, readers), mp_context=get_context("spawn"))


def _archive(space: Workspace, raw: Record) -> Path:
    """A reader's first argument: the archive, or the folder of a source that is several files."""
    files = [space.absolute(name) for name in raw.outputs]
    return files[0] if len(files) == 1 else files[0].parent


def _bytes(archive: Path) -> int:
    return sum(file.stat().st_size for file in archive.rglob("*")) if archive.is_dir() else archive.stat().st_size


def core_movies(job: Job) -> Iterator[Built]:
    """Records of every source merged into films."""
    from corpus_pipeline.transform.movies import build_movies

    sources = sorted(job.workspace.profile.movie_partitions)  # then the rows are in the order of their key: no sort of wide rows
    with ThreadPoolExecutor(WORKERS) as pool:
        records = pa.concat_tables(pool.map(lambda source: job.parent_table(t.MOVIE_RECORDS, source), sources))
    job.progress("merging records into films", 0, 1)
    rejects = [job.parent_table(t.REJECTS, source) for source in sources]
    built = build_movies(records, source_ranks=_ranks(job.workspace.profile))
    yield write(job, ((name, pa.concat_tables([rows, *rejects]) if name == t.MOVIES_REJECTED.name else rows) for name, rows in built))


def _ranks(profile: Profile) -> dict[str, int]:
    """Registered sources as the registry ranks them, the user's own after all of them, in the order of the profile."""
    registered = {source: registry.source_named(source, "movies").rank for source in profile.movie_sources}
    return registered | {dump: 1_000 + position for position, dump in enumerate(profile.movie_dumps)}


def core_dialogue_records(job: Job) -> Iterator[Built]:
    """Every dialogue data set read on its own. In processes: the readers are Python, and films may be merged beside them."""
    yield from _staged(job, "raw_dialogues", stage_dialogues, (*DIALOGUE_TABLES, t.DIALOGUES_REJECTED))


def core_interaction_records(job: Job) -> Iterator[Built]:
    """Every data set of interactions read on its own."""
    yield from _staged(job, "raw_interactions", stage_interactions, (*INTERACTION_TABLES, t.INTERACTIONS_REJECTED))


def _staged(job: Job, raw_step: str, stage: Callable[..., Staged], tables: Sequence[Table]) -> Iterator[Built]:
    """The partitions of a job, each read by `stage` into its tables."""
    space = job.workspace
    with _pool(len(job.partitions)) as pool:
        running = {}
        for dataset in map(str, job.partitions):
            raw = job.parents[f"{raw_step}@{dataset}"]
            files = {name: space.absolute(name) for name in raw.outputs}
            paths = {table: space.table(table, dataset) for table in tables}
            running[pool.submit(stage, dataset, files, paths)] = dataset
        for done, future in enumerate(as_completed(running), 1):
            staged = future.result()
            job.progress(f"read {staged.source}", done, len(running))
            yield Built(
                staged.files, {"rows": staged.rows, "rejected": staged.reasons, "accounting": staged.markdown()}, partition=staged.source
            )


def core_dialogues(job: Job) -> Iterator[Built]:
    """The data sets side by side in one set of tables."""
    everything = {
        table.name: pa.concat_tables([job.parent_table(table, dataset) for dataset in job.workspace.profile.dialogue_datasets])
        for table in (*DIALOGUE_TABLES, t.DIALOGUES_REJECTED)
    }
    yield write(job, everything.items())


def core_interactions(job: Job) -> Iterator[Built]:
    """The data sets of interactions side by side, films joined to the corpus through the crosswalk."""
    from corpus_pipeline.transform.interactions import join_interactions

    tables = (*INTERACTION_TABLES, t.INTERACTIONS_REJECTED)
    records = [{table.name: job.parent_table(table, dataset) for table in tables} for dataset in job.workspace.profile.interaction_datasets]
    joined, several = join_interactions(records, movie_ids=job.parent_table(t.MOVIE_IDS), merges=job.parent_table(t.MOVIE_MERGES))
    built = write(job, joined.items())
    yield Built(built.files, {**built.metadata, "items with several films in the crosswalk": several})


def write(job: Job, tables: Iterable[tuple[str, pa.Table]]) -> Built:
    """Write declared tables into the workspace as they come, two at a time, and say how long each is."""
    rows, writing = {}, []
    with ThreadPoolExecutor(WORKERS) as pool:
        for name, made in tables:
            table, rows[f"{name}/rows"] = t.named(name), made.num_rows
            writing.append((job.workspace.table(table), pool.submit(store.write_table, made, table, job.workspace.table(table), threads=1)))
            job.progress(f"writing {name}", len(writing), len(job.step.tables))
        for _, written in writing:
            written.result()
    return Built([path for path, _ in writing], rows)
