"""Bring a workspace up to date: layer by layer, only what is stale, as Dagster runs that the UI can show afterwards."""

import os
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import groupby

import dagster as dg

from assets_defs.definitions import build_defs
from assets_defs.graph import STEPS
from assets_defs.step import Progress, Step, stale_partitions
from assets_defs.workspace import Workspace, workspaces_folder
from corpus_pipeline.schema.tables import ROUNDS

# A wave is a set of steps that one run takes together; later waves look at what earlier ones left.
WAVES: tuple[tuple[str, ...], ...] = (
    ("raw_movies",),
    ("raw_dialogues",),
    ("raw_interactions",),
    ("core_movie_records",),
    ("core_dialogue_records",),
    ("core_interaction_records",),
    ("core_movies", "core_dialogues"),
    ("core_interactions",),
    ("link_index",),
    ("link_dialogue_movies",),
    ("release_corpus",),
    ("link_text_mentions",),
    ("set_sequences", "set_recommendation", "set_linking", "set_click"),
    ("model_text_embeddings", "model_lrurec", "model_link_scorer"),
    ("model_film_vectors",),
    ("model_lightgcn",),
    ("model_lrurec_text", "model_film_index", "model_lexical_index", "set_pseudo_queries"),
    ("model_base_lm", "model_query_lm"),
    ("model_joint_representation",),
    ("model_click",),
    ("model_query_expert",),
    ("set_queries",),
    ("set_candidates",),
    ("model_dense_retriever",),
    ("model_hybrid",),
    ("set_shortlists",),
    ("model_reranker", "model_generator", "model_generator_random", "model_generator_none", "model_generator_thinking"),
    ("model_corpus_index",),
    ("model_retriever_sft",),
    *(wave for number in ROUNDS for wave in ((f"set_preferences_{number}",), (f"model_retriever_{number}",))),
    ("eval_linking", "eval_queries"),
    ("eval_click_predictions", "eval_click_ablation", "eval_joint_retrieval"),
    ("eval_click",),
    ("eval_retrieval_ranks", "eval_query_quality", "eval_recommendation_ranks", "eval_answers", "eval_hallucination"),
    ("eval_retrieval", "eval_recommendation", "eval_generation"),
    ("eval_feedback_ceiling", "eval_preference_ablation", "eval_ranker"),
    ("eval_preference_ranks",),
    ("eval_preference_retriever",),
)

CHECKS = {"release_corpus": "release_gate", "eval_linking": "link_quality"}  # which checks run with a step

# A failing step's own exception is raised to the caller; the story of the run is in the UI, not on the terminal.
QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}

DAGSTER_YAML = """telemetry:
  enabled: false
python_logs:
  python_log_level: INFO
"""


@dataclass(frozen=True, slots=True)
class Done:
    """What a build did: steps run (with their partitions) and steps that were fresh."""

    ran: tuple[str, ...]
    fresh: tuple[str, ...]


def dagster_home(workspace: Workspace) -> str:
    """The folder of Dagster's own records, created with telemetry off."""
    home = workspaces_folder() / workspace.profile.name / "dagster"
    home.mkdir(parents=True, exist_ok=True)
    (home / "dagster.yaml").write_text(DAGSTER_YAML)
    (home / ".nux").mkdir(exist_ok=True)
    (home / ".nux" / "nux.yaml").write_text("seen: 1\n")  # Dagster's own mark: no invitation to a newsletter over the first page
    return str(home)


def keep_temporary_files_inside(workspace: Workspace) -> None:
    """Everything that spills goes below the workspace: this process and those it starts write nowhere else."""
    folder = workspace.root / "scratch"
    folder.mkdir(parents=True, exist_ok=True)
    os.environ["TMPDIR"] = tempfile.tempdir = str(folder)


@contextmanager
def instance(workspace: Workspace) -> Iterator[dg.DagsterInstance]:
    """The Dagster instance that `marquee ui` shows."""
    from dagster._core.instance.ref import InstanceRef

    os.environ["DAGSTER_HOME"] = home = dagster_home(workspace)
    os.environ["DAGSTER_DISABLE_TELEMETRY"] = "1"
    event_log = {"module": "assets_defs.event_log", "class": "EventLog", "config": {"base_dir": f"{home}/history/runs"}}
    ref = InstanceRef.from_dir(home, overrides={"event_log_storage": event_log})
    with dg.DagsterInstance.from_ref(ref) as opened:
        yield opened


def build(workspace: Workspace, progress: Progress, *, until: str = "eval", assets: Sequence[str] = ()) -> Done:
    """Run every stale step up to and including the layer `until`, or those alone that `assets` need; raises what a failing step raised."""
    ran: list[str] = []
    fresh: list[str] = []
    defs = None
    needed = upstream_of(assets) if assets else set(STEPS)
    keep_temporary_files_inside(workspace)
    with instance(workspace) as opened:
        for wave in WAVES:
            stale = {name: stale_partitions(STEPS[name], STEPS, workspace) for name in wave if name in needed}
            fresh += [name for name, partitions in stale.items() if not partitions]
            todo = {name: partitions for name, partitions in stale.items() if partitions}
            if todo:
                defs = defs or build_defs(workspace, progress)
                _run_wave(defs, opened, workspace, {name: (STEPS[name], partitions) for name, partitions in todo.items()})
                ran += list(todo)
            if any(STEPS[name].layer == until for name in wave) and _last_of(until) == wave:
                break
    return Done(tuple(ran), tuple(fresh))


def upstream_of(assets: Sequence[str]) -> set[str]:
    """The steps named and every step that one of them is made from."""
    found: set[str] = set()
    todo = list(assets)
    while todo:
        if (name := todo.pop()) not in found:
            found.add(name)
            todo += STEPS[name].parents
    return found


def _last_of(layer: str) -> tuple[str, ...]:
    return [wave for wave in WAVES if any(STEPS[name].layer == layer for name in wave)][-1]


def _run_wave(
    defs: dg.Definitions, opened: dg.DagsterInstance, workspace: Workspace, steps: Mapping[str, tuple[Step, Sequence[str | None]]]
) -> None:
    chosen = [step for step, _ in steps.values()]
    keys = [key for step in chosen for key in step.keys]
    selection = dg.AssetSelection.assets(*keys).without_checks()
    judged = [name for name in ("release_corpus", "eval_linking") if name in steps]
    for checks in (CHECKS[name] for name in judged):
        selection = selection | dg.AssetSelection.checks(*_check_keys(defs, checks))
    step, partitions = next(iter(steps.values()))
    name = "build_" + "_and_".join(steps)  # what the UI's list of runs calls it; dg.materialize would call all '__ephemeral_asset_job__'
    jobs = [dg.define_asset_job(name, selection)]
    job = dg.Definitions(assets=defs.assets, asset_checks=defs.asset_checks, jobs=jobs).resolve_job_def(name)
    for tags in _partition_tags(step, partitions, workspace):
        job.execute_in_process(instance=opened, tags=tags, run_config=QUIET)


def _check_keys(defs: dg.Definitions, name: str) -> Iterator[dg.AssetCheckKey]:
    """Every check that the definition called `name` makes."""
    return (key for checks in defs.asset_checks or () if checks.op.name == name for key in checks.check_keys)


def _partition_tags(step: Step, partitions: Sequence[str | None], workspace: Workspace) -> Iterator[dict[str, str]]:
    """One run for each unbroken range of stale partitions; one run without tags for a step that has none."""
    every = step.partition_keys(workspace.profile)
    stale = [position for position, key in enumerate(every) if key in partitions]
    for _, group in groupby(enumerate(stale), key=lambda pair: pair[1] - pair[0]):
        members = [every[position] for _, position in group]
        if members == [None]:
            yield {}
        else:
            yield {"dagster/asset_partition_range_start": str(members[0]), "dagster/asset_partition_range_end": str(members[-1])}
