"""What results depend on, by the parts of the code that make them: what several steps of the graph share. No step is declared here."""

from collections.abc import Mapping, Sequence
from typing import Any

from assets_defs.profile import Profile

# A test holds these lists to the import statements.
SCHEMA = ("corpus_pipeline.schema", "corpus_pipeline.store")
INDEX = (
    "corpus_pipeline.linking.title_index", "corpus_pipeline.linking.spelling", "corpus_pipeline.linking.words",
    "corpus_pipeline.linking.arrays", "corpus_pipeline.linking.facts", "corpus_pipeline.linking.settings", "corpus_pipeline.transform.text",
)  # fmt: skip
LINKING = ("corpus_pipeline.linking", "corpus_pipeline.transform.text", "corpus_pipeline.splits")
GOLD = (*LINKING, "corpus_pipeline.sources.dialogues.redial")
LRUREC = (
    "modeling.lrurec", "modeling.artifacts", "modeling.seeding", "modeling.settings", "modeling.text_encoder.embeddings",
    "modeling.evaluation.metrics", "modeling.evaluation.pairs", "modeling.evaluation.protocols", "modeling.places",
)  # fmt: skip

FILM_VECTORS = ("modeling.joint_representation.infer", "modeling.joint_representation.mixture", "modeling.joint_representation.config")
ENDPOINT = ("modeling.language_model.config", "modeling.language_model.endpoint", "modeling.language_model.protocol")
ENCODER = ("modeling.text_encoder", "modeling.artifacts", "modeling.seeding", "modeling.settings", "modeling.documents", *ENDPOINT)
LANGUAGE = (
    "modeling.language_model", "modeling.artifacts", "modeling.seeding", "modeling.settings", "modeling.text_encoder", "modeling.documents",
)  # fmt: skip
QUERY = (*LANGUAGE, "modeling.query_expert", "modeling.prompt_text")
FIRST_STAGE = (
    *LRUREC, *ENCODER, *FILM_VECTORS,
    "modeling.dense_retriever", "modeling.lexical_retriever", "modeling.hybrid", "modeling.turn_retrieval",
    "modeling.turn_scorers", "modeling.baselines", "modeling.prompt_text",
)  # fmt: skip
GENERATOR = (*LANGUAGE, "modeling.generator", "modeling.prompt_text")
RETRIEVING = ("assets_defs.retrieval", "assets_defs.turns", "assets_defs.film_facts")
JUDGING = ("modeling", "corpus_pipeline.sources", "corpus_pipeline.transform", "corpus_pipeline.splits", "corpus_pipeline.linking.facts")
SECOND_STAGE = (*GENERATOR, *FIRST_STAGE, "modeling.reranker", "modeling.evaluation")
LM_SETTINGS = ("language_model", "endpoint")
TURNS = ("set_recommendation", "set_sequences")
RETRIEVERS = (
    "release_corpus", "model_text_embeddings", "model_lrurec", "model_lrurec_text", "model_dense_retriever", "model_film_index",
    "model_lexical_index", "model_film_vectors",
)  # fmt: skip


def picked(*names: str, sizes: Sequence[str] = ()) -> Any:
    """What takes the named settings out of a profile, and of its sizes those named: another size then makes no other step stale."""
    include: dict[str, Any] = dict.fromkeys(names, True)
    if sizes:
        include["sizes"] = set(sizes)

    def pick(profile: Profile) -> Mapping[str, Any]:
        return profile.model_dump(mode="json", include=include)

    return pick
