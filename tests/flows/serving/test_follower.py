"""A server follows a tag: another bundle takes over without a request that fails, or that two bundles answered."""

import shutil
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest

from flows.serving.follower import Follower, follow
from flows.serving.settings import ServingSettings
from qamat_core.store.store import Store
from qamat_core.store.tags import move_tag, roll_back
from schemas.artifacts import ArtifactRef
from schemas.errors import IncompatibleArtifactError, MissingArtifactError
from schemas.promotion import BundleConfig
from schemas.resources import Resources
from tasks import build_bundle
from tests.flows.serving.conftest import listening
from tests.qamat_core.qamat import tiny
from tests.tasks.tiny_home import make_checkpoint

TAG = "production"
QUESTIONS = [f"Where does {name} live?" for name in tiny.PEOPLE]
READS = {"one": 1, "two": 2}
"""Bundle -> the entries that it reads: by these a reply tells who made it."""


@dataclass
class Home:
    """A home with two bundles, and one whose checkpoint can be damaged."""

    store: Store
    bundles: dict[str, ArtifactRef]

    def move(self, name: str) -> None:
        move_tag(self.store.registry, TAG, self.bundles[name])


@pytest.fixture
def home(askable: Path, tmp_path: Path) -> Home:
    store = Store(shutil.copytree(askable, tmp_path / "home"))
    tokenizer, index = store.newest("tokenizer", "m"), store.newest("index", "encoder")
    given = {"index": index, "start": store.newest("checkpoint", "encoder")}
    made = Home(store, {})
    for name, top_k in {**READS, "broken": 2}.items():
        model = make_checkpoint(store, tokenizer, name, 1.0, given)
        parts = build_bundle.BundleInputs(model, index, store.newest("qa_pairs", "m"), tokenizer)
        resources = Resources(home=str(store.home))
        made.bundles[name] = build_bundle.run(BundleConfig(top_k=top_k), parts, name=name, resources=resources)
    made.move("one")
    return made


@pytest.fixture
def url(home: Home) -> Iterator[str]:
    engine, follower = follow(str(home.store.home), TAG, batch_sizes=(4,), seconds=0.05)
    with listening(engine, ServingSettings(), follower) as served:
        yield served


def until(happened: Callable[[], bool]) -> None:
    end = time.monotonic() + 120
    while not happened():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.02)


def following(url: str) -> dict[str, Any]:
    health = httpx.get(f"{url}/health").raise_for_status().json()
    assert health["status"] == "ready"
    return health["following"]


def served_by(url: str, bundle: ArtifactRef) -> bool:
    return following(url)["bundle"] == str(bundle)


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


def test_another_bundle_takes_over_while_many_ask(home: Home, url: str):
    clients = [Client(url) for _ in range(6)]
    threads = [threading.Thread(target=client.run) for client in clients]
    for thread in threads:
        thread.start()
    for name in ("two", "one", "two"):
        answered = [len(client.replied) for client in clients]
        until(lambda counts=answered: all(len(c.replied) > n for c, n in zip(clients, counts, strict=True)))
        home.move(name)
        until(lambda now=name: served_by(url, home.bundles[now]))
    counts = [len(client.replied) for client in clients]
    until(lambda: all(len(client.replied) > count for client, count in zip(clients, counts, strict=True)))
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


def test_a_rollback_is_followed_and_a_version_can_be_insisted_on(home: Home, url: str):
    asked = {"question": QUESTIONS[0], "version": "bundle/one@0"}
    assert httpx.post(f"{url}/ask", json=asked).status_code == 200
    home.move("two")
    until(lambda: served_by(url, home.bundles["two"]))
    refused = httpx.post(f"{url}/ask", json=asked)
    assert refused.status_code == 409
    assert "bundle/two@0" in refused.json()["error"]
    roll_back(home.store.registry, TAG)
    until(lambda: served_by(url, home.bundles["one"]))
    assert httpx.post(f"{url}/ask", json=asked).status_code == 200


def test_a_broken_bundle_leaves_the_old_one_serving(home: Home, url: str, caplog: pytest.LogCaptureFixture):
    broken = home.store.row(home.bundles["broken"]).inputs["checkpoint"]
    weights = home.store.home / broken.uri / "model.safetensors"
    whole = weights.read_bytes()
    weights.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    home.move("broken")
    until(lambda: following(url).get("refused") == "bundle/broken@0")
    assert served_by(url, home.bundles["one"])
    assert httpx.post(f"{url}/ask", json={"question": QUESTIONS[0]}).json()["versions"]["bundle"] == "bundle/one@0"
    (line,) = [record for record in caplog.records if "cannot be opened" in record.getMessage()]
    assert line.getMessage().startswith("bundle/broken@0 cannot be opened, bundle/one@0 goes on answering: ")
    assert str(weights) in line.getMessage()
    assert line.exc_info is None, "no traceback for what a person can mend"
    assert str(weights) not in httpx.get(f"{url}/health").text
    weights.write_bytes(whole)
    until(lambda: served_by(url, home.bundles["broken"]))
    assert following(url) == {"tag": TAG, "bundle": "bundle/broken@0", "opening": None, "refused": None, "lost": False}


def test_a_tag_that_cannot_be_looked_up_is_told_and_found_again(home: Home, url: str, caplog: pytest.LogCaptureFixture):
    registry = home.store.home / "registry"
    registry.rename(registry.with_name("away"))
    until(lambda: following(url)["lost"])
    assert httpx.post(f"{url}/ask", json={"question": QUESTIONS[0]}).status_code == 200
    registry.with_name("away").rename(registry)
    until(lambda: not following(url)["lost"])
    assert len([record for record in caplog.records if "cannot be looked up" in record.getMessage()]) == 1
    home.move("two")
    until(lambda: served_by(url, home.bundles["two"]))


def test_what_cannot_be_followed_is_refused_at_the_start(home: Home):
    with pytest.raises(MissingArtifactError, match="there is no tag 'nothing'; tags: production"):
        follow(str(home.store.home), "nothing")
    move_tag(home.store.registry, "model", home.store.newest("checkpoint", "one"))
    with pytest.raises(IncompatibleArtifactError, match=r"model \(checkpoint/one@0\) names no bundle"):
        follow(str(home.store.home), "model")


def test_it_is_tried_less_and_less_often(home: Home, monkeypatch: pytest.MonkeyPatch):
    def fails(_: ArtifactRef) -> Any:
        raise RuntimeError("no memory")

    follower = Follower(TAG, home.bundles["one"], lambda: home.bundles["two"], fails, seconds=5)
    pauses: list[float] = []
    for _ in range(9):
        follower._look()
        pauses.append(follower._pause)
    assert pauses == [5, 10, 20, 40, 80, 160, 300, 300, 300]
    assert follower.state.refused == "bundle/two@0"
