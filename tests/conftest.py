"""What all tests share: an empty home, and the folder of real data."""

import atexit
import os
import shutil
import sys
import tempfile
from pathlib import Path

import absl.logging
import pytest
from hypothesis import settings

from qamat_core.store.store import Store

PROJECT = Path(__file__).parent.parent

# One setting for every process of a session, before any of them loads JAX: programs are compiled quickly rather than
# well, and once. It is never changed within a session: JAX would go on using what it compiled under the old setting,
# and the same work would end in other bits.
os.environ["JAX_DISABLE_MOST_OPTIMIZATIONS"] = "1"
os.environ["JAX_COMPILATION_CACHE_DIR"] = tempfile.mkdtemp(prefix="qamat-tests-")
os.environ["JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS"] = "0.3"
atexit.register(shutil.rmtree, os.environ["JAX_COMPILATION_CACHE_DIR"], ignore_errors=True)

# absl takes the stream that pytest puts in the place of stderr, and closes it when Prefect sets up logging.
absl.logging.get_absl_handler().python_handler.setStream(sys.__stderr__)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """An empty directory for artifacts."""
    return tmp_path / "home"


@pytest.fixture
def store(home: Path) -> Store:
    """A store without artifacts."""
    return Store(home)


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real data, in QAMAT_SHARED_DATA; the test is skipped where it is missing."""
    folder = Path(os.environ.get("QAMAT_SHARED_DATA", PROJECT / ".." / "shared" / "data")).resolve()
    if not folder.is_dir():
        pytest.skip(f"no real data at {folder}: set QAMAT_SHARED_DATA")
    return folder


@pytest.fixture(scope="session")
def askable(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with a model that answers (tests.tasks.tiny_home); copy it before you change it."""
    from tests.tasks.tiny_home import make_home  # noqa: PLC0415 - jax is imported by those alone who want it

    home = tmp_path_factory.mktemp("askable")
    make_home(home)
    return home


settings.register_profile("shared", deadline=None)  # how long an example takes says little on a machine that others use
settings.load_profile("shared")
