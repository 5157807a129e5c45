"""The configuration of a T5."""

import pytest
from pydantic import ValidationError

from schemas.model import T5Config


def test_a_config_is_frozen_hashable_and_survives_json():
    config = T5Config(num_heads=2, locality_start=(1.0, 0.5))
    assert T5Config.model_validate_json(config.model_dump_json()) == config
    assert hash(config) == hash(T5Config(num_heads=2, locality_start=(1.0, 0.5)))
    with pytest.raises(ValidationError):
        config.num_heads = 3


@pytest.mark.parametrize(
    "wrong", [{"variant": "2.0"}, {"vocab_size": 0}, {"dropout": 1.0}, {"dtype": "float16"}, {"heads": 3}]
)
def test_wrong_fields_are_refused(wrong):
    with pytest.raises(ValidationError):
        T5Config(**wrong)


def test_locality_start_needs_one_slope_a_head():
    with pytest.raises(ValidationError, match="2 slopes for 3 heads: give one a head"):
        T5Config(num_heads=3, locality_start=(1.0, 0.5))


def test_the_largest_distance_lies_beyond_the_exact_buckets():
    with pytest.raises(ValidationError, match="relative_max_distance 16 must be above half of the 32"):
        T5Config(relative_max_distance=16)
