"""What every reader gives back, and the accounting it must satisfy: accepted + quarantined = read, per file."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa

from corpus_pipeline.errors import ContractError
from corpus_pipeline.schema.render import arrow_schema
from corpus_pipeline.schema.tables import REJECTS

RAW_TEXT_LIMIT = 2_000


@dataclass(frozen=True, slots=True)
class FileCount:
    """How the records of one file fared."""

    file: str
    read: int
    accepted: int
    quarantined: int


@dataclass(frozen=True, slots=True)
class Read:
    """Tables by declared name, the quarantine (schema `REJECTS`) and a count per file.

    A record is a line, a CSV record or a JSON document. A row of `rejects` may stand for several records (`record_count`): of records
    out of scope, `told` is then a Parquet file of the same schema in which each of them lies, one by one; records that say again
    what another one has said are counted alone.
    Raises ContractError when a file's records do not add up.
    """

    tables: Mapping[str, pa.Table]
    rejects: pa.Table
    counts: tuple[FileCount, ...]
    told: Path | None = None

    def __post_init__(self) -> None:
        wrong = [count for count in self.counts if count.read != count.accepted + count.quarantined]
        quarantined = sum(count.quarantined for count in self.counts)
        rejected = sum(reasons(self.rejects).values())
        if wrong or quarantined != rejected:
            raise ContractError(f"a reader lost or invented records: {wrong or self.counts} against {rejected} quarantined records")


@dataclass(slots=True)
class Quarantine:
    """Collects the rejects of one source while it is read."""

    source: str
    rows: list[dict[str, Any]] = field(default_factory=list)

    def add(self, file: str, line: int, reason: str, raw: object, count: int = 1) -> None:
        text = raw if isinstance(raw, str) else repr(raw)
        safe = text[:RAW_TEXT_LIMIT].encode("utf-8", "backslashreplace").decode("utf-8")
        self.rows.append({"source": self.source, "file": file, "line": line, "reason": reason, "raw_text": safe, "record_count": count})

    def table(self) -> pa.Table:
        return pa.Table.from_pylist(self.rows, schema=arrow_schema(REJECTS))


def reasons(rejects: pa.Table) -> dict[str, int]:
    """How many records of a quarantine were refused for each reason, by reason."""
    counted = rejects.group_by("reason").aggregate([("record_count", "sum")]).sort_by("reason")
    return dict(zip(counted["reason"].to_pylist(), counted["record_count_sum"].to_pylist(), strict=True))


def concat_rejects(tables: Iterable[pa.Table]) -> pa.Table:
    """All quarantined rows in one table, an empty one when there are none."""
    return pa.concat_tables([arrow_schema(REJECTS).empty_table(), *tables])
