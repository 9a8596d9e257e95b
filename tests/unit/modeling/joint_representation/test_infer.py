"""Parts as files: what is saved is loaded, and what is changed is refused."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from modeling.errors import ArtifactError, DataError
from modeling.joint_representation.infer import Parts, load_lightgcn, load_parts, save_parts


def parts_of() -> Parts:
    matrix = np.arange(6, dtype=np.float32).reshape(3, 2)
    known = np.array([True, False, True])
    return Parts(("a", "b", "ö"), matrix, matrix[:, ::-1], matrix * known[:, None], -matrix, known)


def test_what_is_saved_is_loaded(tmp_path: Path) -> None:
    parts = parts_of()
    first = save_parts(tmp_path / "a", parts, parents={"encoder": "x"})
    loaded = load_parts(tmp_path / "a")
    assert loaded.ids == parts.ids
    for name in ("title", "description", "behaviour", "ssl", "has_behaviour"):
        np.testing.assert_array_equal(getattr(loaded, name), getattr(parts, name))
    assert save_parts(tmp_path / "b", loaded, parents={"encoder": "x"}).fingerprint == first.fingerprint
    assert save_parts(tmp_path / "c", loaded, parents={"encoder": "y"}).fingerprint != first.fingerprint


def test_a_changed_file_and_another_model_are_refused(tmp_path: Path) -> None:
    save_parts(tmp_path, parts_of(), parents={})
    with pytest.raises(ArtifactError, match="lightgcn"):
        load_lightgcn(tmp_path)
    (tmp_path / "ids.json").write_text('["a", "c", "b"]')
    with pytest.raises(ArtifactError, match=r"ids\.json has SHA-256"):
        load_parts(tmp_path)


def test_parts_that_do_not_fit() -> None:
    parts = parts_of()
    wrong = {
        "ids": ("a", "a", "b"),
        "title": np.zeros((2, 2), np.float32),
        "ssl": np.full((3, 2), np.nan, np.float32),
        "description": np.zeros((3, 2)),
        "has_behaviour": np.zeros(3),
    }
    for name, value in wrong.items():
        with pytest.raises(DataError, match="distinct" if name == "ids" else name):
            replace(parts, **{name: value})  # type: ignore[arg-type]
    with pytest.raises(DataError, match="not zero for an item without behaviour"):
        replace(parts, behaviour=np.ones((3, 2), np.float32))
