"""The error tree is the one that its docstring draws."""

import inspect

from schemas import errors


def test_the_docstring_names_every_error():
    defined = {name for name, value in inspect.getmembers(errors, inspect.isclass)}
    assert all(issubclass(getattr(errors, name), errors.QamatError) for name in defined)
    assert [name for name in sorted(defined) if name not in (errors.__doc__ or "")] == []
