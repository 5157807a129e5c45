"""A server follows a tag: another bundle takes over without a request that fails, or that two bundles answered."""

import logging
import shutil
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import httpx
import pytest

from flows.serving.follower import Follower, follow
from flows.serving.settings import ServingSettings
from qamat_core.store.store import Store
from qamat_core.store.tags import move_tag
from schemas.answers import Answer, Asked, Evidence, Versions
from schemas.artifacts import ArtifactRef
from schemas.errors import CorruptArtifactError, IncompatibleArtifactError, MissingArtifactError
from schemas.promotion import BundleConfig
from schemas.resources import Resources
from tasks import build_bundle
from tasks.answering import Engine
from tests.flows.serving.conftest import listening
from tests.qamat_core.qamat import tiny
from tests.tasks.tiny_home import make_checkpoint

TAG = "production"
QUESTIONS = [f"Where does {name} live?" for name in tiny.PEOPLE]
READS = {"one": 1, "two": 2, "broken": 3}
"""Bundle -> the entries that it reads: by these a reply tells who made it."""


def bundle(name: str) -> ArtifactRef:
    digest = name.encode().hex().ljust(64, "0")
    return ArtifactRef(kind="bundle", name=name, version=0, key=digest, content=digest, uri=f"bundle/{name}")


class Echo:
    """Stands for an engine: takes its time, and answers with what it is."""

    most = 4

    def __init__(self, ref: ArtifactRef) -> None:
        self.name = ref.name
        self.versions = Versions(
            checkpoint=f"checkpoint/{ref.name}@0", tokenizer="t", index="i", memory="m", bundle=str(ref)
        )

    def about(self) -> dict[str, Any]:
        return {"entries": 9, "backend": "exact", "top_k": 2, "min_confidence": 0.0, "confidence_from": "nothing"}

    def check(self, asked: Asked) -> None:
        asked.check()

    def answer(self, questions: Sequence[Asked]) -> list[Answer]:
        time.sleep(0.01)
        read = Evidence(
            qa_id="q", question="?", answer="a", origin="gold", generator=None, title=None, passage=None, span=None,
            weight=1.0,
        )  # fmt: skip
        return [
            Answer(
                question=asked.question, answer="a", candidate="a", confidence=1.0, confidence_from="nothing",
                abstained=False, sum_logprob=0.0, evidence=(read,) * READS[self.name], without=(),
                versions=self.versions,
            )
            for asked in questions
        ]  # fmt: skip


@dataclass
class Tag:
    """Stands for a tag in a registry, and for the bundles of a home."""

    target: ArtifactRef = field(default_factory=lambda: bundle("one"))
    lost: bool = False
    damaged: set[str] = field(default_factory=lambda: {"broken"})
    opened: list[str] = field(default_factory=list[str])

    def find(self) -> ArtifactRef:
        if self.lost:
            raise OSError("the home is away")
        return self.target

    def open(self, ref: ArtifactRef) -> Engine:
        self.opened.append(ref.name)
        if ref.name in self.damaged:
            raise CorruptArtifactError(f"/home/{ref.name}: does not have its registered SHA-256")
        return cast("Engine", Echo(ref))

    def move(self, name: str) -> None:
        self.target = bundle(name)


@pytest.fixture
def tag() -> Tag:
    return Tag()


@pytest.fixture
def url(tag: Tag) -> Iterator[str]:
    follower = Follower(TAG, tag.target, tag.find, tag.open, seconds=0.02)
    with listening(tag.open(tag.target), ServingSettings(), follower) as served:
        yield served


@pytest.fixture
def log() -> Iterator[list[logging.LogRecord]]:
    """What the server writes into its log, however logging is set up by now."""
    records: list[logging.LogRecord] = []
    handler = logging.Handler()
    handler.emit = records.append
    logger = logging.getLogger("qamat.serving")
    logger.addHandler(handler)
    yield records
    logger.removeHandler(handler)


def until(happened: Callable[[], bool]) -> None:
    end = time.monotonic() + 120
    while not happened():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.02)


def following(url: str) -> dict[str, Any]:
    health = httpx.get(f"{url}/health").raise_for_status().json()
    assert health["status"] == "ready"
    return health["following"]


def served_by(url: str, name: str) -> bool:
    return following(url)["bundle"] == f"bundle/{name}@0"


@dataclass
class Client:
    """Asks without a pause, one and several at once; keeps which bundle replied, in order, and what went wrong."""

    url: str
    replied: list[str] = field(default_factory=list[str])
    faults: list[str] = field(default_factory=list[str])
    ended: threading.Event = field(default_factory=threading.Event)

    def run(self) -> None:
        with httpx.Client(base_url=self.url, timeout=60) as http:
            number = 0
            while not self.ended.is_set():
                asked = [{"question": question} for question in QUESTIONS[number % 7 : number % 7 + number % 3 + 1]]
                single = number % 3 == 0
                reply = http.post("/ask", json=asked[0]) if single else http.post("/batch", json={"questions": asked})
                number += 1
                if reply.status_code != 200:
                    self.faults.append(reply.text)
                else:
                    self.look([reply.json()] if single else reply.json()["answers"])

    def look(self, answers: list[dict[str, Any]]) -> None:
        makers = {answer["versions"]["bundle"] for answer in answers}
        for answer in answers:
            name = answer["versions"]["bundle"].removeprefix("bundle/").partition("@")[0]
            if answer["versions"]["checkpoint"] != f"checkpoint/{name}@0" or len(answer["evidence"]) != READS[name]:
                self.faults.append(f"mixed: {answer}")
        if len(makers) > 1:
            self.faults.append(f"one request, {makers}")
        self.replied += makers


def test_another_bundle_takes_over_while_many_ask(tag: Tag, url: str):
    clients = [Client(url) for _ in range(6)]
    threads = [threading.Thread(target=client.run, daemon=True) for client in clients]
    for thread in threads:
        thread.start()

    def all_go_on() -> None:
        counts = [len(client.replied) for client in clients]
        until(lambda: all(len(client.replied) > count for client, count in zip(clients, counts, strict=True)))

    for name in ("two", "one", "two"):
        all_go_on()
        tag.move(name)
        until(lambda now=name: served_by(url, now))
    all_go_on()
    for client, thread in zip(clients, threads, strict=True):
        client.ended.set()
        thread.join()
    assert [client.faults for client in clients] == [[]] * len(clients)
    for client in clients:
        changes = [now for before, now in zip(["", *client.replied], client.replied, strict=False) if now != before]
        assert changes[0] == "bundle/one@0"
        assert changes[-1] == "bundle/two@0"
        assert len(changes) <= 4, "none comes back once another has taken over"
    assert httpx.get(f"{url}/version").json()["bundle"] == "bundle/two@0"


def test_a_version_can_be_insisted_on(tag: Tag, url: str):
    asked = {"question": QUESTIONS[0], "version": "bundle/one@0"}
    assert httpx.post(f"{url}/ask", json=asked).status_code == 200
    tag.move("two")
    until(lambda: served_by(url, "two"))
    refused = httpx.post(f"{url}/ask", json=asked)
    assert refused.status_code == 409
    assert "bundle/two@0" in refused.json()["error"]


def test_a_broken_bundle_leaves_the_old_one_serving(tag: Tag, url: str, log: list[logging.LogRecord]):
    tag.move("broken")
    until(lambda: following(url)["refused"] == "bundle/broken@0" and len(tag.opened) > 2)
    assert served_by(url, "one")
    assert httpx.post(f"{url}/ask", json={"question": QUESTIONS[0]}).json()["versions"]["bundle"] == "bundle/one@0"
    (line,) = [record for record in log if "cannot be opened" in record.getMessage()]
    assert line.getMessage() == (
        "bundle/broken@0 cannot be opened, bundle/one@0 goes on answering: /home/broken: does not have its registered "
        "SHA-256"
    )
    assert line.exc_info is None, "no traceback for what a person can mend"
    assert "/home" not in httpx.get(f"{url}/health").text
    tag.damaged.clear()
    until(lambda: served_by(url, "broken"))
    assert following(url) == {"tag": TAG, "bundle": "bundle/broken@0", "opening": None, "refused": None, "lost": False}


def test_a_tag_that_cannot_be_looked_up_is_told_and_found_again(tag: Tag, url: str, log: list[logging.LogRecord]):
    tag.lost = True
    until(lambda: following(url)["lost"])
    assert httpx.post(f"{url}/ask", json={"question": QUESTIONS[0]}).status_code == 200
    tag.lost = False
    until(lambda: not following(url)["lost"])
    assert len([record for record in log if "cannot be looked up" in record.getMessage()]) == 1
    tag.move("two")
    until(lambda: served_by(url, "two"))


def test_it_is_tried_less_and_less_often(tag: Tag):
    follower = Follower(TAG, tag.target, tag.find, tag.open, seconds=5)
    tag.move("broken")
    pauses: list[float] = []
    for _ in range(9):
        follower._look()
        pauses.append(follower._pause)
    assert pauses == [5, 10, 20, 40, 80, 160, 300, 300, 300]
    tag.move("one")
    follower._look()
    assert (follower.state.refused, follower._pause) == (None, 5)


@pytest.fixture
def store(askable: Path, tmp_path: Path) -> Store:
    """A home with a tag for the first of two bundles that read one entry and two."""
    store = Store(shutil.copytree(askable, tmp_path / "home"))
    tokenizer, index = store.newest("tokenizer", "m"), store.newest("index", "encoder")
    given = {"index": index, "start": store.newest("checkpoint", "encoder")}
    for name in ("one", "two"):
        model = make_checkpoint(store, tokenizer, name, 1.0, given)
        parts = build_bundle.BundleInputs(model, index, store.newest("qa_pairs", "m"), tokenizer)
        config, resources = BundleConfig(top_k=READS[name]), Resources(home=str(store.home))
        build_bundle.run(config, parts, name=name, resources=resources)
    move_tag(store.registry, TAG, store.newest("bundle", "one"))
    return store


def test_bundles_of_a_home_are_followed(store: Store):
    weights = store.open_directory(store.newest("checkpoint", "two")) / "model.safetensors"
    whole = weights.read_bytes()
    weights.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    engine, follower = follow(str(store.home), TAG, batch_sizes=(4,), seconds=0.05)
    with listening(engine, ServingSettings(), follower) as url:
        client = Client(url)
        client.look([httpx.post(f"{url}/ask", json={"question": QUESTIONS[0]}).json()])
        move_tag(store.registry, TAG, store.newest("bundle", "two"))
        until(lambda: following(url)["refused"] == "bundle/two@0")
        client.look([httpx.post(f"{url}/ask", json={"question": QUESTIONS[0]}).json()])
        weights.write_bytes(whole)
        until(lambda: served_by(url, "two"))
        client.look([httpx.post(f"{url}/ask", json={"question": QUESTIONS[0]}).json()])
    assert client.faults == []
    assert client.replied == ["bundle/one@0", "bundle/one@0", "bundle/two@0"]


def test_what_cannot_be_followed_is_refused_at_the_start(store: Store):
    with pytest.raises(MissingArtifactError, match="there is no tag 'nothing'; tags: production"):
        follow(str(store.home), "nothing")
    move_tag(store.registry, "model", store.newest("checkpoint", "one"))
    with pytest.raises(IncompatibleArtifactError, match=r"model \(checkpoint/one@0\) names no bundle"):
        follow(str(store.home), "model")
