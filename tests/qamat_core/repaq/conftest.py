"""Tiny models are compiled quickly rather than well."""

from tests.qamat_core.qamat import conftest

_compile_quickly = conftest._compile_quickly  # pyright: ignore[reportPrivateUsage]
