"""Each kind and both normalisations against cosines written out."""

import dataclasses

import numpy as np
import pytest

from modeling.errors import DataError
from modeling.joint_representation.config import KINDS, RepresentationConfig
from modeling.joint_representation.infer import Matrix, Parts
from modeling.joint_representation.mixture import principal_components, representation, side_by_side


def parts_of(count: int = 20) -> Parts:
    generator = np.random.default_rng(1)
    title, description, behaviour, ssl = (
        generator.standard_normal((count, size)).astype(np.float32) * scale for size, scale in ((6, 1), (5, 2), (4, 3), (4, 0.5))
    )
    known = np.arange(count) != 3
    behaviour[3] = 0
    return Parts(tuple(f"m{row}" for row in range(count)), title, description, behaviour, ssl, known)


def cosines(matrix: Matrix) -> np.ndarray:
    rows = matrix.astype(np.float64)
    norms = np.linalg.norm(rows, axis=1)
    return rows @ rows.T / np.where(norms > 0, norms, 1)[:, None] / np.where(norms > 0, norms, 1)


def scores(kind: str, **settings: object) -> np.ndarray:
    vectors = representation(parts_of(), RepresentationConfig.from_mapping({"kind": kind, **settings}))
    assert vectors.dtype == np.float32
    return vectors @ vectors.T


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("normalisation", ["item", "global"])
@pytest.mark.parametrize("pca", [0, 3])
def test_rows_have_norm_one(kind: str, normalisation: str, pca: int) -> None:
    vectors = representation(parts_of(), RepresentationConfig(kind, normalisation, pca))
    expected = np.ones(20)
    if kind == "behaviour":
        expected[3] = 0
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), expected, atol=1e-6)


def test_kinds_under_item_normalisation_are_means_of_cosines() -> None:
    parts = parts_of()
    text = cosines(np.concatenate([parts.title, parts.description], axis=1))
    behaviour, ssl = cosines(parts.behaviour), cosines(parts.ssl)
    known = np.ix_(parts.has_behaviour, parts.has_behaviour)
    expected = {"title": cosines(parts.title), "description": cosines(parts.description), "text": text, "behaviour": behaviour}
    expected |= {"concat": (text + behaviour) / 2, "joint": (text + behaviour + ssl) / 3}
    for kind, value in expected.items():
        np.testing.assert_allclose(scores(kind)[known], value[known], atol=1e-6)


def test_an_item_without_behaviour_speaks_by_its_text() -> None:
    parts = parts_of()
    text = cosines(np.concatenate([parts.title, parts.description], axis=1))
    np.testing.assert_allclose(scores("concat")[3, 5], text[3, 5] / np.sqrt(2), atol=1e-6)  # 1 x (1/sqrt 2)
    np.testing.assert_allclose(scores("average")[3, 3], 1, atol=1e-6)


def test_average_is_of_the_two_vectors_in_one_space() -> None:
    parts = parts_of()
    units = [part / np.linalg.norm(part, axis=1, keepdims=True) for part in (parts.behaviour[:3], parts.ssl[:3])]
    np.testing.assert_allclose(scores("average")[:3, :3], cosines(units[0] + units[1]), atol=1e-6)


def test_global_normalisation_divides_by_the_largest_row_as_the_released_code() -> None:
    parts = parts_of()
    text = principal_components(np.concatenate([parts.title, parts.description], axis=1), 4)
    scaled = [part / np.linalg.norm(part, axis=1).max() for part in (text, parts.behaviour, parts.ssl)]
    found = scores("joint", normalisation="global", pca_dimensions=4)
    np.testing.assert_allclose(found, cosines(np.concatenate(scaled, axis=1)), atol=1e-5)
    assert np.abs(found - scores("joint", pca_dimensions=4)).max() > 0.01


def test_principal_components_keep_distances_and_order_variance() -> None:
    matrix = parts_of().title
    whole = principal_components(matrix, 6)
    centred = matrix - matrix.mean(0)
    np.testing.assert_allclose(whole @ whole.T, centred @ centred.T, atol=1e-4)
    variances = whole.var(axis=0)
    values = np.sort(np.linalg.eigvalsh(np.cov(matrix.T, bias=True)))[::-1]
    np.testing.assert_allclose(variances, values, rtol=1e-4)
    np.testing.assert_array_equal(principal_components(matrix, 2), whole[:, :2])


def test_the_sign_of_an_axis_is_fixed() -> None:
    """Rows along one axis: its largest entry is positive, whichever way the rows run."""
    axis = np.array([[0.6, -0.8]], np.float32)
    found = principal_components(np.array([[-1.0], [0.0], [1.0]], np.float32) * axis, 1)
    np.testing.assert_allclose(found[:, 0], [1, 0, -1], atol=1e-6)  # 0.8, the larger one, is negative along the rows


def test_more_axes_than_there_are() -> None:
    with pytest.raises(DataError, match="pca_dimensions"):
        representation(parts_of(), RepresentationConfig("title", pca_dimensions=7))


def test_side_by_side_every_part_has_length_one_of_its_own() -> None:
    parts = parts_of()
    found = side_by_side(parts)
    assert found.dtype == np.float32 and found.shape == (20, 11 + 4 + 4)
    expected = np.ones(20)
    np.testing.assert_allclose(np.linalg.norm(found[:, :11], axis=1), expected, atol=1e-6)
    np.testing.assert_allclose(np.linalg.norm(found[:, 15:], axis=1), expected, atol=1e-6)
    expected[3] = 0
    np.testing.assert_allclose(np.linalg.norm(found[:, 11:15], axis=1), expected, atol=1e-6)


def test_side_by_side_blocks_are_text_behaviour_and_aligned_text_in_this_order() -> None:
    parts = parts_of()
    text = np.concatenate([parts.title, parts.description], axis=1)
    blocks = np.split(side_by_side(parts).astype(np.float64), [11, 15], axis=1)
    for block, part in zip(blocks, (text, parts.behaviour, parts.ssl), strict=True):
        np.testing.assert_allclose(block @ block.T, cosines(part), atol=1e-6)
        np.testing.assert_allclose((block * part).sum(1), np.linalg.norm(part, axis=1), rtol=1e-5, atol=1e-6)  # the same directions


def test_side_by_side_text_is_as_long_with_behaviour_as_without() -> None:
    parts = parts_of()
    unknown = dataclasses.replace(parts, behaviour=np.zeros_like(parts.behaviour), has_behaviour=np.zeros(20, bool))
    np.testing.assert_array_equal(side_by_side(unknown)[:, :11], side_by_side(parts)[:, :11])
    joint = RepresentationConfig("joint")
    assert np.abs(representation(unknown, joint)[:, :11] - representation(parts, joint)[:, :11]).max() > 0.01


def test_side_by_side_does_not_depend_on_the_scale_of_a_part() -> None:
    parts = parts_of()
    scaled = dataclasses.replace(
        parts, title=parts.title * 4, description=parts.description * 4, behaviour=parts.behaviour * np.float32(0.125)
    )
    np.testing.assert_allclose(side_by_side(scaled), side_by_side(parts), atol=1e-6)
