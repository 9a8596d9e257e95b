"""The language model of a workspace: the one made here, another that the profile names, or an endpoint; every call through one cache."""

from pathlib import Path
from typing import TYPE_CHECKING

from assets_defs.workspace import Workspace

if TYPE_CHECKING:
    from modeling.language_model.cache import CachedModel
    from modeling.language_model.protocol import LanguageModel

BASE, QUERY_BASE = "model_base_lm", "model_query_lm"  # what generators and the query expert are tuned from


def base_of(workspace: Workspace, step: str = BASE) -> str | Path:
    """What adapters are trained on: a folder or hub id that the profile names, else the base made by the graph's `step`."""
    from modeling.language_model import config

    named = str(workspace.profile.language_model.get("model", config.BASE))
    return workspace.artifact_of(step) if named in (config.BASE, config.ENDPOINT) else named


def is_endpoint(workspace: Workspace) -> bool:
    """Whether somebody else's model answers, which cannot be tuned here."""
    from modeling.language_model.config import ENDPOINT

    return workspace.profile.language_model.get("model") == ENDPOINT


def language_model(workspace: Workspace, adapter: Path | None = None, *, base: str = BASE) -> "CachedModel":
    """The model that answers: `base` with an adapter merged in, where it runs here."""
    from modeling.language_model.cache import CachedModel

    workspace.answer_cache.parent.mkdir(parents=True, exist_ok=True)
    return CachedModel(_model(workspace, adapter, base), workspace.answer_cache)


def _model(workspace: Workspace, adapter: Path | None, base: str) -> "LanguageModel":
    from modeling.language_model.config import EndpointConfig, LanguageModelConfig

    if is_endpoint(workspace):
        from modeling.language_model.endpoint import Endpoint

        return Endpoint(EndpointConfig.from_mapping(workspace.profile.endpoint))
    from modeling.language_model.local import LocalModel

    return LocalModel.load(base_of(workspace, base), adapter, config=LanguageModelConfig.from_mapping(workspace.profile.language_model))
