"""Raw archives -> published release, against DuckDB reading the same raw files and doing nothing with them; the no-op rebuild.

Run: `python tests/bench/build_corpus.py` (needs the real archives). Prints one JSON document. The floor reads every file
with DuckDB's own readers, hashing each row so that no column can be skipped; the archives are unpacked for it, which is
timed apart because the build has to unpack them too.
"""

import json
import os
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

import duckdb

sys.path.insert(0, str(Path(__file__).parent))
from resources import measured

from assets_defs.profile import PROFILES as SHIPPED
from assets_defs.profile import find_mirror, load_profile
from corpus_pipeline.sources import archive, registry

MARQUEE = str(Path(sys.executable).parent / "marquee")
CSV = "read_csv(?, all_varchar = true, ignore_errors = true, strict_mode = false, max_line_size = 8000000)"
READERS = {
    ".csv": f"SELECT count(*), sum(hash(r)) FROM (SELECT columns(*)::VARCHAR FROM {CSV}) r",
    ".tsv": f"SELECT count(*), sum(hash(r)) FROM (SELECT columns(*)::VARCHAR FROM {CSV}) r",
    ".jsonl": "SELECT count(*), sum(hash(r)) FROM read_json(?, maximum_object_size = 64000000) r",
    ".json": "SELECT count(*), sum(hash(r)) FROM read_json(?, maximum_object_size = 64000000) r",
    "text": "SELECT count(*), sum(hash(content)) FROM read_blob(?)",
}


def raw_files(mirror: Path) -> list[Path]:
    profile = load_profile(SHIPPED / "standard.yaml")
    names = [file.name for key in (*profile.movie_sources, *profile.dialogue_datasets) for file in registry.source_named(key).files]
    return [mirror / name for name in dict.fromkeys(names)]


def read_everything(folder: Path, loose: list[Path]) -> float:
    """Seconds DuckDB takes to read every file; files that its CSV or JSON reader refuses are read as text."""
    groups: dict[tuple[Path, str], list[str]] = {}
    paths = [*(p for p in folder.rglob("*") if p.is_file()), *loose]
    siblings = Counter(path.parent for path in paths)
    for path in paths:
        many = siblings[path.parent] > 1000  # one file per film: read as one glob, not as thousands of queries
        suffix = "text" if many or path.suffix not in READERS else path.suffix
        groups.setdefault((path.parent if many else path, suffix), []).append(str(path))
    started = time.perf_counter()
    with duckdb.connect() as con:
        for (_, suffix), paths in groups.items():
            try:
                con.execute(READERS[suffix], [paths]).fetchall()
            except duckdb.Error:
                con.execute(READERS["text"], [paths]).fetchall()
    return time.perf_counter() - started


def main() -> None:
    mirror = find_mirror()
    if mirror is None:
        sys.exit("this bench needs the real archives: set MARQUEE_MIRROR")
    files = raw_files(mirror)
    with tempfile.TemporaryDirectory() as scratch:
        started = time.perf_counter()
        for packed in (file for file in files if file.suffix == ".zst"):
            archive.unpack(packed, Path(scratch) / "raw" / packed.name)
        unpacking = time.perf_counter() - started
        reading = read_everything(Path(scratch) / "raw", [file for file in files if file.suffix != ".zst"])
        env = {**os.environ, "MARQUEE_HOME": f"{scratch}/home", "MARQUEE_PROFILE": "standard"}
        build = measured([MARQUEE, "build", "--until", "release", "--json"], env)
        again = measured([MARQUEE, "build", "--until", "release", "--json"], env)
        gate = measured([MARQUEE, "check", "--json"], env)
    print(
        json.dumps(
            {
                "unpack_s": round(unpacking, 1),
                "duckdb_read_s": round(reading, 1),
                "build_s": round(build.seconds, 1),
                "build_cpu_s": round(build.cpu_seconds, 1),
                "build_over_read": round(build.seconds / reading, 2),
                "build_over_unpack_and_read": round(build.seconds / (reading + unpacking), 2),
                "build_peak_mib": round(build.peak_mib),
                "gate_s": round(gate.seconds, 1),
                "gate_peak_mib": round(gate.peak_mib),
                "noop_s": round(again.seconds, 1),
            },
            indent=1,
        )
    )


if __name__ == "__main__":
    main()
