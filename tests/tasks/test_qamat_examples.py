from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tasks.qamat_examples import draw_rows


@pytest.fixture
def shards(tmp_path: Path) -> list[Path]:
    paths: list[Path] = []
    for number, rows in enumerate((40, 1, 59)):
        paths.append(tmp_path / f"{number}.parquet")
        pq.write_table(pa.table({"example_id": [f"{number}-{row}" for row in range(rows)]}), paths[-1])
    return paths


def _chosen(shards: list[Path], share: float, seed: int) -> list[str]:
    return [
        example
        for shard, rows in draw_rows(shards, share, seed)
        for example in pq.read_table(shard).take(rows).column("example_id").to_pylist()
    ]


def test_a_larger_share_holds_all_of_a_smaller_one(shards: list[Path]):
    few, more, every = (_chosen(shards, share, 0) for share in (0.05, 0.5, 1.0))
    assert [len(few), len(more)] == [5, 50]
    assert set(few) < set(more) < set(every)
    assert every == [example for shard in shards for example in pq.read_table(shard).column("example_id").to_pylist()]


def test_the_seed_draws_and_one_example_is_left_at_least(shards: list[Path]):
    assert _chosen(shards, 0.5, 0) == _chosen(shards, 0.5, 0)
    assert _chosen(shards, 0.5, 0) != _chosen(shards, 0.5, 1)
    assert len(_chosen(shards, 0.001, 0)) == 1
