"""The flows that deployments start: runs with names that tell what they do, and one line for what a user can mend.

An order that is not valid and a ``QamatError`` end a run as *Failed* with one line as its message and in its log.
Anything else is a defect of ours or a fault of the machine and keeps its traceback. Steps are tried again
(``flows.steps``), whole runs never.
"""

import logging
from collections.abc import Callable
from functools import wraps
from typing import Any, Final, TypeVar, cast, get_type_hints

from prefect import Flow, flow
from prefect.client.schemas.objects import State
from prefect.logging import get_run_logger
from prefect.runtime import flow_run
from prefect.states import Completed, Failed
from prefect.utilities.timeout import timeout
from pydantic import ValidationError

from flows.steps import counting
from qamat_core.store.provenance import git_commit
from schemas.errors import ConfigError, QamatError
from schemas.order_forms import Run

O = TypeVar("O", bound=Run)  # noqa: E741 - an order
R = TypeVar("R")


class OnlyPlannedError(Exception):
    """A dry run has shown its plan: it ends well, with this as its message."""


class TookTooLongError(TimeoutError):
    """A run was ended at the limit of its order."""


TOLD: Final = (QamatError, TookTooLongError)
"""What a run's log has in one line already when the engine gives it on to whoever started the run."""


def ordered(name: str, description: str | None = None) -> Callable[[Callable[[O], R]], Flow[[O], R]]:
    """Make a function of an order the flow ``name``; its docstring describes it, if nothing else is given.

    The order is validated here and not by Prefect, whose message has several lines. Outside a run (``Flow.fn``) the
    function is itself.
    """

    def decorate(work: Callable[[O], R]) -> Flow[[O], R]:
        form: type[O] = get_type_hints(work)["order"]

        @wraps(work)
        def run(order: O) -> R:
            return cast("R", _carry_out(work, form, order)) if flow_run.id else work(order)

        return flow(
            name=name,
            flow_run_name=lambda: _run_name(name, form),
            version=_version(),
            description=description,
            validate_parameters=False,
            persist_result=False,
        )(run)

    return decorate


def _carry_out(work: Callable[[O], R], form: type[O], given: object) -> State[Any]:
    try:
        order = _valid(form, given)
        with counting() as tally, timeout(order.hours and order.hours * 3600, TookTooLongError):
            made = work(order)
        return Completed(message=f"{tally.computed} steps made, {tally.reused} found", data=made)
    except OnlyPlannedError as planned:
        return Completed(message=str(planned))
    except TookTooLongError:
        line = "ended after the longest time of its order; ordered again, it goes on where it was"
        return _failed(TookTooLongError(line))
    except QamatError as error:
        return _failed(error)


def _valid(form: type[O], given: object) -> O:
    try:
        return form.model_validate(given)
    except ValidationError as error:
        fault = error.errors()[0]
        place = ".".join(map(str, ("order", *fault["loc"])))
        raise ConfigError(f"{place}: {fault['msg'].removeprefix('Value error, ')}") from None


def _failed(error: Exception) -> State[Any]:
    get_run_logger().error(str(error))
    return Failed(message=str(error), data=error)


def _run_name(name: str, form: type[Run]) -> str:
    try:
        return f"{name} {form.model_validate(flow_run.parameters['order']).title}"
    except ValidationError:
        return name


def _version() -> str:
    """Return the commit of the code in short: deployments have it as their version."""
    commit, dirty, _ = git_commit().partition("+")
    return f"{commit[:10]}{'+dirty' if dirty else ''}"


def _is_news(record: logging.LogRecord) -> bool:
    return not (record.exc_info and isinstance(record.exc_info[1], TOLD))


for _logger in ("prefect.flow_runs", "prefect.engine"):
    logging.getLogger(_logger).addFilter(_is_news)
