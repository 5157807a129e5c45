"""`qamat serve`: answers over HTTP, and a page."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from flows.cli.ask import BackendName, Checkpoint, Memory, MinConfidence, TopK
from flows.cli.options import DEFAULT_HOME, AsJson, Home

if TYPE_CHECKING:
    from flows.serving.settings import ServingSettings

DEFAULT_RATE = 50.0
"""Questions a second of one client, where others than this machine can reach the server."""


def serve(
    checkpoint: Checkpoint = None,
    memory: Memory = None,
    bundle: Annotated[
        str | None,
        typer.Option(
            metavar="TAG",
            help="What this tag names, in the place of a checkpoint and a memory; when it is moved, the new bundle "
            "takes over without a restart.",
        ),
    ] = None,
    backend: BackendName = "exact",
    top_k: TopK = None,
    min_confidence: MinConfidence = 0.0,
    host: Annotated[str, typer.Option(help="Where to listen; one that others can reach wants a token.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="0 for any that is free.")] = 8321,
    token_file: Annotated[
        Path | None, typer.Option(help="A file with the token that clients show (else the variable QAMAT_TOKEN).")
    ] = None,
    rate: Annotated[
        float | None,
        typer.Option(
            min=0, help="Questions a second of one client; 0 is no limit (default: 0 on this machine, else 50)."
        ),
    ] = None,
    burst: Annotated[int, typer.Option(min=1, help="Questions that a client may save up.")] = 100,
    max_batch: Annotated[int, typer.Option(min=1, help="Questions of one request.")] = 64,
    home: Home = DEFAULT_HOME,
    as_json: AsJson = False,
) -> None:
    """Answer questions over HTTP, with a page at /, until Ctrl-C (docs/serving.md)."""
    if bundle is not None and (checkpoint, memory, backend) != (None, None, "exact"):
        raise typer.BadParameter("a bundle has its own checkpoint, memory and backend: give --bundle alone")
    from flows.runtime import keep_programs

    settings = _settings(token_file, rate, host=host, port=port, burst=burst, max_batch=max_batch)
    keep_programs(home)  # before jax is imported
    from flows.asking import BATCH_SIZES, open_engine
    from flows.serving.server import serve as serve_until_stopped

    if bundle is not None:
        from flows.serving.follower import follow

        engine, follower = follow(home, bundle, top_k=top_k, min_confidence=min_confidence)
        serve_until_stopped(engine, settings, follower, as_json=as_json)
        return
    engine = open_engine(
        home,
        checkpoint,
        memory,
        backend=backend,
        top_k=top_k,
        min_confidence=min_confidence,
        batch_sizes=BATCH_SIZES,
    )
    engine.warm()
    serve_until_stopped(engine, settings, as_json=as_json)


def _settings(token_file: Path | None, rate: float | None, *, host: str, **numbers: int) -> "ServingSettings":
    from flows.serving.settings import TOKEN_VARIABLE, ServingSettings, is_loopback, read_token

    return ServingSettings(
        host=host,
        token=read_token(token_file, os.environ.get(TOKEN_VARIABLE)),
        rate=(0.0 if is_loopback(host) else DEFAULT_RATE) if rate is None else rate,
        **numbers,
    )
