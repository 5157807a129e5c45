"""Checkpoints of the Hugging Face hub: a repository at one commit -> a directory in a cache."""

import os
import re
from pathlib import Path
from typing import NamedTuple

from huggingface_hub import HfApi
from huggingface_hub.errors import HTTPError  # pyright: ignore[reportPrivateImportUsage]  (of its HTTP library)

from schemas.errors import InputError
from schemas.places import HUB_ID

FILES = ("config.json", "model*.safetensors", "model.safetensors.index.json", "spiece.model", "*token*.json")
"""What is downloaded: nothing that holds code."""

_COMMIT = re.compile(r"[0-9a-f]{40}")


class Snapshot(NamedTuple):
    """A repository as it was at one commit."""

    directory: Path
    commit: str


def is_hub_id(source: str) -> bool:
    """Say whether a text has the form of a hub id, ``org/name``."""
    return HUB_ID.fullmatch(source) is not None


def download(repository: str, revision: str, cache: Path) -> Snapshot:
    """Bring the files of a T5 into a cache, unless they are there.

    The environment's HF_ENDPOINT names another hub, HF_TOKEN opens private repositories. A revision that is a whole
    commit hash needs no network once its files are there.

    Args:
        repository: ``org/name``.
        revision: a branch, a tag or a commit hash.
        cache: a directory, in the layout of `huggingface_hub`.

    Raises:
        InputError: the hub cannot be reached, or has no such repository or revision.
    """
    api = HfApi(endpoint=os.environ.get("HF_ENDPOINT"))
    try:
        commit = revision if _COMMIT.fullmatch(revision) else str(api.model_info(repository, revision=revision).sha)
        directory = api.snapshot_download(repository, revision=commit, cache_dir=cache, allow_patterns=list(FILES))
    except (OSError, ValueError, HTTPError) as error:
        reason = " ".join(str(error).split())
        raise InputError(
            f"{repository}: no such directory, and {revision!r} of it cannot be had from the hub: {reason:.300}"
        ) from error
    return Snapshot(Path(str(directory)), commit)
