"""Turns of dialogues as retrievers read them: vectors from the cache, histories, queries; and the trained parts put together."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc

from assets_defs.models import film_vectors_of, load_lrurec
from assets_defs.workspace import Workspace
from corpus_pipeline.release import Release

if TYPE_CHECKING:
    from modeling.dense_retriever.data import Turns
    from modeling.dense_retriever.infer import DenseRetriever
    from modeling.text_encoder.config import TextEncoderConfig
    from modeling.turn_retrieval import Asked, TurnRetriever

ANSWERED = "answered turns"  # what the sample of turns is called for which everything is written and asked
DIALOGUE_TOKENS = 160  # what `dense_retriever.data.DIALOGUE_CHARACTERS` come to, with room for odd spellings
Tell = Callable[[int, int], None]


def film_encoder(workspace: Workspace) -> "TextEncoderConfig":
    """The encoder of film documents, as the profile has it."""
    from modeling.text_encoder.config import TextEncoderConfig

    return TextEncoderConfig.from_mapping(workspace.profile.text_encoder)


def dialogue_encoder(workspace: Workspace) -> "TextEncoderConfig":
    """The same model over the longer texts of dialogues and queries."""
    from modeling.text_encoder.config import TextEncoderConfig

    return TextEncoderConfig.from_mapping({**workspace.profile.text_encoder, "max_tokens": DIALOGUE_TOKENS})


def vectors_of(workspace: Workspace, texts: Sequence[str], tell: Tell | None = None) -> Any:
    """Float32 [texts, d]; texts encoded before come from the cache."""
    from modeling.text_encoder.infer import encode_cached

    return encode_cached(texts, dialogue_encoder(workspace), cache_dir=workspace.embedding_cache, progress=tell)


def turns_of(workspace: Workspace, examples: pa.Table, tell: Tell | None = None) -> "Turns":
    """Rows of set_recommendation with their frozen vectors."""
    from modeling.dense_retriever import data

    return data.turns_of(examples, vectors_of(workspace, data.texts_of(examples), tell))


def asked_of(workspace: Workspace, examples: pa.Table, queries: Mapping[str, str], tell: Tell | None = None) -> "Asked":
    """Rows of set_recommendation with their queries, as the retrievers read them; without a query the dialogue is one."""
    from modeling.turn_retrieval import Asked

    pairs = zip(examples["example_id"].to_pylist(), examples["context_text"].to_pylist(), strict=True)
    written = [queries.get(example, context) for example, context in pairs]
    histories = examples["history_movie_ids"].to_pylist()
    return Asked(histories, turns_of(workspace, examples, tell), written, query_vectors(workspace, written))


def query_vectors(workspace: Workspace, texts: Sequence[str]) -> Any:
    """Float32 [texts, d]; see `query_text`."""
    return vectors_of(workspace, [query_text(text) for text in texts])


def query_text(text: str) -> str:
    """What of a query is encoded: of a text longer than the encoder reads, the end, since that is what the next film answers to."""
    from modeling.dense_retriever.data import DIALOGUE_CHARACTERS
    from modeling.prompt_text import dialogue_lines

    return text if 0 < len(text) <= DIALOGUE_CHARACTERS else dialogue_lines(text, DIALOGUE_CHARACTERS) or "hello"


def load_dense_retriever(workspace: Workspace, folder: Path | None = None, films: Any = None) -> "DenseRetriever":
    """The trained query tower over every film that has a vector: that of the graph, or the one in `folder`; `films`: its vectors."""
    from modeling.dense_retriever import infer

    return infer.load(folder or workspace.artifact_of("model_dense_retriever"), films or film_vectors_of(workspace))


def load_retriever(
    workspace: Workspace, release: Release, sequences: pa.Table, *, dense: "DenseRetriever | None" = None, lrurec_text: Any = None
) -> "TurnRetriever":
    """Every trained part of first-stage retrieval, the graph's own where no other is given. `sequences`: set_sequences."""
    from modeling.baselines import Ease, ItemNeighbours
    from modeling.dense_retriever.index import FilmIndex
    from modeling.lexical_retriever import LexicalRetriever
    from modeling.turn_retrieval import TurnRetriever

    return TurnRetriever(
        neighbours=ItemNeighbours.fit(sequences),
        ease=Ease.fit(sequences),
        lrurec=load_lrurec(workspace, "model_lrurec"),
        lrurec_text=lrurec_text or load_lrurec(workspace, "model_lrurec_text"),
        dense=dense or load_dense_retriever(workspace),
        index=FilmIndex.load(workspace.artifact_of("model_film_index"), encoder=index_encoder(workspace), release_id=release.release_id),
        lexical=LexicalRetriever.load(workspace.artifact_of("model_lexical_index"), release_id=release.release_id),
    )


def index_encoder(workspace: Workspace) -> str:
    """The signature that ties the film index to its encoder."""
    from modeling.text_encoder import encoder

    return encoder.signature(film_encoder(workspace))


def of_split(examples: pa.Table, *splits: str) -> pa.Table:
    """The rows of the named splits."""
    return examples.filter(pc.is_in(examples["split"], pa.array(splits)))


def targets_of(targets: pa.Table, examples: pa.Table) -> pa.Table:
    """The targets of exactly these examples."""
    return targets.filter(pc.is_in(targets["example_id"], examples["example_id"].combine_chunks()))


def sampled(examples: pa.Table, at_most: int, *, purpose: str, per_dataset: bool = False) -> pa.Table:
    """`at_most` rows (0: all), dialogue by dialogue in an order fixed by a hash of their ids; `per_dataset`: of each data set."""
    if not at_most:
        return examples
    if per_dataset:
        names = sorted(set(examples["dataset"].to_pylist()))
        return pa.concat_tables([sampled(examples.filter(pc.equal(examples["dataset"], n)), at_most, purpose=purpose) for n in names])
    from corpus_pipeline.splits import hash_share

    dialogues = examples["dialogue_id"].to_pylist()
    order = sorted(range(len(dialogues)), key=lambda row: (hash_share(f"{purpose}/{dialogues[row]}"), row))
    return examples.take(pa.array(sorted(order[:at_most]), pa.int64()))
