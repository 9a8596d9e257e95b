"""One vector per item from its parts: which parts, how they are scaled, and unit rows, so that a dot product is the score."""

import numpy as np
import numpy.typing as npt

from modeling.errors import DataError
from modeling.joint_representation.config import RepresentationConfig
from modeling.joint_representation.infer import Matrix, Parts


def representation(parts: Parts, config: RepresentationConfig) -> Matrix:
    """Float32 [items, d] with rows of norm 1, or 0 where every part is zero; the dot product of two rows is their score.

    Each part of the kind is scaled, the scaled parts are joined, and the joined row is divided by its norm (the released code's
    cosine on the concatenation; under 'item' the paper's dot product up to that norm, which is smaller for an item without
    behaviour: its text then speaks alone). Text counts as one part, title and description end to end.

    'average' is the mean of the two scaled vectors that live in one space, behaviour and aligned text. The released code's 'mix2', the
    mean of two row-wise softmaxed cosine matrices, is a similarity that no vectors have; as cosines lie in [-1, 1], it ranks nearly
    as 'concat' does.
    """
    text = [np.concatenate([parts.title, parts.description], axis=1)]
    chosen = {
        "title": [parts.title],
        "description": [parts.description],
        "text": text,
        "behaviour": [],
        "average": [],
        "concat": text,
        "joint": text,
    }[config.kind]
    if config.pca_dimensions:
        chosen = [principal_components(part, config.pca_dimensions) for part in chosen]
    if config.kind in ("behaviour", "average", "concat", "joint"):
        chosen = [*chosen, parts.behaviour]
    if config.kind in ("average", "joint"):
        chosen = [*chosen, parts.ssl]
    scaled = [_scaled(part.astype(np.float64), config.normalisation) for part in chosen]
    joined = (scaled[0] + scaled[1]) / 2 if config.kind == "average" else np.concatenate(scaled, axis=1)
    return _scaled(joined, "item").astype(np.float32)


def principal_components(matrix: Matrix, dimensions: int) -> Matrix:
    """The centred rows on their first `dimensions` principal axes, [items, dimensions], fitted on all of them.

    The sign of an axis is such that its entry of largest magnitude is positive, so that the result does not depend on the solver.
    DataError when there are not as many axes.
    """
    if dimensions > min(matrix.shape):
        raise DataError(f"PCA of {matrix.shape[0]} items with {matrix.shape[1]} numbers: asked for {dimensions} axes; lower pca_dimensions")
    centred = matrix.astype(np.float64) - matrix.mean(axis=0, dtype=np.float64)
    axes = np.linalg.svd(centred, full_matrices=False)[2][:dimensions]
    largest = np.take_along_axis(axes, np.abs(axes).argmax(axis=1)[:, None], axis=1)
    found: Matrix = (centred @ (axes * np.sign(largest)).T).astype(np.float32)
    return found


def _scaled(part: npt.NDArray[np.float64], normalisation: str) -> npt.NDArray[np.float64]:
    norms = np.linalg.norm(part, axis=1, keepdims=True)
    if normalisation == "global":
        norms = norms.max(keepdims=True)
    found: npt.NDArray[np.float64] = np.divide(part, norms, out=np.zeros_like(part), where=norms > 0)
    return found


def side_by_side(parts: Parts) -> Matrix:
    """Text, behaviour and aligned text end to end, each of length 1 by itself, float32 [items, t + 2 d]: for models that learn weights.

    Unlike in `representation` a row is not scaled as a whole: the text of an item without behaviour is no longer than that of others.
    """
    text = np.concatenate([parts.title, parts.description], axis=1)
    scaled = [_scaled(part.astype(np.float64), "item") for part in (text, parts.behaviour, parts.ssl)]
    found: Matrix = np.concatenate(scaled, axis=1).astype(np.float32)
    return found
