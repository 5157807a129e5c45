"""Keys: they change with what decides the work, and with nothing else."""

import ast
import importlib
import json
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qamat_core.store import fingerprint
from qamat_core.store.fingerprint import artifact_key, code_digest, digest_json, first_party_sources, library_versions
from qamat_core.store.store import Store
from tests.qamat_core.store.jobs import MODULE, RejectsConfig, make_table, table_job

CACHED = [code_digest, fingerprint.code_of, fingerprint._imports, fingerprint._is_module, fingerprint._source_of]


def forget() -> None:
    """Let packages be found and sources be read again."""
    importlib.invalidate_caches()
    for module in [name for name in sys.modules if name.split(".")[0] == "house"]:
        del sys.modules[module]
    for function in CACHED:
        function.cache_clear()


@pytest.fixture
def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """A first-party package: ``job`` imports ``model``, which imports ``layers``; ``other`` stands apart."""
    package = tmp_path / "house"
    (package / "nested").mkdir(parents=True)
    for path in ("__init__.py", "nested/__init__.py"):
        (package / path).touch()
    (package / "job.py").write_text("import json\nfrom house import model\nimport pydantic\n")
    (package / "model.py").write_text("def load():\n    from house.nested.layers import size\n    return size\n")
    (package / "nested" / "layers.py").write_text("size = 1\n")
    (package / "other.py").write_text("size = 1\n")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(fingerprint, "FIRST_PARTY", ("house",))
    forget()
    yield package
    forget()


def digest() -> str:
    forget()
    return code_digest("house.job")


def test_sources_are_found_through_all_imports(house: Path):
    assert list(first_party_sources("house.job")) == ["house", "house.job", "house.model", "house.nested.layers"]


def test_a_changed_source_changes_the_digest_of_what_imports_it(house: Path):
    before = digest()
    (house / "other.py").write_text("size = 2\n")
    assert digest() == before
    (house / "nested" / "layers.py").write_text("size = 2\n")
    assert digest() != before


def test_a_parser_that_fails_now_and_then_is_asked_again(house: Path, monkeypatch: pytest.MonkeyPatch):
    whole, parse, failing = digest(), ast.parse, iter([True, True])

    def sometimes(source: str) -> ast.Module:
        if next(failing, False):
            raise SystemError("AST constructor recursion depth mismatch (before=129, after=74)")
        return parse(source)

    monkeypatch.setattr(ast, "parse", sometimes)
    assert digest() == whole
    assert not list(failing)


def test_the_libraries_that_sources_name_are_part_of_the_digest(house: Path, monkeypatch: pytest.MonkeyPatch):
    assert list(library_versions([house / "job.py"])) == ["pydantic"]
    before = digest()
    monkeypatch.setattr(fingerprint, "version", lambda _: "0.0.1")
    assert digest() != before


def test_each_part_changes_the_key_and_their_order_does_not(store: Store):
    first, second = make_table(store, "a"), make_table(store, "b", "other")

    def key(kind="rejects", name="small", config=None, module=MODULE, **inputs) -> str:
        return artifact_key(kind, name, config or RejectsConfig(), inputs, module)

    keys = [
        key(),
        key(kind="passages"),
        key(name="large"),
        key(config=RejectsConfig(text="b")),
        key(module="schemas.errors"),
        key(left=first),
        key(right=first),
        key(left=second),
        key(left=first, right=second),
        key(left=second, right=first),
    ]
    assert len(set(keys)) == len(keys)
    assert key(left=first, right=second) == key(right=second, left=first)


def test_an_input_counts_by_its_content_alone(store: Store):
    """Work is not done again because an input was made by another way or under another name."""
    one, same = make_table(store, name="one"), make_table(store, name="same")
    assert table_job(None, "small", given=one).keys() == table_job(None, "small", given=same).keys()


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(st.text(), json_values, max_size=5))
def test_a_digest_does_not_depend_on_the_order_of_keys(value: dict[str, object]):
    assert digest_json(value) == digest_json(dict(reversed(value.items())))


@given(json_values, json_values)
def test_different_values_have_different_digests(one: object, other: object):
    texts = [json.dumps(value, sort_keys=True) for value in (one, other)]  # Python takes False for 0, JSON does not
    assert (digest_json(one) == digest_json(other)) == (texts[0] == texts[1])
