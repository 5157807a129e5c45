"""One Prefect server for all tests of flows."""

import pytest

from flows.runtime import prefect_session


@pytest.fixture(scope="session")
def prefect(tmp_path_factory: pytest.TempPathFactory):
    """Let flows run: the same session that the command line uses."""
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("PREFECT_API_URL", raising=False)
        with prefect_session(str(tmp_path_factory.mktemp("prefect"))):
            yield
