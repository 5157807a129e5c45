"""Who listens inside a block hears of progress and warnings; outside, warnings go to standard error."""

import pytest

from qamat_core import progress


def test_warnings_are_heard_inside_and_printed_outside(capsys: pytest.CaptureFixture[str]):
    said: list[str] = []
    with progress.listening(lambda *_: None, said.append):
        progress.warn("inside")
    progress.warn("outside")
    assert said == ["inside"]
    assert capsys.readouterr() == ("", "qamat: warning: outside\n")


def test_progress_is_heard_inside():
    heard: list[tuple[str, int, int]] = []
    with progress.listening(lambda stage, done, total, _: heard.append((stage, done, total))):
        progress.report("inside", 1, 2)
    progress.report("outside", 1, 2)
    assert heard == [("inside", 1, 2)]
