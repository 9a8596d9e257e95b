"""Who ranks the candidates in the feedback loop: by the name that a profile gives, a ranker over this workspace's models."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from assets_defs.generation import catalogue_of
from assets_defs.language import QUERY_BASE, language_model
from assets_defs.linking import linker_of
from assets_defs.models import load_embeddings
from assets_defs.step import Job
from assets_defs.turns import turns_of
from assets_defs.workspace import Workspace
from corpus_pipeline.errors import ConfigError
from corpus_pipeline.release import Release
from corpus_pipeline.schema import tables as t
from modeling.ranker.names import LANGUAGE_MODELS, accuracy_of, problem_of

if TYPE_CHECKING:
    from modeling.ranker.encoder import EncoderRanker
    from modeling.ranker.infer import LanguageModelRanker
    from modeling.ranker.protocol import Ranker

STEP_OF = {"generator": "model_generator", "base": QUERY_BASE}  # whose weights a ranker takes
Truths = Mapping[str, frozenset[str]]


def ranker_of(
    job: Job, release: Release, name: str, examples: pa.Table, truths: Truths, changed: Mapping[str, Any] | None = None
) -> "Ranker":
    """The ranker called `name` for the turns of `examples`; only oracles look at `truths`. `changed`: settings other than the profile's."""
    from modeling.baselines import Popularity
    from modeling.ranker.oracle import NoisyOracleRanker, OracleRanker
    from modeling.ranker.rules import NamedMostRanker

    workspace = job.workspace
    if problem := problem_of(name):
        raise ConfigError(problem)
    if name == "oracle":
        return OracleRanker(truths)
    if name == "encoder":
        return encoder_ranker(workspace, examples)
    if name == "named_most":
        return NamedMostRanker(Popularity.fit(job.parent_table(t.SET_SEQUENCES)).counts)
    if (accuracy := accuracy_of(name)) is not None:
        return NoisyOracleRanker(truths, accuracy=accuracy, seed=workspace.profile.evaluation.seed)
    return language_ranker(workspace, release, name, changed)


def encoder_ranker(workspace: Workspace, examples: pa.Table) -> "EncoderRanker":
    """The frozen encoder over turns of dialogues, whose vectors are in the cache."""
    from modeling.ranker.encoder import EncoderRanker

    turns = turns_of(workspace, examples)
    vectors = dict(zip(turns.example_ids, both_halves(turns.features), strict=True))
    return EncoderRanker(lambda turn: vectors[turn.example_id], load_embeddings(workspace))


def both_halves(features: Any) -> Any:
    """Float32 [n, d]: the vector of a dialogue and that of its latest words, added up."""
    half = features.shape[1] // 2
    return features[:, :half] + features[:, half:]


def language_ranker(workspace: Workspace, release: Release, name: str, changed: Mapping[str, Any] | None = None) -> "LanguageModelRanker":
    """The language model called `name` as a ranker; ConfigError for a rule or an oracle."""
    from modeling.ranker.config import RankerConfig
    from modeling.ranker.infer import LanguageModelRanker

    if name not in LANGUAGE_MODELS:
        raise ConfigError(f"{name!r} is no language model; there are {', '.join(LANGUAGE_MODELS)}")
    config = RankerConfig.from_mapping({**workspace.profile.ranker, **(changed or {})})
    model, catalogue = _model(workspace, name), catalogue_of(workspace, release)
    return LanguageModelRanker(model, catalogue, config, link=_titles_linked(workspace, release))


def _model(workspace: Workspace, name: str) -> Any:
    from modeling.generator.infer import ADAPTER_NAME

    if name == "generator":
        return language_model(workspace, workspace.artifact_of(STEP_OF[name]) / ADAPTER_NAME)
    return language_model(workspace, base=STEP_OF.get(name, QUERY_BASE))


def _titles_linked(workspace: Workspace, release: Release) -> Callable[[str], str | None]:
    """Titles that a ranker writes and that no candidate has, tied to films of the corpus; the linker is read when one first comes."""
    from corpus_pipeline.transform.text import split_title_year

    loaded: list[Any] = []

    def link(text: str) -> str | None:
        if not loaded:
            loaded.append(linker_of(workspace, release))
        title, year = split_title_year(text)
        columns = {"dataset": None, "surface": title, "mention_year": year, "imdb_id": None}
        types = {"mention_year": pa.int32()}
        asked = pa.table({name: pa.array([value], types.get(name, pa.string())) for name, value in columns.items()})
        (found,) = loaded[0].link_titles(asked).to_pylist()
        movie: str | None = found["movie_id"]
        return movie

    return link
