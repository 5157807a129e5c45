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


@pytest.fixture
def bare_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let every step be its task's ``run``, without Prefect."""
    from prefect import Task  # noqa: PLC0415 the session sets its environment first

    from flows import steps  # noqa: PLC0415

    for name, step in vars(steps).copy().items():
        if isinstance(step, Task):
            monkeypatch.setattr(steps, name, step.fn.__wrapped__)
