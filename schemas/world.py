"""Configuration of the world corpus, the embedded synthetic encyclopedia."""

import math
from typing import Literal

from pydantic import Field, model_validator

from schemas.base import Frozen

Split = Literal["train", "dev", "test"]


class WorldConfig(Frozen):
    """What world to make; the whole world is a pure function of these fields. The defaults are the size ``mini``."""

    seed: int = 0
    dataset: str = Field(default="world", pattern=r"^world[a-z0-9-]*$")
    """What its single-hop questions say that they are of; those of two hops are of ``two_hop_dataset``."""
    persons: int = Field(default=900, ge=1)
    cities: int = Field(default=400, ge=1)
    countries: int = Field(default=100, ge=1)
    companies: int = Field(default=250, ge=1)
    books: int = Field(default=350, ge=1)
    annotation_worlds: int = Field(default=6, ge=0)
    """How many other worlds of the same size, with names of their own, give annotations."""
    train_share: float = Field(default=0.5, gt=0, lt=1)
    dev_share: float = Field(default=0.1, gt=0, lt=1)
    test_share: float = Field(default=0.4, gt=0, lt=1)
    train_questions_per_fact: int = Field(default=3, ge=1, le=4)
    """Different paraphrases asked of each training fact (single-hop) and each training chain (two-hop)."""
    held_out_questions_per_fact: int = Field(default=1, ge=1, le=4)
    """The same for facts and chains of dev and test."""

    @model_validator(mode="after")
    def _check(self) -> "WorldConfig":
        total = self.train_share + self.dev_share + self.test_share
        if not math.isclose(total, 1.0, abs_tol=1e-9):
            raise ValueError(f"train_share, dev_share and test_share add up to {total:g}: make them add up to 1")
        if self.cities < self.countries:
            raise ValueError(f"{self.cities} cities for {self.countries} countries: each country needs its capital")
        return self

    @property
    def two_hop_dataset(self) -> str:
        """The data set of its two-hop questions."""
        return f"{self.dataset}-two-hop"

    @property
    def entities(self) -> int:
        """The number of entities, which is the number of passages."""
        return self.persons + self.cities + self.countries + self.companies + self.books
