"""The share of rejects and its limit."""

import pytest

from qamat_core.readers.accounting import read_all
from schemas.errors import InputError, RejectLimitError
from schemas.records import Passage, Reject


def items(good: int, bad: int) -> list[Passage | Reject]:
    passages = [Passage.of("s", str(number), "", "text") for number in range(good)]
    return [*passages, *(Reject(f"f.jsonl:{number + 1}", "{", "malformed JSON") for number in range(bad))]


def test_at_the_limit_the_run_goes_on() -> None:
    result = read_all(items(99, 1), "f.jsonl")
    assert (len(result.records), len(result.rejects), result.read) == (99, 1, 100)


def test_over_the_limit_it_stops_with_file_counts_reason_and_remedy() -> None:
    with pytest.raises(RejectLimitError) as caught:
        read_all(items(98, 2), "/data/f.jsonl")
    assert str(caught.value) == (
        "/data/f.jsonl: 2 of 100 records rejected, more than 1.00%; the first is f.jsonl:1: malformed JSON; "
        "mend the file or raise max_reject_share"
    )


def test_the_share_is_the_caller_s() -> None:
    assert read_all(items(1, 1), "f", max_reject_share=0.5).read == 2
    assert read_all(items(0, 3), "f", max_reject_share=1.0).records == []
    with pytest.raises(RejectLimitError):
        read_all(items(1000, 1), "f", max_reject_share=0.0)


def test_an_empty_source_is_an_error() -> None:
    with pytest.raises(InputError, match="f: no records"):
        read_all(items(0, 0), "f")
