"""Who was made from what: one record per asset (and partition), and the questions asked of those records.

A record maps every output file to its SHA-256 and every parent to the fingerprint it had, so that any cell can be walked
back to raw bytes and anything not in need of work is left alone. Nothing is computed here but hashes.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from assets_defs.errors import LineageError

PACKAGES = Path(__file__).parents[1]


@dataclass(frozen=True, slots=True)
class Record:
    """One materialisation. `outputs`: file relative to the workspace -> SHA-256. `parents`: record name -> fingerprint."""

    asset: str
    partition: str | None
    outputs: Mapping[str, str]
    parents: Mapping[str, str]
    inputs_key: str
    code_version: str
    config: Mapping[str, Any]
    built_at: str
    seconds: float
    metadata: Mapping[str, Any] = field(default_factory=dict)

    @property
    def name(self) -> str:
        return record_name(self.asset, self.partition)

    @property
    def fingerprint(self) -> str:
        """Follows from content alone, so an upstream rebuilt to the same bytes leaves its children fresh."""
        return digest(sorted(self.outputs.items()))


def record_name(asset: str, partition: str | None) -> str:
    return asset if partition is None else f"{asset}@{partition}"


def digest(value: Any) -> str:
    """SHA-256 of a JSON-able value, independent of key order."""
    return hashlib.sha256(json.dumps(value, sort_keys=True, default=str).encode()).hexdigest()


def code_version(packages: Iterable[str]) -> str:
    """Hash of the source of the named packages or modules: a changed line rebuilds what it may have changed."""
    chosen = hashlib.sha256()
    for package in sorted(packages):
        base = PACKAGES / Path(*package.split("."))
        files = sorted(base.rglob("*")) if base.is_dir() else [base.with_suffix(".py")]
        for file in files:
            if file.suffix in {".py", ".jsonl", ".json", ".yaml", ".tsv"}:
                chosen.update(file.relative_to(PACKAGES).as_posix().encode() + file.read_bytes())
    return chosen.hexdigest()


def inputs_key(code: str, config: Mapping[str, Any], parents: Mapping[str, str]) -> str:
    """What a materialisation depends on, in one hash."""
    return digest({"code": code, "config": config, "parents": parents})


class Ledger:
    """The records of one workspace, a JSON file each, replaced whole."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def get(self, name: str) -> Record | None:
        try:
            return Record(**json.loads((self.folder / f"{name}.json").read_text()))
        except FileNotFoundError:
            return None
        except (ValueError, TypeError):
            return None  # a damaged record is the same as none: the asset is built again

    def need(self, name: str) -> Record:
        record = self.get(name)
        if record is None:
            raise LineageError(f"{name} has not been built (or its record is damaged): run `marquee build`")
        return record

    def put(self, record: Record) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        partial = self.folder / f".{record.name}.partial"
        partial.write_text(json.dumps(asdict(record), indent=1, sort_keys=True, default=str))
        partial.replace(self.folder / f"{record.name}.json")

    def all(self) -> list[Record]:
        names = sorted(file.stem for file in self.folder.glob("*.json"))
        return [record for record in map(self.get, names) if record]


@dataclass(frozen=True, slots=True)
class Link:
    """One line of an explanation: how deep, what, and its fingerprint."""

    depth: int
    name: str
    fingerprint: str
    detail: str


def explain(ledger: Ledger, name: str) -> list[Link]:
    """Every ancestor of `name` down to raw files, each once; LineageError at the first missing or changed link."""
    lines: list[Link] = []
    seen: set[str] = set()

    def visit(current: str, depth: int, expected: str | None) -> None:
        record = ledger.need(current)
        if expected is not None and record.fingerprint != expected:
            raise LineageError(
                f"{name} was built from {current} with fingerprint {expected[:12]}, but {current} now has {record.fingerprint[:12]}: "
                "run `marquee build` to bring the children up to date"
            )
        again = ", shown above" if current in seen else ""
        lines.append(Link(depth, current, record.fingerprint, f"{len(record.outputs)} files, {record.built_at}{again}"))
        if again:
            return
        seen.add(current)
        if not record.parents:
            lines.extend(Link(depth + 1, file, sha, "raw bytes") for file, sha in sorted(record.outputs.items()))
        for parent, fingerprint in sorted(record.parents.items()):
            visit(parent, depth + 1, fingerprint)

    visit(name, 0, None)
    return lines


def is_current(ledger: Ledger, name: str, *, back_to: str) -> bool:
    """Whether `name`, and all that lies between it and `back_to`, was made from what its parents' records now say."""
    record = ledger.get(name)
    if record is None or name == back_to:
        return record is not None
    parents = {parent: ledger.get(parent) for parent in record.parents}
    same = all(found is not None and found.fingerprint == record.parents[parent] for parent, found in parents.items())
    return same and all(is_current(ledger, parent, back_to=back_to) for parent in parents)
