"""Questions of many requests are answered together; one that fails spoils no other; nobody waits for those who left."""

import asyncio
from collections.abc import Sequence
from threading import Event

import pytest

from flows.serving.batching import Batcher, BusyError
from schemas.answers import Answer, Asked, Versions

VERSIONS = Versions(checkpoint="c", tokenizer="t", index="i", memory="m")


class Echo:
    """Answers with the question; fails where it is "bad"."""

    def __init__(self) -> None:
        self.batches: list[list[str]] = []
        self.free = Event()
        self.free.set()

    def answer(self, questions: Sequence[Asked]) -> list[Answer]:
        self.free.wait()
        self.batches.append([asked.question for asked in questions])
        if any(asked.question == "bad" for asked in questions):
            raise RuntimeError("bad")
        return [_answer(asked.question) for asked in questions]


def _answer(text: str) -> Answer:
    return Answer(question=text, answer=text, candidate=text, confidence=1, confidence_from="", abstained=False,
                  sum_logprob=0, evidence=(), without=(), versions=VERSIONS)  # fmt: skip


def run(engine: Echo, scenario, max_waiting: int = 100) -> object:
    async def whole() -> object:
        batcher = Batcher(engine, 4, max_waiting)
        batcher.start()
        try:
            return await scenario(batcher)
        finally:
            engine.free.set()
            batcher.stop()

    return asyncio.run(asyncio.wait_for(whole(), 20))


def test_what_waits_is_answered_together_in_order():
    engine = Echo()

    async def scenario(batcher: Batcher) -> list[str]:
        asks = [batcher.answer([Asked(question=f"{number}"), Asked(question=f"{number}b")]) for number in range(5)]
        return [answer.question for answers in await asyncio.gather(*asks) for answer in answers]

    assert run(engine, scenario) == [name for number in range(5) for name in (f"{number}", f"{number}b")]
    assert max(map(len, engine.batches)) == 4
    assert len(engine.batches) < 10


def test_one_that_fails_spoils_no_other():
    async def scenario(batcher: Batcher) -> list[object]:
        asks = [batcher.answer([Asked(question=text)]) for text in ("a", "bad", "b")]
        return await asyncio.gather(*asks, return_exceptions=True)

    first, failed, last = run(Echo(), scenario)  # pyright: ignore[reportGeneralTypeIssues]
    assert [first[0].question, last[0].question] == ["a", "b"]
    assert isinstance(failed, RuntimeError)


def test_more_than_may_wait_are_refused_and_those_who_left_are_not_asked_about():
    engine = Echo()
    engine.free.clear()

    async def scenario(batcher: Batcher) -> None:
        first = asyncio.create_task(batcher.answer([Asked(question="first")]))
        await asyncio.sleep(0.1)  # the thread has taken it
        gone = asyncio.create_task(batcher.answer([Asked(question="gone")] * 2))
        await asyncio.sleep(0)
        with pytest.raises(BusyError):
            await batcher.answer([Asked(question="late")])
        gone.cancel()
        await asyncio.sleep(0.05)
        engine.free.set()
        await first
        await asyncio.sleep(0.05)  # those who left are passed over
        await batcher.answer([Asked(question="next")])

    run(engine, scenario, max_waiting=2)
    assert engine.batches == [["first"], ["next"]]
