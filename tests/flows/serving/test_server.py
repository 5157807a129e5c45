"""A server tells where it is, answers, and ends on Ctrl-C; a port that is taken is told in one line."""

import json
import os
import signal
import socket
import threading
import time
from typing import Any
from urllib.request import Request, urlopen

import pytest

from flows.serving.server import serve
from flows.serving.settings import ServingSettings
from schemas.errors import ConfigError
from tasks.answering import Engine


def test_it_answers_until_ctrl_c(engine: Engine, capsys: pytest.CaptureFixture[str]):
    with socket.create_server(("127.0.0.1", 0)) as found:
        port = found.getsockname()[1]
    answers: list[dict[str, Any]] = []

    def ask() -> None:
        url = f"http://127.0.0.1:{port}/ask"
        asked = Request(url, b'{"question": "Where does Ada live?"}', {"Content-Type": "application/json"})
        while not answers:
            try:
                with urlopen(asked) as reply:
                    answers.append(json.load(reply))
            except OSError:
                time.sleep(0.05)
        os.kill(os.getpid(), signal.SIGINT)

    threading.Thread(target=ask).start()
    serve(engine, ServingSettings(port=port))
    assert len(answers[0]["evidence"]) == 2
    what = "checkpoint/tuned@0 answers from qa_pairs/m@0, 10 entries"
    where = f"serving at http://127.0.0.1:{port}   (Ctrl-C ends it)"
    assert capsys.readouterr().out.splitlines() == [what, where, "stopped"]


def test_a_port_that_is_taken_is_told(engine: Engine):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(ConfigError, match=f"cannot listen at 127.0.0.1:{port} .*: give another --host or --port"):
            serve(engine, ServingSettings(port=port))
