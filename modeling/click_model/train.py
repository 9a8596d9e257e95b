"""Tune a language model to say yes or no, once per candidate, and keep the candidate of least validation LogLoss. Tuning is the seam's."""

import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from modeling.artifacts import MANIFEST_NAME, Manifest, fingerprint_of, write_json, write_manifest
from modeling.click_model.config import PUBLISHED_TUNING, ClickModelConfig
from modeling.click_model.infer import ADAPTER_NAME, MODEL_NAME, likelihood_probability, log_loss
from modeling.click_model.prompts import PROMPT_VERSION, YES
from modeling.errors import ArtifactError, DataError
from modeling.language_model.config import FineTuneConfig, LanguageModelConfig
from modeling.language_model.data import Example
from modeling.language_model.local import LocalModel
from modeling.language_model.train import Progress, fine_tune

CANDIDATES_NAME = "candidates.json"


def tune(
    base: str | Path,
    examples: Sequence[Example],
    config: ClickModelConfig,
    out_dir: Path,
    *,
    validation: Sequence[Example],
    tuning: FineTuneConfig = PUBLISHED_TUNING,
    progress: Callable[[Progress], None] | None = None,
    parents: Mapping[str, str] | None = None,
) -> Manifest:
    """One LoRA adapter for each number in `config.epochs`, all else as `tuning` says; the best lies in the empty `out_dir`.

    Best: least LogLoss of P(yes) by one soft-max on `validation`, which are rows of the validation split, never of test; at
    equal loss the fewer epochs. candidates.json holds all of them; the other adapters are deleted. ArtifactError when `out_dir` is
    not empty, DataError without examples or validation rows.
    """
    _insist(out_dir, examples, validation)
    families = {**(parents or {}), "examples": _fingerprint(examples), "validation": _fingerprint(validation)}
    tried: list[_Candidate] = []
    for epochs in sorted(config.epochs):
        folder, settings = out_dir / f"epochs-{epochs}", replace(tuning, epochs=epochs, seed=config.seed)
        tuned = fine_tune(base, examples, settings, folder, validation=validation, progress=progress, parents=families)
        tried.append(_Candidate(folder, settings, tuned, _validation_loss(base, folder, validation, settings)))
    best = min(tried, key=lambda candidate: candidate.log_loss)  # the first of equals
    best.folder.rename(out_dir / ADAPTER_NAME)
    for candidate in tried:
        if candidate is not best:
            shutil.rmtree(candidate.folder)
    write_json(out_dir / CANDIDATES_NAME, [candidate.told() for candidate in tried])
    return _written(out_dir, best, config, {"examples": float(len(examples)), "candidates": float(len(tried))})


@dataclass(frozen=True, slots=True)
class _Candidate:
    """One tuned adapter and its LogLoss on the validation rows, in nats."""

    folder: Path
    tuning: FineTuneConfig
    manifest: Manifest
    log_loss: float

    def told(self) -> dict[str, float]:
        return {"epochs": self.tuning.epochs, "valid_log_loss": self.log_loss, **self.manifest.metrics}


def _validation_loss(base: str | Path, adapter: Path, validation: Sequence[Example], tuning: FineTuneConfig) -> float:
    settings = LanguageModelConfig(max_prompt_tokens=tuning.max_length, dtype=tuning.dtype)
    model = LocalModel.load(base, adapter, config=settings)
    probability = likelihood_probability(model, [example.prompt for example in validation])
    return log_loss(probability, [example.completion == YES for example in validation])


def _written(out_dir: Path, best: _Candidate, config: ClickModelConfig, counts: Mapping[str, float]) -> Manifest:
    return write_manifest(
        out_dir,
        model=MODEL_NAME,
        config={"click_model": config.to_mapping(), "tuning": best.tuning.to_mapping(), "prompt_version": PROMPT_VERSION},
        seed=config.seed,
        parents={**best.manifest.parents, "adapter": best.manifest.fingerprint},
        metrics={**best.told(), **counts},
        files=[CANDIDATES_NAME, *(f"{ADAPTER_NAME}/{name}" for name in (*best.manifest.files, MANIFEST_NAME))],
    )


def _fingerprint(examples: Sequence[Example]) -> str:
    return fingerprint_of([[example.prompt, example.completion] for example in examples])


def _insist(out_dir: Path, examples: Sequence[Example], validation: Sequence[Example]) -> None:
    if out_dir.exists() and any(out_dir.iterdir()):
        raise ArtifactError(f"training the click model: {out_dir} is not empty; give an empty directory")
    if not examples or not validation:
        raise DataError(
            f"training the click model: {len(examples)} training and {len(validation)} validation examples, expected at least one of "
            "each; candidates are chosen on the validation split"
        )
