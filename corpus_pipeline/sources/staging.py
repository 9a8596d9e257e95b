"""One source to staged Parquet files, as a pure function of (source, archive): the unit that is spread over processes."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from corpus_pipeline import store
from corpus_pipeline.schema.tables import DIALOGUES, DIALOGUES_REJECTED, INTERACTIONS, INTERACTIONS_REJECTED, MOVIE_RECORDS, REJECTS
from corpus_pipeline.schema.types import Table
from corpus_pipeline.sources.reading import FileCount, Read, reasons


@dataclass(frozen=True, slots=True)
class Staged:
    """Where a source's rows went and how many there were."""

    source: str
    files: tuple[Path, ...]
    rows: int
    counts: tuple[FileCount, ...]
    reasons: Mapping[str, int]

    def markdown(self) -> str:
        """Rows read, accepted and quarantined per file, then the reasons."""
        lines = ["| file | read | accepted | quarantined |", "| --- | ---: | ---: | ---: |"]
        lines += [f"| {c.file} | {c.read:,} | {c.accepted:,} | {c.quarantined:,} |" for c in self.counts]
        lines += ["", "| reason | rows |", "| --- | ---: |"] + [f"| {reason} | {n:,} |" for reason, n in sorted(self.reasons.items())]
        return "\n".join(lines) + "\n"


def stage_movies(source: str, archive: Path, scratch: Path, accepted: Path, rejected: Path, *, declaration: Path | None = None) -> Staged:
    """Read `archive` with the source's reader, or as `declaration` (a TabularDump in YAML) says; write its records and rejects."""
    from corpus_pipeline.sources.readers import MOVIE_READERS
    from corpus_pipeline.sources.tabular import load_dump, read_dump

    read = read_dump(load_dump(declaration), archive, scratch) if declaration else MOVIE_READERS[source](archive, scratch)
    store.write_table(read.tables[MOVIE_RECORDS.name], MOVIE_RECORDS, accepted, threads=1)
    store.write_table(read.rejects, REJECTS, rejected, threads=1)
    rows = sum(count.accepted for count in read.counts)
    return Staged(source, (accepted, rejected, *_told(read, rejected)), rows, read.counts, reasons(read.rejects))


def stage_dialogues(dataset: str, files: Mapping[str, Path], places: Mapping[Table, Path]) -> Staged:
    """Read a data set from its registered `files`; write its tables, and the rejects, to `places`."""
    from corpus_pipeline.sources.readers import read_dialogues

    return _staged(dataset, read_dialogues(dataset, files), DIALOGUES, places, DIALOGUES_REJECTED)


def stage_interactions(dataset: str, files: Mapping[str, Path], places: Mapping[Table, Path]) -> Staged:
    """Read a data set of interactions from its registered `files`; write its tables, and the rejects, to `places`."""
    from corpus_pipeline.sources.readers import read_interactions

    return _staged(dataset, read_interactions(dataset, files), INTERACTIONS, places, INTERACTIONS_REJECTED)


def _staged(dataset: str, read: Read, counted: Table, places: Mapping[Table, Path], rejected: Table) -> Staged:
    rows = {**read.tables, rejected.name: read.rejects}
    for table, place in places.items():
        store.write_table(rows[table.name], table, place)
    return Staged(dataset, tuple(places.values()), read.tables[counted.name].num_rows, read.counts, reasons(read.rejects))


def _told(read: Read, rejected: Path) -> Iterator[Path]:
    """The records that the quarantine tells by number, laid beside it one by one: `<source>.told.parquet`."""
    if read.told:
        place = rejected.with_suffix(".told.parquet")
        store.sync(read.told)
        read.told.replace(place)
        yield place
