"""The API: /ask, /batch, /entry, /entities, /version, /health; pages at / and /graph.

Errors are {"error": "one line"}.
"""

import asyncio
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import partial
from importlib.metadata import version as version_of
from pathlib import Path
from typing import Any, Final

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import FileResponse, Response
from pydantic import Field
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.staticfiles import StaticFiles

from flows.serving.batching import BusyError
from flows.serving.current import Current, Serving
from flows.serving.follower import Follower, Following
from flows.serving.guard import HEADERS, Guard, client_of, refusal, too_often
from flows.serving.rate import RateLimit
from flows.serving.settings import ServingSettings
from schemas.answers import Answer, Asked, Entry, Versions
from schemas.base import Frozen
from schemas.entity_graph import EntityGraph, GraphAsked
from schemas.errors import InputError, MissingArtifactError
from tasks.answering import Engine
from tasks.entity_graph import graph_of_entity, graph_of_entries

PAGE: Final = Path(__file__).parent / "page"


class Question(Asked):
    """A question, and what is expected to answer it."""

    version: str | None = Field(
        default=None, description="KIND/NAME@VERSION of what is to answer (see /version); refused if another does."
    )


class Questions(Frozen):
    """Questions that are answered together."""

    questions: tuple[Question, ...] = Field(min_length=1)


class Answered(Frozen):
    """Answers in the order of the questions."""

    answers: tuple[Answer, ...]


class About(Versions):
    """What answers here."""

    qamat: str
    entries: int
    """Of the memory."""
    backend: str
    """What searches the memory."""
    top_k: int
    min_confidence: float
    confidence_from: str


class Health(Frozen):
    """Ready to answer."""

    status: str = "ready"
    following: Following | None = Field(default=None, exclude_if=lambda value: value is None)
    """Where a tag is followed."""


class Refusal(Frozen):
    """Why a request was refused."""

    error: str


def create_app(engine: Engine, settings: ServingSettings, follower: Follower | None = None) -> FastAPI:
    """Return the application over an engine that is open; a follower puts others in its place."""
    current = Current(engine, settings.max_waiting)
    rate = RateLimit(settings.rate, settings.burst)

    @asynccontextmanager
    async def answering(_: FastAPI) -> AsyncGenerator[None]:
        current.start()
        if follower:
            follower.start(current)
        yield
        if follower:
            follower.stop()
        current.stop()

    app = _bare_app(answering)

    def serving(*asked: Question) -> Serving:
        """Return what answers these questions, to their end: nothing may be awaited before they are put to it."""
        now = current.now
        held = now.engine.versions.model_dump().values()
        for question in asked:
            if question.version not in (None, *held):
                raise HTTPException(409, f"{str(question.version)[:80]!r} does not answer here, but {', '.join(held)}")
            now.engine.check(question)
        return now

    @app.post("/ask", response_model=Answer)
    async def ask(question: Question) -> Response:
        """Answer a question."""
        return _json((await serving(question).batcher.answer([question]))[0])

    @app.post("/batch", response_model=Answered)
    async def batch(questions: Questions, request: Request) -> Response:
        """Answer questions together."""
        count = len(questions.questions)
        if count > settings.max_batch:
            raise HTTPException(422, f"{count} questions at once: ask at most {settings.max_batch}")
        now = serving(*questions.questions)
        if count > 1 and (wait := rate.take(client_of(request.scope), count - 1)):
            raise HTTPException(*too_often(wait))
        return _json(Answered(answers=tuple(await now.batcher.answer(questions.questions))))

    _add_entities(app, current, serving)
    _add_what_is_held(app, current, follower)
    app.add_middleware(Guard, settings=settings, rate=rate)
    return app


def _add_what_is_held(app: FastAPI, current: Current, follower: Follower | None) -> None:
    """Add what can be looked at without asking: an entry, the versions, whether the server is well."""

    @app.get("/entry/{qa_id}", response_model=Entry)
    async def entry(qa_id: str) -> Response:
        """Return an entry of the memory with the passage that it came from."""
        return _json(current.now.engine.entry(qa_id))

    @app.get("/version", response_model=About)
    async def version() -> Response:
        """Return what answers here."""
        held = current.now.engine
        return _json(About(**held.versions.model_dump(), qamat=version_of("qamat"), **held.about()))

    @app.get("/health", response_model=Health)
    async def health() -> Response:
        """Say that questions are answered."""
        return _json(Health(following=follower.state if follower else None))


def _add_entities(app: FastAPI, current: Current, serving: Callable[[Question], Serving]) -> None:
    """Add the memory as a graph; ``serving`` gives what answers a question."""
    looking = asyncio.Lock()

    @app.post("/entities", response_model=EntityGraph)
    async def entities(asked: GraphAsked) -> Response:
        """Return the memory around a question or an entity as a graph: an entry leads from one entity to another."""
        asked.check()
        if asked.question is None:
            draw = partial(graph_of_entity, current.now.engine.entries, asked.entity or "", asked.most)
        else:
            question = Question(question=asked.question)
            now = serving(question)
            answer = (await now.batcher.answer([question]))[0]
            ids = [entry.qa_id for entry in answer.evidence]
            draw = partial(graph_of_entries, now.engine.entries, ids, answer.answer, asked.most)
        async with looking:  # the whole memory is read: one at a time
            return _json(await run_in_threadpool(draw))


def _bare_app(lifespan: Callable[[FastAPI], AbstractAsyncContextManager[None]]) -> FastAPI:
    """Return an application with the page, and with one line for whatever goes wrong."""
    app = FastAPI(
        title="QAMAT",
        version=version_of("qamat"),
        description="Answers from a memory of question-answer pairs, with the entries that were read.",
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        responses={"4XX": {"model": Refusal}, 503: {"model": Refusal}},
    )

    @app.get("/", include_in_schema=False)
    async def page() -> FileResponse:
        return FileResponse(PAGE / "index.html")

    @app.get("/graph", include_in_schema=False)
    async def graph() -> FileResponse:
        return FileResponse(PAGE / "graph.html")

    app.mount("/page", StaticFiles(directory=PAGE))
    app.add_exception_handler(Exception, _defect)
    for kind, handler in _HANDLERS.items():
        app.add_exception_handler(kind, handler)
    return app


def _json(model: Frozen) -> Response:
    return Response(model.model_dump_json(), media_type="application/json")


async def _invalid(_: Request, error: Exception) -> Response:
    """Say in one line what is wrong with a request's fields, without what was given."""
    assert isinstance(error, RequestValidationError)
    fault: Mapping[str, Any] = error.errors()[0]
    place = ".".join(str(part) for part in fault["loc"] if part != "body")
    if fault["type"] == "json_invalid":
        return refusal(400, f"no JSON: {fault['ctx']['error']} at character {place}")
    if not place:
        return refusal(422, "give a JSON object, with Content-Type: application/json")
    return refusal(422, f"{place}: {fault['msg']}")


async def _http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    lines = {
        400: "the body is no JSON in UTF-8: mend it",
        404: f"nothing is at {request.url.path[:80]!r}: see /openapi.json",
        405: f"{request.method} is not for {request.url.path[:80]!r}: see /openapi.json",
    }
    return refusal(error.status_code, lines.get(error.status_code, str(error.detail)), error.headers)


async def _refused(_: Request, error: Exception) -> Response:
    return refusal(404 if isinstance(error, MissingArtifactError) else 422, str(error))


async def _busy(_: Request, error: Exception) -> Response:
    del error
    return refusal(503, "too many questions wait: ask again in 5 s", {"Retry-After": "5"})


async def _defect(_: Request, error: Exception) -> Response:
    del error
    return refusal(500, "this question could not be answered; the server's log says why", HEADERS)


_HANDLERS: Final = {
    RequestValidationError: _invalid,
    HTTPException: _http,
    InputError: _refused,
    MissingArtifactError: _refused,
    BusyError: _busy,
}
