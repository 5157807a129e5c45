"""Lists of JSON, element by element."""

import io
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qamat_core.readers import json_elements
from qamat_core.readers.json_elements import json_elements as elements
from qamat_core.readers.lines import BadFileError

values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=8,
)


@given(st.lists(values, max_size=6), st.sampled_from([None, 1]), st.booleans(), st.integers(1, 40))
def test_elements_are_those_of_the_whole_whatever_the_chunk(
    records: list[object], indent: int | None, keyed: bool, chunk: int
) -> None:
    whole = json.dumps({"Version": 1, "Data": records, "Split": "dev"} if keyed else records, indent=indent)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(json_elements, "_CHUNK", max(chunk, 32))
        found = list(elements(io.BytesIO(b"\xef\xbb\xbf" + whole.encode()), "f", "Data" if keyed else None, "list"))
    assert found == records


def test_memory_does_not_grow_with_the_list() -> None:
    asked: list[int] = []

    class Counting(io.BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            asked.append(size or 0)
            return super().read(size)

    content = json.dumps([{"text": "x" * 1000}] * 5000).encode()
    assert sum(1 for _ in elements(Counting(content), "f", None, "list")) == 5000
    assert max(asked) < 1 << 19, "never asks for more than a chunk or what is left of the one before"


def test_an_element_beyond_the_bound_is_refused() -> None:
    content = json.dumps(["x" * 2_000_000]).encode()
    with pytest.raises(BadFileError, match="longer than 1000 characters"):
        list(elements(io.BytesIO(content), "f", None, "list", max_element=1000))
