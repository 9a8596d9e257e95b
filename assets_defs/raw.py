"""The raw layer: archives found or fetched, and pinned by SHA-256. Nothing is parsed here."""

from collections.abc import Iterator
from pathlib import Path

from assets_defs.profile import Dump
from assets_defs.step import Built, Job, today
from corpus_pipeline.errors import SourceError
from corpus_pipeline.sources import registry
from corpus_pipeline.sources.registry import Source, SourceFile


def raw_movies(job: Job) -> Iterator[Built]:
    """Every movie source's files, verified."""
    yield from _raw(job, "movies")


def raw_dialogues(job: Job) -> Iterator[Built]:
    """Every dialogue data set's files, verified."""
    yield from _raw(job, "dialogues")


def raw_interactions(job: Job) -> Iterator[Built]:
    """The files of every data set of interactions, verified."""
    yield from _raw(job, "interactions")


def _raw(job: Job, kind: str) -> Iterator[Built]:
    dumps = job.workspace.profile.movie_dumps if kind == "movies" else {}
    for position, partition in enumerate(job.partitions):
        if partition in dumps:
            yield _dump(str(partition), dumps[str(partition)])
            continue
        source = registry.source_named(str(partition), kind)
        job.progress(f"verifying {source.key}", position, len(job.partitions))
        files = [path for _, path in located(job, source)]
        yield Built(
            files,
            metadata={
                "title": source.title,
                "homepage": source.homepage,
                "licence": source.licence,
                "may be redistributed": source.licence_allows_redistribution,
                "citation": source.citation,
                "bytes": sum(file.stat().st_size for file in files),
            },
            partition=source.key,
        )


def _dump(key: str, dump: Dump) -> Built:
    """The user's own dump: its declaration first, then every file of its archive."""
    archive = Path(dump.archive)
    files = sorted(path for path in archive.rglob("*") if path.is_file()) if archive.is_dir() else [archive]
    return Built([Path(dump.declaration), *files], {"title": f"{key}, declared in {Path(dump.declaration).name}"}, partition=key)


def located(job: Job, source: Source) -> list[tuple[str, Path]]:
    """(registered name, place) of the source's files: the pinned ones if all are at hand or can be fetched, else the official ones.

    A source that prefers its official files has them where they are at hand: in the mirror, or downloaded before.
    """
    if source.is_official_preferred:
        official = [(file.name, _at_hand(job, source, file)) for file in source.official]
        if all(path is not None for _, path in official):
            return [(name, path) for name, path in official if path is not None]
    at_hand = [(file.name, _at_hand(job, source, file)) for file in source.files]
    missing = [file for file, (_, path) in zip(source.files, at_hand, strict=True) if path is None]
    if any(not file.urls for file in missing) and source.official:
        return [(file.name, _at_hand(job, source, file) or _fetched(job, source, file)) for file in source.official]
    return [(file.name, path or _fetched(job, source, file)) for file, (_, path) in zip(source.files, at_hand, strict=True)]


def _at_hand(job: Job, source: Source, file: SourceFile) -> Path | None:
    for base in (registry.SHIPPED, job.workspace.mirror, job.workspace.downloads / source.key):
        path = base / file.name if base else None
        if path is not None and path.exists():
            return _verified(path, job, source, file)
    return None


def _verified(path: Path, job: Job, source: Source, file: SourceFile) -> Path:
    """A file at hand, after comparing it with the registry's SHA-256, or with the one it had when it was first used."""
    from corpus_pipeline.store import sha256

    if not file.sha256:
        _pin(job, file, path)
    elif (seen := sha256(path)) != file.sha256:
        raise SourceError(
            f"source {source.key}: {file.name} has SHA-256 {seen}, the registry pins {file.sha256}; "
            "the file was changed or cut short: copy it again"
        )
    return path


def _pin(job: Job, file: SourceFile, path: Path) -> None:
    """Files without a known hash are pinned on first use; those that ship with the project change with it."""
    from corpus_pipeline.sources import pins

    if file.urls:
        with job.workspace.writing("pins"):  # films and dialogues may be fetched at the same time
            pins.pin(job.workspace.pins, file.urls[0], path, today=today().isoformat())


def _fetched(job: Job, source: Source, file: SourceFile) -> Path:
    from corpus_pipeline.sources import fetch

    if not file.urls:
        raise SourceError(
            f"source {source.key}: {file.name} is not in the mirror {job.workspace.mirror or '(none)'} and has no address of its own; "
            f"point MARQUEE_MIRROR at a folder that holds it (from {source.homepage}) or take {source.key} out of the profile"
        )
    job.log(f"fetching {file.name} of {source.key}")
    return fetch.fetch(
        file.urls,
        job.workspace.downloads / source.key / file.name,
        sha256=file.sha256 or None,
        progress=lambda done, total: job.progress(file.name, done, total),
        verify=None if file.sha256 else lambda path: _pin(job, file, path),
    )
