"""The whole corpus searched by text: the index as an asset, questions to it, and its refinement. How vectors are made is in `modeling`."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from assets_defs.errors import LineageError
from assets_defs.film_facts import film_facts
from assets_defs.lineage import is_current
from assets_defs.models import artifact_folder
from assets_defs.step import Built, Job
from assets_defs.workspace import Workspace
from corpus_pipeline import release
from corpus_pipeline.release import Release
from corpus_pipeline.schema import tables as t

if TYPE_CHECKING:
    from modeling.dense_retriever.build import Films
    from modeling.text_encoder.config import TextEncoderConfig

STEP = "model_corpus_index"


def model_corpus_index(job: Job) -> Iterator[Built]:
    """Every film of the release findable by text: the most popular encoded, the others by stand-ins learned from them."""
    from assets_defs.gate import trainable_release
    from modeling.dense_retriever.build import build

    found = trainable_release(job.workspace)
    index = build(
        films_of(found),
        corpus_encoder(job.workspace),
        release_id=found.release_id,
        cache_dir=job.workspace.embedding_cache,
        encode_at_most=job.workspace.profile.sizes.encoded_films or None,
        progress=lambda done, total: job.progress("encoding films", done, total),
    )
    folder = artifact_folder(job)
    manifest = index.save(folder)
    yield Built(sorted(file for file in folder.iterdir() if file.is_file()), dict(manifest.metrics))


def corpus_encoder(workspace: Workspace) -> "TextEncoderConfig":
    """The encoder of every film, and of what is asked: the profile's, perhaps in a coarser and faster arithmetic."""
    from modeling.text_encoder.config import TextEncoderConfig

    return TextEncoderConfig.from_mapping({**workspace.profile.text_encoder, **workspace.profile.corpus_encoder})


def films_of(found: Release) -> "Films":
    """Documents and popularity of every film."""
    from modeling.dense_retriever.build import Films
    from modeling.documents import documents_of

    rows = film_facts(found, found.columns(t.MOVIES, ("movie_id",))["movie_id"].to_pylist())
    return Films(rows["movie_id"].to_pylist(), documents_of(rows), rows["popularity_score"].to_pylist())


def search(workspace: Workspace, query: str, *, k: int) -> dict[str, Any]:
    """The `k` films nearest to a text, with the release that answered; a film found by its stand-in says so."""
    from modeling.dense_retriever.index import FilmIndex
    from modeling.dense_retriever.text_search import TextSearch
    from modeling.text_encoder.encoder import signature

    found = release.current(workspace.releases)
    if not is_current(workspace.ledger, STEP, back_to="release_corpus"):
        raise LineageError(f"{STEP} was not made from the current release: run `marquee build`")
    config = corpus_encoder(workspace)
    index = FilmIndex.load(workspace.artifact_of(STEP), encoder=signature(config), release_id=found.release_id)
    (ids,), (scores,) = TextSearch(index, config).search([query], k)
    facts = {row["movie_id"]: row for row in film_facts(found, ids).to_pylist()}
    films = [
        {"movie_id": movie, "title": facts[movie]["title"], "year": facts[movie]["year"], "genres": facts[movie]["genres"]}
        | {"score": float(score), "is_stand_in": movie in index.stand_ins}
        for movie, score in zip(ids, scores, strict=True)
    ]
    return {"release": found.release_id, "films_searched": len(index.ids), "stand_ins": len(index.stand_ins), "films": films}
