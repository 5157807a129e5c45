"""What names of question sets mean, and their counts beside the paper's."""

from schemas.datasets import count_note, data_set
from schemas.sources import SOURCES


def test_a_count_is_told_only_where_it_differs() -> None:
    assert count_note("nq", "test", 3610) is None
    assert count_note("hotpotqa", "train", 90447) == "90,447 questions of HotpotQA train, the paper has 90,564"
    assert count_note("nq", "elsewhere", 1) is None
    assert count_note("world", "dev", 1) is None


def test_every_data_set_of_the_catalogue_is_known() -> None:
    names = {source.dataset for source in SOURCES.values() if source.dataset}
    assert [name for name in sorted(names) if data_set(name).title == name] == []
