"""What answers at present: an engine with its queue. Another takes its place at once, between two requests."""

from dataclasses import dataclass

from flows.serving.batching import Batcher
from tasks.answering import Engine


@dataclass(frozen=True)
class Serving:
    """An engine and the queue of those who ask it. A request takes one and stays with it to its end."""

    engine: Engine
    batcher: Batcher


class Current:
    """Knows what answers now; belongs to one event loop."""

    def __init__(self, engine: Engine, max_waiting: int) -> None:
        self._max_waiting = max_waiting
        self.now = self._serving(engine)

    def start(self) -> None:
        """Begin to answer."""
        self.now.batcher.start()

    def stop(self) -> None:
        """End after the batch that is answered now."""
        self.now.batcher.stop()

    async def swap(self, engine: Engine) -> None:
        """Let another engine answer what is asked from now on; return when the one before has answered the rest."""
        before, after = self.now, self._serving(engine)
        after.batcher.start()
        self.now = after
        await before.batcher.finish()

    def _serving(self, engine: Engine) -> Serving:
        return Serving(engine, Batcher(engine, engine.most, self._max_waiting))
