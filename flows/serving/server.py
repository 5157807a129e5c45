"""Runs the application: listens, tells where, ends on Ctrl-C or SIGTERM when what is being answered has been."""

import socket
from contextlib import suppress
from typing import Final

import uvicorn

from flows.cli.output import print_json
from flows.serving.app import create_app
from flows.serving.follower import Follower
from flows.serving.settings import ServingSettings
from schemas.errors import ConfigError
from tasks.answering import Engine

_KEEP_ALIVE: Final = 75
"""Seconds that a silent connection stays open: more than proxies keep theirs."""
_LAST_SECONDS: Final = 10
"""How long answers may take once the server is to end."""
_LOG: Final = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"plain": {"format": "qamat: %(message)s"}},
    "handlers": {"plain": {"class": "logging.StreamHandler", "formatter": "plain"}},
    "loggers": {
        name: {"handlers": ["plain"], "level": "WARNING", "propagate": False} for name in ("uvicorn", "qamat.serving")
    },
}
"""Faults, and which bundle took the place of which, on standard error."""


def serve(
    engine: Engine, settings: ServingSettings, follower: Follower | None = None, *, as_json: bool = False
) -> None:
    """Serve until Ctrl-C or SIGTERM; where and what is told in words, or as one JSON object and nothing else.

    A follower puts other engines in the place of this one.

    Raises:
        ConfigError: the address is taken, or is none of this machine.
    """
    listening = _listen(settings.host, settings.port)
    config = uvicorn.Config(
        create_app(engine, settings, follower),
        log_config=_LOG,
        access_log=False,
        server_header=False,
        timeout_keep_alive=_KEEP_ALIVE,
        timeout_graceful_shutdown=_LAST_SECONDS,
    )
    held = engine.versions
    if as_json:
        print_json({"url": _url(listening), **held.model_dump()})
    else:
        print(f"{held.checkpoint} answers from {held.memory}, {len(engine.entries):,} entries", flush=True)
        print(f"serving at {_url(listening)}   (Ctrl-C ends it)", flush=True)
    with suppress(KeyboardInterrupt):
        uvicorn.Server(config).run(sockets=[listening])
    if not as_json:
        print("stopped", flush=True)


def _listen(host: str, port: int) -> socket.socket:
    try:
        (family, *_, address), *_ = socket.getaddrinfo(host.strip("[]"), port, type=socket.SOCK_STREAM)
        listening = socket.create_server(address[:2], family=family, backlog=2048)
    except (OSError, UnicodeError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise ConfigError(f"cannot listen at {host}:{port} ({reason}): give another --host or --port") from error
    listening.set_inheritable(True)
    return listening


def _url(listening: socket.socket) -> str:
    host, port = listening.getsockname()[:2]
    return f"http://{f'[{host}]' if ':' in host else host}:{port}"
