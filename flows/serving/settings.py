"""How a server is set up, and what it refuses."""

from ipaddress import ip_address
from pathlib import Path
from typing import Final

from pydantic import Field, SecretStr, model_validator

from schemas.base import Frozen
from schemas.errors import ConfigError

DEFAULT_PORT: Final = 8321
TOKEN_VARIABLE: Final = "QAMAT_TOKEN"
LEAST_TOKEN: Final = 16
"""Characters of the shortest token."""


class ServingSettings(Frozen):
    """Where a server listens, who may ask, and how much."""

    host: str = "127.0.0.1"
    port: int = Field(default=DEFAULT_PORT, ge=0, le=65535)
    """0 for any that is free."""
    token: SecretStr | None = None
    """What clients show as ``Authorization: Bearer TOKEN``; None lets everyone ask."""
    rate: float = Field(default=0.0, ge=0, allow_inf_nan=False)
    """Questions a second of one client, which may save up a burst of ``burst``; 0 for any number."""
    burst: int = Field(default=100, ge=1)
    max_body: int = Field(default=1 << 20, ge=1)
    """Bytes of a request's body."""
    max_batch: int = Field(default=64, ge=1)
    """Questions of one request."""
    max_waiting: int = Field(default=16384, ge=1)
    """Questions that wait for an answer; more are refused with 503."""
    body_seconds: float = Field(default=20.0, gt=0)
    """How long a client may take to send a request's body."""

    @property
    def loopback(self) -> bool:
        """Whether only this machine can reach the server."""
        return is_loopback(self.host)

    @model_validator(mode="after")
    def _check(self) -> "ServingSettings":
        if not self.loopback and self.token is None:
            raise ConfigError(
                f"others can reach {self.host}: give a token (--token-file FILE, or {TOKEN_VARIABLE}), "
                "or serve on 127.0.0.1"
            )
        return self


def is_loopback(host: str) -> bool:
    """Say whether a host, as a name or an address, is this machine to itself."""
    try:
        return ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host.lower() == "localhost"


def read_token(file: Path | None, variable: str | None) -> SecretStr | None:
    """Return the token of a file, else that of the environment; None where neither is.

    Raises:
        ConfigError: the file cannot be read, or the token is too short or has characters that no header can have.
    """
    if file is None and not variable:
        return None
    source = TOKEN_VARIABLE if file is None else str(file)
    try:
        token = (variable or "") if file is None else file.read_text().strip()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{source}: no token can be read there; give a text file with the token alone") from error
    if len(token) < LEAST_TOKEN or not all("!" <= character <= "~" for character in token):
        raise ConfigError(
            f"{source}: a token has at least {LEAST_TOKEN} letters, digits or signs and no spaces; "
            "make one with `openssl rand -hex 32`"
        )
    return SecretStr(token)
