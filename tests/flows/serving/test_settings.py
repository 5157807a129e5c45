"""Others are let in with a token alone; a token is one that a header can have."""

from pathlib import Path

import pytest

from flows.serving.settings import ServingSettings, read_token
from schemas.errors import ConfigError


@pytest.mark.parametrize("host", ["0.0.0.0", "192.168.1.7", "::", "example.org"])
def test_others_need_a_token(host: str, tmp_path: Path):
    with pytest.raises(ConfigError, match=r"others can reach .*: give a token .*, or serve on 127.0.0.1"):
        ServingSettings(host=host)
    file = tmp_path / "token"
    file.write_text("0123456789abcdef\n")
    token = read_token(file, "another-one-that-gives-way")
    assert token is not None
    assert token.get_secret_value() == "0123456789abcdef"
    assert "0123456789abcdef" not in repr(ServingSettings(host=host, token=token))


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "localhost", "127.0.0.9"])
def test_this_machine_needs_none(host: str):
    assert ServingSettings(host=host, token=read_token(None, None)).loopback


@pytest.mark.parametrize("given", ["short", "0123456789 abcdef", "0123456789abcdé", ""])
def test_a_token_that_cannot_be_one_is_refused(given: str, tmp_path: Path):
    file = tmp_path / "token"
    file.write_text(given)
    with pytest.raises(ConfigError, match="at least 16 letters"):
        read_token(file, None)
    with pytest.raises(ConfigError, match="no token can be read"):
        read_token(tmp_path, None)
