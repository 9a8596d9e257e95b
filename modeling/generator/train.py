"""Train the item generation expert: turns and mined films in, an adapter and a manifest out. How a model is tuned is not in here.

The loss is the token cross entropy of the true film's name given dialogue and list (ReGeS, arXiv 2509.21371, section 3.3);
what is contrastive about it are the hard negatives in the prompt.
"""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from modeling.artifacts import MANIFEST_NAME, Manifest, fingerprint_of, write_manifest
from modeling.errors import ArtifactError
from modeling.generator.config import GeneratorConfig
from modeling.generator.infer import ADAPTER_NAME, MODEL_NAME
from modeling.generator.prompts import PROMPT_VERSION
from modeling.language_model.config import FineTuneConfig
from modeling.language_model.data import Example
from modeling.language_model.train import Progress, fine_tune


def train(
    base: str | Path,
    examples: Sequence[Example],
    config: GeneratorConfig,
    tuning: FineTuneConfig,
    out_dir: Path,
    *,
    validation: Sequence[Example] = (),
    progress: Callable[[Progress], None] | None = None,
    parents: Mapping[str, str] | None = None,
) -> Manifest:
    """Tune the base on examples of `data.training_examples` made with the same `config`; leave an adapter in the empty `out_dir`.

    The manifest holds the generator's settings, the version of its prompt and, as parent, the examples' fingerprint. `validation`:
    examples whose loss is measured; nothing is selected by it. ArtifactError when `out_dir` is not empty, DataError without examples.
    """
    if out_dir.exists() and any(out_dir.iterdir()):
        raise ArtifactError(f"training the generator: {out_dir} is not empty; give an empty directory")
    families = {**(parents or {}), "examples": fingerprint_of([[example.prompt, example.completion] for example in examples])}
    adapter = out_dir / ADAPTER_NAME
    adapter.mkdir(parents=True)
    tuned = fine_tune(base, examples, tuning, adapter, validation=validation, progress=progress, parents=families)
    return write_manifest(
        out_dir,
        model=MODEL_NAME,
        config={"generator": config.to_mapping(), "tuning": tuning.to_mapping(), "prompt_version": PROMPT_VERSION},
        seed=tuning.seed,
        parents={**tuned.parents, "adapter": tuned.fingerprint},
        metrics={**tuned.metrics, "examples": float(len(examples))},
        files=[f"{ADAPTER_NAME}/{name}" for name in (*tuned.files, MANIFEST_NAME)],
    )
