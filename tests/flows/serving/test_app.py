"""The API answers as the engine does, alone or with others, and refuses what is bad in one line."""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from pydantic import SecretStr
from starlette.testclient import TestClient

from flows.serving.settings import ServingSettings
from tasks.answering import Engine
from tests.flows.serving.conftest import asking
from tests.qamat_core.qamat import tiny

JSON = {"Content-Type": "application/json"}


def ask(client: TestClient, question: str, **more: object) -> dict[str, Any]:
    reply = client.post("/ask", json={"question": question, **more})
    assert reply.status_code == 200, reply.text
    return reply.json()


def test_an_answer_shows_what_it_was_made_of(client: TestClient):
    found = ask(client, "Where does Cleo live?")
    assert found["answer"] == found["candidate"]
    assert found["versions"] == {
        "checkpoint": "checkpoint/tuned@0",
        "tokenizer": "tokenizer/m@0",
        "index": "index/encoder@0",
        "memory": "qa_pairs/m@0",
    }
    assert 0 <= found["confidence"] <= 1
    assert found["confidence_from"] == "the probability of the answer's tokens"
    assert len(found["evidence"]) == 2
    assert sum(entry["weight"] for entry in found["evidence"]) == pytest.approx(1, abs=1e-3)
    for entry in found["evidence"]:
        start, end = entry["span"]
        assert entry["passage"][start:end] == entry["answer"]
        shown = client.get(f"/entry/{entry['qa_id']}").json()
        assert shown == {name: value for name, value in entry.items() if name != "weight"}


def test_an_entry_that_is_taken_out_is_not_read(client: TestClient):
    before = ask(client, "Where does Cleo live?")
    best = before["evidence"][0]["qa_id"]
    after = ask(client, "Where does Cleo live?", without=[best, best])
    assert after["without"] == [best]
    ids = [entry["qa_id"] for entry in after["evidence"]]
    assert best not in ids
    assert ids[0] == before["evidence"][1]["qa_id"]
    assert ask(client, "Where does Cleo live?", without=[f"q{number}" for number in range(10)])["evidence"] == []


def test_it_abstains_below_what_is_asked(client: TestClient):
    found = ask(client, "Where does Cleo live?", min_confidence=1.0)
    assert found["abstained"]
    assert found["answer"] is None
    assert found["candidate"] == ask(client, "Where does Cleo live?")["answer"]


def test_many_at_once_are_answered_as_one_by_one(client: TestClient):
    questions = [
        {"question": f"Where does {name} live?", "without": [f"q{number}"]} for number, name in enumerate(tiny.PEOPLE)
    ]
    questions += [{"question": f"Does {name} live in Stad?", "top_k": 1} for name in tiny.PEOPLE]
    alone = [ask(client, **question) for question in questions]
    with ThreadPoolExecutor(20) as threads:
        together = list(threads.map(lambda question: ask(client, **question), questions * 2))
    for one, other in zip(alone * 2, together, strict=True):
        assert _weightless(one) == _weightless(other)
        assert [entry["weight"] for entry in one["evidence"]] == pytest.approx(
            [entry["weight"] for entry in other["evidence"]], abs=2e-4
        )
    batch = client.post("/batch", json={"questions": questions[:4]}).json()["answers"]
    assert list(map(_weightless, batch)) == list(map(_weightless, alone[:4]))


def _weightless(answer: dict[str, Any]) -> dict[str, Any]:
    numbers = ("confidence", "sum_logprob", "weight")
    kept = {name: value for name, value in answer.items() if name not in numbers}
    return kept | {"evidence": [{**entry, "weight": 0} for entry in answer["evidence"]]}


GOOD = '"question": "Where does Ada live?"'


@pytest.mark.parametrize(
    ("body", "status", "words"),
    [
        (f'{{"question": "{" " * 9}"}}', 422, "a question has 1 to 2000 characters, this one 0: ask another"),
        (f'{{"question": "{"x" * 100_000}"}}', 422, "has 1 to 2000 characters, this one 100000: ask another"),
        (f'{{"question": "{"x" * 150_000}"}}', 413, "a request has at most 150000 bytes: ask less at once"),
        (b'{"question": "\xff"}', 400, "the body is no JSON in UTF-8: mend it"),
        (r'{"question": "\ud800"}', 422, "question: Value error, half a surrogate pair is no character"),
        (r'{"\ud800\n": 1, "question": "x"}', 422, "give a JSON object"),
        (r'{"a\n\u0000b": 1, "question": "x"}', 422, "a \x00b: Extra inputs are not permitted"),
        ("[" * 100_000, 400, "the body is no JSON in UTF-8: mend it"),
        (f'{{"question": {"[" * 500}{"]" * 500}}}', 422, "question: Input should be a valid string"),
        ("{", 400, "no JSON: Expecting property name"),
        ("{}", 422, "question: Field required"),
        ("", 422, "give a JSON object, with Content-Type: application/json"),
        (f'{{{GOOD}, "more": 1}}', 422, "more: Extra inputs are not permitted"),
        (f'{{{GOOD}, "top_k": 3}}', 422, "top_k is 3: 1 to 2 entries are read here"),
        (f'{{{GOOD}, "top_k": {"9" * 5000}}}', 400, "the body is no JSON in UTF-8: mend it"),
        (f'{{{GOOD}, "min_confidence": NaN}}', 422, "min_confidence: Input should be a finite number"),
        (f'{{{GOOD}, "without": ["q10"]}}', 404, "entry 'q10' is not in qa_pairs/m@0: give one of its qa_id"),
        (f'{{{GOOD}, "without": {json.dumps([str(n) for n in range(65)])}}}', 422, "65 entries are taken out"),
        (f'{{{GOOD}, "version": "qa_pairs/m@7"}}', 409, "'qa_pairs/m@7' does not answer here, but checkpoint/tuned"),
    ],
    ids=lambda value: str(value)[:30],
)  # fmt: skip
def test_bad_requests_are_refused_in_one_line(client: TestClient, body: str | bytes, status: int, words: str):
    reply = client.post("/ask", content=body, headers=JSON)
    assert reply.status_code == status
    assert list(reply.json()) == ["error"]
    line = reply.json()["error"]
    assert words in line
    assert "\n" not in line
    assert len(line) <= 500
    assert reply.headers["Content-Security-Policy"].startswith("default-src 'none'")


def test_a_body_without_a_length_is_bounded_too(client: TestClient):
    def endless() -> Iterator[bytes]:
        for _ in range(1000):
            yield b" " * 1000

    assert client.post("/ask", content=endless(), headers=JSON).status_code == 413


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("GET", "/nothing", 404), ("GET", "/ask", 405), ("GET", "/entry/q10", 404), ("GET", "/page/../app.py", 404),
     ("GET", "/docs", 404), ("GET", "/redoc", 404)],
)  # fmt: skip
def test_what_is_not_there_is_told_in_one_line(client: TestClient, method: str, path: str, status: int):
    reply = client.request(method, path)
    assert reply.status_code == status
    assert list(reply.json()) == ["error"]


def test_a_batch_has_a_bound(client: TestClient):
    for count, words in ((0, "at least 1"), (5, "5 questions at once: ask at most 4")):
        reply = client.post("/batch", json={"questions": [{"question": "Who?"}] * count})
        assert reply.status_code == 422
        assert words in reply.json()["error"]


def test_the_memory_is_drawn_around_an_entity_or_a_question(linked: Engine):
    with asking(linked, ServingSettings()) as client:
        drawn = client.post("/entities", json={"entity": "dorf"}).json()
        assert (drawn["start"], drawn["answer"], drawn["left_out"]) == (["Dorf"], None, 0)
        ways = {(link["head"], link["tail"]) for link in drawn["links"]}
        assert ways == {("Ada", "Dorf"), ("Dorf", "Elbe"), ("Stad", "Elbe"), ("Elbe", "North Sea")}
        asked = client.post("/entities", json={"question": "Where does Ada live?"}).json()
        read = ask(client, "Where does Ada live?")
        assert asked["answer"] == read["answer"]
        assert [link["qa_id"] for link in asked["links"][:2]] == [entry["qa_id"] for entry in read["evidence"]]
        few = client.post("/entities", json={"entity": "Elbe", "most": 1}).json()
        assert (len(few["links"]), few["left_out"]) == (1, 2)


@pytest.mark.parametrize(
    ("body", "status", "words"),
    [
        ({}, 422, "begins at a question or at an entity: give one"),
        ({"entity": "Dorf", "question": "Who?"}, 422, "begins at a question or at an entity: give one"),
        ({"entity": " "}, 422, "an entity has 1 to 2000 characters, this one 0"),
        ({"entity": "x" * 2001}, 422, "this one 2001"),
        ({"question": ""}, 422, "a question has 1 to 2000 characters"),
        ({"entity": "Dor"}, 404, "no entry of qa_pairs/linked@0 names 'Dor'"),
        ({"entity": "Dorf|Stad"}, 404, "no entry"),
        ({"entity": "Dorf", "most": 61}, 422, "most: Input should be less than or equal to 60"),
    ],
)  # fmt: skip
def test_a_graph_that_cannot_be_drawn_is_refused_in_one_line(
    linked: Engine, body: dict[str, object], status: int, words: str
):
    with asking(linked, ServingSettings()) as client:
        reply = client.post("/entities", json=body)
        assert reply.status_code == status
        assert words in reply.json()["error"]


def test_a_memory_that_is_too_large_is_not_looked_through(linked: Engine, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("tasks.entity_graph.MOST_ENTRIES", 15)
    with asking(linked, ServingSettings()) as client:
        for body in ({"entity": "Dorf"}, {"question": "Where does Ada live?"}):
            reply = client.post("/entities", json=body)
            assert reply.status_code == 422
            assert (
                "qa_pairs/linked@0 has 16 entries: graphs are drawn of memories of at most 15" in reply.json()["error"]
            )


def test_the_version_that_is_expected_may_be_named(client: TestClient):
    about = client.get("/version").json()
    assert (about["memory"], about["entries"], about["top_k"]) == ("qa_pairs/m@0", 10, 2)
    for part in ("checkpoint", "memory", "index", "tokenizer"):
        assert ask(client, "Where does Ada live?", version=about[part])["answer"] is not None


def test_the_api_describes_itself(client: TestClient):
    described = client.get("/openapi.json").json()
    assert set(described["paths"]) == {"/ask", "/batch", "/entry/{qa_id}", "/entities", "/version", "/health"}
    assert described["paths"]["/ask"]["post"]["responses"]["200"]["content"]["application/json"]["schema"]
    assert client.get("/health").json() == {"status": "ready"}


def test_a_token_is_wanted_where_there_is_one(engine: Engine):
    with asking(engine, ServingSettings(token=SecretStr("open-sesame-open"))) as client:
        question = {"question": "Where does Ada live?"}
        assert client.post("/ask", json=question).status_code == 401
        for shown in ("Bearer open-sesame", "Basic open-sesame-open", "Bearer é"):
            headers = [(b"authorization", shown.encode())]
            assert client.post("/ask", json=question, headers=headers).status_code == 401  # pyright: ignore
        headers = {"Authorization": "Bearer open-sesame-open"}
        assert client.post("/ask", json=question, headers=headers).status_code == 200
        assert client.get("/version").status_code == 401
        assert client.post("/entities", json={"entity": "Dorf"}).status_code == 401
        for path in ("/nothing", "/%2Fask", "/ASK", "/health/", "/docs", "/page", "/entry/q0"):
            assert client.get(path).status_code == 401, f"{path}: what is new is closed"
        opened = ("/", "/graph", "/page/page.js", "/health", "/openapi.json")
        assert [client.get(path).status_code for path in opened] == [200] * len(opened)


def test_who_asks_too_often_has_to_wait(engine: Engine):
    with asking(engine, ServingSettings(rate=0.1, burst=3)) as client:
        question = {"question": "Where does Ada live?"}
        assert client.post("/batch", json={"questions": [question] * 2}).status_code == 200
        assert client.post("/batch", json={"questions": [question] * 2}).status_code == 429
        reply = client.post("/ask", json=question)
        assert reply.status_code == 429
        assert 1 <= int(reply.headers["Retry-After"]) <= 10
        assert client.get("/health").status_code == 200


def test_another_sites_name_does_not_lead_here(client: TestClient):
    assert client.get("/", headers={"Host": "evil.example"}).status_code == 421
    for host in ("localhost:8321", "[::1]:8321", "127.0.0.1"):
        assert client.get("/", headers={"Host": host}).status_code == 200


def test_too_many_questions_are_refused_not_kept(engine: Engine):
    with asking(engine, ServingSettings(max_waiting=2)) as client:
        reply = client.post("/batch", json={"questions": [{"question": "Who?"}] * 3})
        assert reply.status_code == 503
        assert reply.headers["Retry-After"]


def test_a_defect_is_told_without_its_traceback(engine: Engine, client: TestClient, monkeypatch: pytest.MonkeyPatch):
    def broken(*_: object) -> None:
        raise RuntimeError("secret")

    monkeypatch.setattr(type(engine), "answer", broken)
    reply = client.post("/ask", json={"question": "Where does Ada live?"})
    assert reply.status_code == 500
    assert reply.json() == {"error": "this question could not be answered; the server's log says why"}
    assert reply.headers["X-Content-Type-Options"] == "nosniff"
