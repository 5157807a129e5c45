"""The configuration of the world corpus."""

import pytest
from pydantic import ValidationError

from schemas.world import WorldConfig


def test_shares_must_add_up():
    with pytest.raises(ValidationError, match=r"add up to 1.1: make them add up to 1"):
        WorldConfig(train_share=0.6)


def test_each_country_needs_a_capital():
    with pytest.raises(ValidationError, match="9 cities for 10 countries: each country needs its capital"):
        WorldConfig(cities=9, countries=10)
