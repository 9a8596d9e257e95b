"""Profiles: one code path, several sizes. Reads and validates the YAML; says which profile and which mirror apply.

A profile changes sizes and names, never code paths. Nothing is built here.
"""

import difflib
import os
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from assets_defs.errors import ProfileError

PROFILES = Path(__file__).parent / "profiles"
CHECKOUT = Path(__file__).parents[1]


Name = Annotated[str, Field(pattern="^[a-z][a-z0-9_]{0,62}$")]


class Strict(BaseModel):
    """Unknown keys are errors; values do not change after loading."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class EvaluationConfig(Strict):
    """Bootstrap of the evaluation table."""

    bootstrap_samples: int = Field(default=1000, ge=100)
    seed: int = 13


class Sizes(Strict):
    """How much the language models are given to do; turns are whole dialogues, chosen by a hash of their id."""

    query_pairs: int = Field(default=0, ge=0, description="Pseudo-queries that the query expert learns from; 0: all.")
    mined_queries: int = Field(default=0, ge=0, description="Training turns for which the expert writes a query; 0: all.")
    mined_turns: int = Field(default=0, ge=0, description="Training turns for which the first stage makes a shortlist; 0: all.")
    compared_turns: int = Field(
        default=0,
        ge=0,
        description="Validation turns, and test turns, per data set with every kind of query; 0: all. Others: the dialogue.",
    )
    candidates: int = Field(default=50, ge=2, le=500, description="Films mined per turn.")
    generated_pairs: int = Field(default=0, ge=0, description="Pairs that the generators learn from; 0: all.")
    answered_turns: int = Field(default=0, ge=0, description="Test turns per data set that the models that choose are asked about; 0: all.")
    answered_counts: tuple[int, ...] = Field(default=(10, 20, 50), min_length=1, description="Numbers of candidates they choose from.")
    encoded_films: int = Field(
        default=0, ge=0, description="Most popular films whose documents the corpus index encodes; 0: all. The others get stand-ins."
    )
    feedback_turns: int = Field(default=0, ge=0, description="Training turns of a round about which a language model is asked; 0: all.")
    judged_turns: int = Field(
        default=0, ge=0, description="Validation turns, and test turns, per data set whose final lists a language model makes; 0: all."
    )
    loop_seeds: tuple[int, ...] = Field(default=(0, 1, 2), min_length=1, description="Seeds of the feedback loop, each a run of its own.")
    ceiling_turns: int = Field(default=0, ge=0, description="Training turns of a round under oracles and in ablations; 0: all.")
    click_rows: int = Field(default=0, ge=0, description="Training rows that the networks of click prediction learn from; 0: all.")
    judged_rows: int = Field(
        default=2000,
        ge=1,
        description="Rows per split and data set that language models answer, drawn at random: all models are compared there.",
    )
    zero_shot_rows: int = Field(default=200, ge=0, description="Of those, the rows that the untuned language model answers; 0: none.")
    reasoned_rows: int = Field(
        default=0, ge=0, description="Of those, the rows that the reasoning language model answers (RALLRec+); 0: none."
    )
    free_answers: int = Field(
        default=200, ge=1, description="Test turns per data set answered without constraint, for the hallucination table."
    )


class Dump(Strict):
    """A tabular film dump of the user's own: its declaration (docs/examples/my_dump.yaml) and the archive, file or folder it reads."""

    declaration: str
    archive: str


class Profile(Strict):
    """Sizes and names of one build."""

    name: str = Field(pattern="^[a-z][a-z0-9_]{0,31}$")
    movie_sources: tuple[str, ...] = Field(min_length=1)
    movie_dumps: dict[Name, Dump] = Field(
        default_factory=dict, description="Further film sources by their key; paths may be relative to the profile."
    )
    dialogue_datasets: tuple[str, ...] = Field(min_length=1)
    baseline: str = Field(default="", description="Profile whose reviewed numbers the gate uses; by default this one's.")
    minimum_movies: int = Field(ge=1)
    embedded_movies: int = Field(ge=1, description="Most popular films given a text vector, besides every mentioned film.")
    text_encoder: dict[str, Any] = Field(default_factory=dict)
    corpus_encoder: dict[str, Any] = Field(
        default_factory=dict,
        description="What is different from `text_encoder` where every film is encoded; its precision is also that of what is asked.",
    )
    lrurec_id: dict[str, Any] = Field(default_factory=dict)
    lrurec_text: dict[str, Any] = Field(default_factory=dict)
    link_weights: str = Field(
        default="", description="weights.json to link with, of a model_link_scorer run; by default the one that ships."
    )
    link_scorer: dict[str, Any] = Field(default_factory=dict)
    base_lm: dict[str, Any] = Field(default_factory=dict)
    query_lm: dict[str, Any] = Field(default_factory=dict)
    language_model: dict[str, Any] = Field(default_factory=dict)
    endpoint: dict[str, Any] = Field(default_factory=dict, description="With language_model.model 'endpoint': the address that answers.")
    query_teacher: dict[str, Any] = Field(default_factory=dict)
    query_expert: dict[str, Any] = Field(default_factory=dict)
    query_tuning: dict[str, Any] = Field(default_factory=dict)
    dense_retriever: dict[str, Any] = Field(default_factory=dict)
    generator: dict[str, Any] = Field(default_factory=dict)
    generator_tuning: dict[str, Any] = Field(default_factory=dict)
    reranker: dict[str, Any] = Field(default_factory=dict)
    ranker: dict[str, Any] = Field(default_factory=dict)
    rankers: tuple[str, ...] = Field(default=("generator",), min_length=1, description="The first gives feedback; all are judged.")
    study_ranker: str = Field(default="encoder", description="The ranker of the loop's studies, which ask it about much.")
    study_retriever: str = Field(default="rar+dialogue", description="The retriever of the loop's studies, one of `loop_retrievers`.")
    ranker_call_budget: int | None = Field(
        default=None, ge=0, description="Most lists that are ranked for the feedback of one round, retriever and seed."
    )
    preference: dict[str, Any] = Field(default_factory=dict)
    loop_retrievers: tuple[str, ...] = Field(default=("rar", "rar+dialogue", "dense"), min_length=1)
    interaction_datasets: tuple[str, ...] = Field(default=("starter",), min_length=1, description="Users' likes of items (RALLRec).")
    click_datasets: tuple[str, ...] = Field(default=("starter",), min_length=1, description="Those whose likes are predicted.")
    lightgcn: dict[str, Any] = Field(default_factory=dict)
    alignment: dict[str, Any] = Field(default_factory=dict)
    representation: dict[str, Any] = Field(default_factory=dict)
    item_descriptions: Literal["plain", "language_model"] = Field(
        default="plain", description="Who describes items: their metadata as they stand, or the language model that is given them."
    )
    film_vectors: Literal["text", "joint"] = Field(
        default="text", description="What the dense retriever and LRURec over vectors read of a film: text alone, or joined with behaviour."
    )
    click_network: dict[str, dict[str, Any]] = Field(default_factory=dict)
    click_model: dict[str, Any] = Field(default_factory=dict)
    click_tuning: dict[str, Any] = Field(default_factory=dict)
    reasoning: dict[str, Any] = Field(default_factory=dict)
    sizes: Sizes = Sizes()
    evaluation: EvaluationConfig = EvaluationConfig()

    @property
    def movie_partitions(self) -> tuple[str, ...]:
        """Registered sources, then the user's own dumps: the order in which ranks are given to the latter."""
        return (*self.movie_sources, *self.movie_dumps)


def load_profile(path: Path) -> Profile:
    """The profile in a YAML file; ProfileError lists every problem at once and names the nearest valid key."""
    try:
        content = yaml.safe_load(path.read_text())
    except (OSError, yaml.YAMLError, UnicodeDecodeError) as error:
        raise ProfileError(f"profile {path.name}: cannot be read as YAML: {error}") from error
    if not isinstance(content, dict):
        raise ProfileError(f"profile {path.name}: expected a mapping of settings, saw {type(content).__name__}")
    problems = _unknown_names(content)
    try:
        profile = Profile.model_validate(content)
    except ValidationError as error:
        problems += [_explain(item) for item in error.errors()]
        raise ProfileError(f"profile {path.name}:\n  " + "\n  ".join(problems)) from error
    profile = _placed(profile, path.parent)
    problems += [*_model_problems(profile), *_dump_problems(profile), *_weight_problems(profile)]
    if problems:
        raise ProfileError(f"profile {path.name}:\n  " + "\n  ".join(problems))
    return profile


def _placed(profile: Profile, folder: Path) -> Profile:
    """The profile with the paths of its dumps and weights made absolute."""
    places = {
        key: Dump(declaration=str((folder / dump.declaration).absolute()), archive=str((folder / dump.archive).absolute()))
        for key, dump in profile.movie_dumps.items()
    }
    weights = str((folder / profile.link_weights).absolute()) if profile.link_weights else ""
    return profile.model_copy(update={"movie_dumps": places, "link_weights": weights})


def _weight_problems(profile: Profile) -> list[str]:
    from corpus_pipeline.errors import LinkError
    from corpus_pipeline.linking.weights import load_weights

    try:
        if profile.link_weights:
            load_weights(Path(profile.link_weights))
    except LinkError as error:
        return [f"link_weights: {error}"]
    return []


def _dump_problems(profile: Profile) -> list[str]:
    from corpus_pipeline.errors import CorpusError
    from corpus_pipeline.sources.tabular import load_dump

    problems = [f"movie_dumps: {key!r} is already a registered source" for key in profile.movie_dumps if key in profile.movie_sources]
    for key, dump in profile.movie_dumps.items():
        try:
            declared = load_dump(Path(dump.declaration)).source
            problems += [f"movie_dumps.{key}: its declaration says source {declared!r}"] if declared != key else []
        except CorpusError as error:
            problems.append(f"movie_dumps.{key}: {error}")
        if not Path(dump.archive).exists():
            problems.append(f"movie_dumps.{key}: there is no {dump.archive}")
    return problems


def _explain(item: Any) -> str:
    place = ".".join(map(str, item["loc"]))
    if item["type"] != "extra_forbidden":
        return f"{place}: {item['msg']}, saw {item.get('input')!r}"
    parts: dict[Any, type[Strict]] = {"evaluation": EvaluationConfig, "sizes": Sizes}
    parent = parts.get(item["loc"][0], Profile) if len(item["loc"]) > 1 else Profile
    return f"{place}: no such setting{_nearest(str(item['loc'][-1]), parent.model_fields)}"


def _nearest(name: str, known: Any) -> str:
    close = difflib.get_close_matches(name, list(known), n=1, cutoff=0.5)
    return f"; did you mean {close[0]!r}?" if close else f"; known: {sorted(known)}"


def _unknown_names(content: dict[str, Any]) -> list[str]:
    from corpus_pipeline.schema.fields import DATASETS, INTERACTION_DATASETS
    from corpus_pipeline.sources.registry import SOURCES

    movies = [source.key for source in SOURCES if source.kind == "movies"]
    problems = []
    likes = list(INTERACTION_DATASETS)
    named = (("movie_sources", movies), ("dialogue_datasets", list(DATASETS)), ("interaction_datasets", likes), ("click_datasets", likes))
    for setting, known in named:
        given = content.get(setting)
        for name in given if isinstance(given, list) else []:
            if name not in known:
                problems.append(f"{setting}: no such source {name!r}{_nearest(str(name), known)}")
    return problems


def _model_problems(profile: Profile) -> list[str]:
    from modeling.click_model.config import ClickModelConfig, ReasoningConfig
    from modeling.dense_retriever.config import DenseRetrieverConfig
    from modeling.errors import ModelingError
    from modeling.generator.config import GeneratorConfig
    from modeling.joint_representation.config import AlignmentConfig, LightGCNConfig, RepresentationConfig
    from modeling.language_model.config import BaseLMConfig, EndpointConfig, FineTuneConfig, LanguageModelConfig
    from modeling.link_scorer.config import LinkScorerConfig
    from modeling.lrurec.config import LRURecConfig
    from modeling.preference_retriever.config import PreferenceConfig
    from modeling.query_expert.config import QueryExpertConfig, TeacherConfig
    from modeling.ranker.config import RankerConfig
    from modeling.reranker.config import RerankerConfig
    from modeling.text_encoder.config import TextEncoderConfig

    problems = []
    configs = {
        "lrurec_id": LRURecConfig, "lrurec_text": LRURecConfig, "text_encoder": TextEncoderConfig,
        "corpus_encoder": TextEncoderConfig, "link_scorer": LinkScorerConfig,
        "base_lm": BaseLMConfig, "query_lm": BaseLMConfig, "language_model": LanguageModelConfig, "query_teacher": TeacherConfig,
        "query_expert": QueryExpertConfig, "query_tuning": FineTuneConfig,
        "dense_retriever": DenseRetrieverConfig, "generator": GeneratorConfig, "generator_tuning": FineTuneConfig,
        "reranker": RerankerConfig, "ranker": RankerConfig, "preference": PreferenceConfig,
        "lightgcn": LightGCNConfig, "alignment": AlignmentConfig, "representation": RepresentationConfig,
        "click_model": ClickModelConfig, "click_tuning": FineTuneConfig, "reasoning": ReasoningConfig,
        **({"endpoint": EndpointConfig} if profile.endpoint else {}),
    }  # fmt: skip
    settings = {**dict(profile), "corpus_encoder": {**profile.text_encoder, **profile.corpus_encoder}}
    for setting, build in configs.items():
        try:
            build.from_mapping(settings[setting])  # type: ignore[attr-defined]
        except ModelingError as error:
            problems.append(f"{setting}: {error}")
    return [*problems, *_loop_problems(profile), *_click_problems(profile)]


def _click_problems(profile: Profile) -> list[str]:
    from modeling.click_network.config import NETWORKS, ClickNetworkConfig
    from modeling.errors import ModelingError

    problems = [
        f"click_datasets: {name!r} is none of interaction_datasets {list(profile.interaction_datasets)}"
        for name in profile.click_datasets
        if name not in profile.interaction_datasets
    ]
    for name, settings in profile.click_network.items():
        if name not in (known := ("all", *NETWORKS)):
            problems.append(f"click_network: no such network {name!r}{_nearest(name, known)}")
            continue
        fixed = NETWORKS.get(name, {"model": ""})
        problems += [f"click_network.{name}: {key} says which network this is and cannot be set" for key in settings if key in fixed]
        try:
            ClickNetworkConfig.from_mapping({**profile.click_network.get("all", {}), **settings})
        except ModelingError as error:
            problems.append(f"click_network.{name}: {error}")
    return problems


def _loop_problems(profile: Profile) -> list[str]:
    from modeling.preference_retriever.config import RETRIEVERS
    from modeling.ranker.names import problem_of

    unknown = [name for name in profile.loop_retrievers if name not in RETRIEVERS]
    problems = [f"loop_retrievers: no such retriever {name!r}{_nearest(name, RETRIEVERS)}" for name in unknown]
    if profile.study_retriever not in profile.loop_retrievers:
        problems.append(f"study_retriever: {profile.study_retriever!r} is none of loop_retrievers {list(profile.loop_retrievers)}")
    return [*problems, *(f"rankers: {told}" for name in (*profile.rankers, profile.study_ranker) if (told := problem_of(name)))]


def find_mirror() -> Path | None:
    """The folder of real archives: MARQUEE_MIRROR, else `shared/data` beside the checkout, else None."""
    named = os.environ.get("MARQUEE_MIRROR")
    if named:
        if not Path(named).is_dir():
            raise ProfileError(f"MARQUEE_MIRROR names {named!r}, which is no folder; unset it or point it at the archives")
        return Path(named)
    beside = CHECKOUT.parent / "shared" / "data"
    return beside if beside.is_dir() else None


def choose_profile(wanted: str | None = None) -> tuple[Profile, str]:
    """(profile, one line saying why). `wanted` or MARQUEE_PROFILE: a shipped name or a YAML path; else by what is at hand.

    With a mirror `standard`; without one `official` where the network answers or that corpus is there already, else `starter`.
    """
    wanted = wanted or os.environ.get("MARQUEE_PROFILE")
    if wanted:
        return load_profile(_profile_path(wanted)), f"profile {wanted}, as asked"
    mirror = find_mirror()
    if mirror:
        return load_profile(PROFILES / "standard.yaml"), f"profile standard: archives found in {mirror.name}/"
    name, why = _without_mirror()
    return load_profile(PROFILES / f"{name}.yaml"), f"profile {name}: no mirror of the real archives (MARQUEE_MIRROR) was found{why}"


def _without_mirror() -> tuple[str, str]:
    """The profile's name and the rest of the line. A host is asked only when nothing else decides."""
    from assets_defs.workspace import has_release

    if has_release("official"):
        return "official", "; this one was built here before"
    if os.environ.get("MARQUEE_OFFLINE", "0") not in ("", "0"):
        return "starter", ", and MARQUEE_OFFLINE forbids to look for a network"
    host, fault = look_for_network()
    if fault:
        return "starter", f", nor a network ({host}: {fault})"
    return "official", f", but {host} answers: the official files are downloaded (PROFILE=starter builds the small corpus)"


def look_for_network() -> tuple[str, str]:
    """The host of the first file that profile `official` downloads, and why it cannot be reached within three seconds ('' if it can)."""
    from corpus_pipeline.sources import reach, registry

    first = load_profile(PROFILES / "official.yaml").movie_sources[0]
    address = registry.source_named(first, "movies").files[0].urls[0]
    return str(urlsplit(address).hostname), reach.unreachable(address)


def _profile_path(wanted: str) -> Path:
    if wanted.endswith((".yaml", ".yml")):
        return Path(wanted)
    path = PROFILES / f"{wanted}.yaml"
    if not path.exists():
        shipped = sorted(file.stem for file in PROFILES.glob("*.yaml"))
        raise ProfileError(f"no profile {wanted!r}{_nearest(wanted, shipped)}; shipped: {shipped}, or give a .yaml path")
    return path
