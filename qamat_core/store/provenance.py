"""Where an artifact comes from: git commit, library versions, flow run."""

import os
import subprocess
from contextvars import ContextVar
from functools import cache
from importlib.metadata import distributions
from pathlib import Path

from qamat_core.store.fingerprint import digest_json

flow_run_id: ContextVar[str] = ContextVar("flow_run_id", default="")
"""The id of the flow run that works at present; empty outside a flow."""


@cache
def git_commit() -> str:
    """Return the commit of this source tree, ``+dirty`` if changed (``QAMAT_GIT_COMMIT`` where there is no git)."""
    if commit := os.environ.get("QAMAT_GIT_COMMIT"):
        return commit
    source = Path(__file__).parent
    try:
        commit = _git("rev-parse", "HEAD", cwd=source)
        return commit + ("+dirty" if _git("status", "--porcelain", "-uno", cwd=source) else "")
    except (OSError, subprocess.CalledProcessError):
        return "unknown"


def _git(*arguments: str, cwd: Path) -> str:
    return subprocess.run(["git", *arguments], cwd=cwd, capture_output=True, text=True, check=True).stdout.strip()


@cache
def pins_digest() -> str:
    """Return the SHA-256 over the names and versions of all installed distributions."""
    return digest_json(sorted(f"{item.name}=={item.version}" for item in distributions()))
