"""Deduplication of what changed: survivors of keys that no change touched are taken over from an earlier version.

In: the rows of a partition now, those that came and went since, and the earlier survivors and duplicates. Out: what
deduplication of all rows gives, row for row.
"""

from dataclasses import dataclass

import polars as pl

from qamat_core.dedup.survivors import Rule, survivors
from schemas.tables import QA_PAIRS


@dataclass(frozen=True)
class Earlier:
    """A partition as it was.

    Attributes:
        came: rows that are new since, with their keys; a changed row went and came.
        gone: rows that are no more, with their keys.
        survivors: ``qa_pairs`` of the partition then.
        duplicates: ``duplicates`` of the partition and rule then.
    """

    came: pl.DataFrame
    gone: pl.DataFrame
    survivors: pl.DataFrame
    duplicates: pl.DataFrame


@dataclass(frozen=True)
class Deduplicated:
    """Survivors and duplicates of a partition, how many keys it has, and how many were deduplicated."""

    survivors: pl.DataFrame
    duplicates: pl.DataFrame
    keys: int
    keys_touched: int


def deduplicate(rule: Rule, keyed: pl.DataFrame, earlier: Earlier | None = None) -> Deduplicated:
    """Return the survivors of all rows of a partition and the duplicates, both sorted by id.

    Args:
        rule: says what is a duplicate of what.
        keyed: rows of ``qa_pairs`` with the column ``key``.
        earlier: what can be taken over; without it, and where ids are not unique, every key is touched.
    """
    keys = keyed["key"].n_unique()
    if earlier is None or any(rows["qa_id"].is_duplicated().any() for rows in (keyed, earlier.survivors)):
        return Deduplicated(*survivors(rule, keyed), keys, keys)
    touched = _touched(earlier)
    kept, fallen = survivors(rule, keyed.join(touched, on="key", how="semi"))
    then = earlier.survivors.with_columns(rule.keys(earlier.survivors).alias("key"))
    stale = then.join(touched, on="key", how="semi").select(survivor_id="qa_id")
    return Deduplicated(
        pl.concat([kept, then.join(touched, on="key", how="anti").select(kept.columns)]).sort("qa_id"),
        pl.concat([fallen, earlier.duplicates.join(stale, on="survivor_id", how="anti")]).sort("qa_id"),
        keys,
        keyed.join(touched, on="key", how="semi")["key"].n_unique(),
    )


def _touched(earlier: Earlier) -> pl.DataFrame:
    """Return the keys whose rows are not the same, and equally many, as before; column ``key``."""
    sides = [earlier.came.with_columns(balance=1), earlier.gone.with_columns(balance=-1)]
    balance = pl.concat(sides).group_by(*QA_PAIRS.names, "key").agg(pl.col("balance").sum())
    return balance.filter(pl.col("balance") != 0).select("key").unique()
