"""Many requests, one model: questions wait in a queue, and one thread answers as many as there are together."""

import asyncio
from collections import deque
from collections.abc import Sequence
from threading import Condition, Thread
from typing import Final, NamedTuple, Protocol

from schemas.answers import Answer, Asked

LINGER: Final = 0.002
"""Seconds that the first question of a batch waits for others."""


class Answers(Protocol):
    """What answers: ``tasks.answering.Engine``."""

    def answer(self, questions: Sequence[Asked]) -> list[Answer]:
        """Answer questions, in their order."""
        ...


class BusyError(Exception):
    """Too many questions wait already."""


class _Waiting(NamedTuple):
    asked: Asked
    answer: "asyncio.Future[Answer]"


class Batcher:
    """Gathers questions and answers them in batches; belongs to one event loop."""

    def __init__(self, engine: Answers, most: int, max_waiting: int) -> None:
        self._engine, self._most, self._max_waiting = engine, most, max_waiting
        self._queue: deque[_Waiting] = deque()
        self._changed = Condition()
        self._ended = False
        self._finishing = False
        self._thread = Thread(target=self._work, name="answers", daemon=True)

    def start(self) -> None:
        """Begin to answer."""
        self._loop = asyncio.get_running_loop()
        self._thread.start()

    def stop(self) -> None:
        """End after the batch that is answered now."""
        with self._changed:
            self._ended = True
            self._changed.notify()
        self._thread.join()

    async def finish(self) -> None:
        """End after everything that waits now; nothing more may be asked."""
        with self._changed:
            self._finishing = True
            self._changed.notify()
        await asyncio.to_thread(self._thread.join)

    async def answer(self, questions: Sequence[Asked]) -> list[Answer]:
        """Answer questions, in their order, together with those of other requests.

        Raises:
            BusyError: too many wait; none of these was taken.
        """
        waiting = [_Waiting(asked, self._loop.create_future()) for asked in questions]
        with self._changed:
            if len(self._queue) + len(waiting) > self._max_waiting:
                raise BusyError
            self._queue.extend(waiting)
            self._changed.notify()
        return await asyncio.gather(*(one.answer for one in waiting))

    def _work(self) -> None:
        while batch := self._next():
            self._answer([one for one in batch if not one.answer.cancelled()])

    def _next(self) -> list[_Waiting]:
        """Wait for questions and return a batch of them; an empty one at the end."""
        with self._changed:
            self._changed.wait_for(lambda: self._queue or self._ended or self._finishing)
            self._changed.wait_for(lambda: len(self._queue) >= self._most or self._ended or self._finishing, LINGER)
            if self._ended:
                return []
            return [self._queue.popleft() for _ in range(min(self._most, len(self._queue)))]

    def _answer(self, batch: list[_Waiting]) -> None:
        """Answer a batch; where that fails, each question alone, so that one does not spoil the others."""
        if not batch:
            return
        try:
            answers = self._engine.answer([one.asked for one in batch])
        except Exception as error:
            if len(batch) > 1:
                for one in batch:
                    self._answer([one])
                return
            self._loop.call_soon_threadsafe(_fail, batch[0].answer, error)
            return
        self._loop.call_soon_threadsafe(_settle, batch, answers)


def _settle(batch: list[_Waiting], answers: list[Answer]) -> None:
    for one, answer in zip(batch, answers, strict=True):
        if not one.answer.done():
            one.answer.set_result(answer)


def _fail(future: "asyncio.Future[Answer]", error: Exception) -> None:
    if not future.done():
        future.set_exception(error)
