"""Programs that some tests need and pip does not bring: without them a test is skipped, in CI it fails."""

import os
import shutil
from typing import NoReturn

import pytest


def chromium() -> str:
    """Return the path of a Chromium."""
    found = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    return found or missing("no Chromium on this machine: install one to test the pages")


def missing(reason: str) -> NoReturn:
    """End a test for want of a program; CI installs them (.ci/run), so there it is a fault."""
    if os.environ.get("CI"):
        pytest.fail(reason)
    pytest.skip(reason)
