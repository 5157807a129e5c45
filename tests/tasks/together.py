"""One of two processes that train a tiny QAMAT together: ``python -m tests.tasks.together HOME PORT INDEX``."""

import sys

from qamat_core.training.processes import join
from schemas.resources import Processes, Resources
from schemas.training import MeshShape
from tests.tasks.test_train_qamat import Chain


def main(home: str, port: str, index: str) -> None:
    """Make everything up to the second stage; the devices of both processes are one mesh."""
    processes = Processes(coordinator=f"localhost:{port}", count=2, index=int(index))
    join(processes)
    chain = Chain(Resources(home=home, mesh=MeshShape(data=2, model=2), processes=processes))
    assert chain.global_.version == 0


if __name__ == "__main__":
    main(*sys.argv[1:])
