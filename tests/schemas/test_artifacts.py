"""References to artifacts travel as JSON and refuse what is not one."""

from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from schemas.artifacts import ArtifactRef, Kind, TableKind
from schemas.tables import TABLES

digests = st.text("0123456789abcdef", min_size=64, max_size=64)
names = st.from_regex(r"[a-z0-9][a-z0-9-]{0,63}", fullmatch=True)
kinds = st.sampled_from([kind for part in get_args(Kind) for kind in (get_args(part) or [part])])
refs = st.builds(
    ArtifactRef, kind=kinds, name=names, version=st.integers(0), key=digests, content=digests, uri=st.text()
)


@given(refs)
def test_a_reference_survives_json(ref: ArtifactRef):
    assert ArtifactRef.model_validate_json(ref.model_dump_json()) == ref
    assert str(ref) == f"{ref.kind}/{ref.name}@{ref.version}"


@pytest.mark.parametrize("wrong", [{"name": "Über"}, {"name": "../x"}, {"kind": "thing"}, {"key": "12"}, {"more": 1}])
def test_what_is_no_reference_is_refused(wrong: dict[str, object]):
    right = {"kind": "passages", "name": "a", "version": 0, "key": "0" * 64, "content": "0" * 64, "uri": "u"}
    ArtifactRef.model_validate(right)
    with pytest.raises(ValidationError):
        ArtifactRef.model_validate({**right, **wrong})


def test_every_table_kind_has_a_schema():
    assert set(get_args(TableKind)) == set(TABLES)
