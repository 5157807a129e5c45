from dataclasses import replace

import pyarrow as pa
import pytest

from qamat_core.report.figures import collect, from_table, to_table
from schemas.errors import InputError
from tests.qamat_core.report.plausible import metrics

ONE = from_table(metrics())[5]


def test_figures_over_seeds_go_before_single_seeds() -> None:
    over = replace(ONE, value=50.0, seed=None)
    assert collect([to_table([ONE, replace(ONE, seed=1), over])]) == [over]


def test_seeds_that_nobody_summed_up_give_their_mean_without_interval() -> None:
    (mean,) = collect([to_table([replace(ONE, value=40.0)]), to_table([replace(ONE, value=60.0, seed=1)])])
    assert (mean.value, mean.low, mean.high, mean.seed) == (50.0, None, None, None)


def test_the_same_figure_twice_is_one_and_two_values_are_refused() -> None:
    assert len(collect([to_table([ONE]), to_table([ONE])])) == 1
    with pytest.raises(InputError, match="two values for seed 0"):
        collect([to_table([ONE, replace(ONE, value=1.0)])])


def test_the_order_of_artifacts_does_not_count() -> None:
    table = metrics()
    turned = table.take(list(range(table.num_rows))[::-1])
    assert collect([table]) == collect([turned])
    assert collect([table.slice(0, 9), table.slice(9)]) == collect([table])
    assert collect([]) == collect([table.slice(0, 0)]) == []
    assert pa.Table.equals(to_table(from_table(table)), table)
