"""One source to staged Parquet files, as a pure function of (source, archive): the unit that is spread over processes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from corpus_pipeline import store
from corpus_pipeline.schema.tables import MOVIE_RECORDS, REJECTS
from corpus_pipeline.sources.reading import FileCount


@dataclass(frozen=True, slots=True)
class Staged:
    """Where a source's rows went and how many there were."""

    source: str
    files: tuple[Path, ...]
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
    return Staged(source, (accepted, rejected), read.counts, reasons(read.rejects.column("reason").to_pylist()))


def reasons(codes: Sequence[str]) -> dict[str, int]:
    """How often each reason occurs."""
    counted: dict[str, int] = {}
    for code in codes:
        counted[code] = counted.get(code, 0) + 1
    return counted
