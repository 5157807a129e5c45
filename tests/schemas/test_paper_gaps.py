"""docs/paper-gaps.md names fields that there are, with the defaults that they have; each says what it is for."""

import ast
import inspect
import re
from pathlib import Path
from types import ModuleType

import pytest
from pydantic import BaseModel
from pydantic_core import PydanticUndefined

from schemas import corpus, fid, generation, model, passages, qamat, repaq, training

PAGE = Path(__file__).parents[2] / "docs" / "paper-gaps.md"
ROWS = re.findall(r"^\|[^`]*\| `(\w+)\.(\w+)` \| (?:`([^`]+)`)? *\|", PAGE.read_text(), re.MULTILINE)
MODULES: tuple[ModuleType, ...] = (corpus, fid, generation, model, passages, qamat, repaq, training)


def _model(name: str, field: str) -> type[BaseModel]:
    """The configuration of this name that has the field; two are called MultihopConfig."""
    found = [
        getattr(module, name) for module in MODULES if field in getattr(getattr(module, name, None), "model_fields", ())
    ]
    assert found, f"no field {name}.{field}"
    return found[0]


def _documented(kind: type[BaseModel]) -> set[str]:
    """The fields of a class and its bases that a docstring follows."""
    fields: set[str] = set()
    for base in inspect.getmro(kind):
        if issubclass(base, BaseModel) and base.__module__.startswith("schemas."):
            (body,) = ast.parse(inspect.getsource(base)).body
            assert isinstance(body, ast.ClassDef)
            for line, after in zip(body.body, body.body[1:], strict=False):
                if isinstance(line, ast.AnnAssign) and isinstance(after, ast.Expr):
                    fields.add(ast.unparse(line.target))
    return fields


def test_the_page_has_rows():
    assert len(ROWS) > 25


@pytest.mark.parametrize(("name", "field", "default"), ROWS)
def test_a_gap_is_a_documented_field_with_its_default(name: str, field: str, default: str):
    kind = _model(name, field)
    actual = kind.model_fields[field].default
    assert (actual is PydanticUndefined) == (default == "")
    assert not default or ast.literal_eval(default) == actual
    assert field in _documented(kind)
