"""Tiny models are compiled quickly rather than well."""

from tests.qamat_core.qamat.conftest import _compile_quickly as _compile_quickly  # noqa: PLC0414
