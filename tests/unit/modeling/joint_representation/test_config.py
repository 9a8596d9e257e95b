"""Every problem of a config at once, with the nearest key."""

import pytest

from modeling.errors import ConfigError
from modeling.joint_representation.config import AlignmentConfig, LightGCNConfig, RepresentationConfig


@pytest.mark.parametrize("cls", [LightGCNConfig, AlignmentConfig, RepresentationConfig])
def test_what_is_written_is_read(cls: type[LightGCNConfig]) -> None:
    assert cls.from_mapping(cls().to_mapping()) == cls()


def test_the_published_recipe() -> None:
    config = LightGCNConfig()
    assert (config.dimensions, config.layers, config.learning_rate, config.batch_size) == (128, 3, 1e-3, 2048)
    assert AlignmentConfig().temperature == 1 and RepresentationConfig() == RepresentationConfig("joint", "item", 0)


def test_all_problems_are_told_at_once() -> None:
    with pytest.raises(ConfigError) as caught:
        LightGCNConfig.from_mapping({"dimensions": 0, "learning_rate": "fast", "propagation": "dense", "layer": 2, "seed": True})
    message = str(caught.value)
    for part in (
        "LightGCN",
        "dimensions is 0",
        "learning_rate is 'fast'",
        "propagation is 'dense'",
        "did you mean 'layers'?",
        "seed is True",
    ):
        assert part in message


@pytest.mark.parametrize(
    ("cls", "settings"),
    [
        (AlignmentConfig, {"temperature": 0}),
        (AlignmentConfig, {"held_out_share": 1.0}),
        (AlignmentConfig, {"batch_size": 1}),
        (RepresentationConfig, {"kind": "mix"}),
        (RepresentationConfig, {"normalisation": "row"}),
        (RepresentationConfig, {"pca_dimensions": -1}),
    ],
)
def test_out_of_range(cls: type[AlignmentConfig], settings: dict[str, object]) -> None:
    with pytest.raises(ConfigError, match=next(iter(settings))):
        cls.from_mapping(settings)


def test_a_single_triple_is_a_batch_of_lightgcn() -> None:
    assert LightGCNConfig(batch_size=1).batch_size == 1
