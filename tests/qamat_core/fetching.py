"""A file that tests fetch from a server on this machine."""

from hashlib import sha256
from pathlib import Path
from random import Random

from qamat_core.transfer import Patience
from schemas.sources import Source

CONTENT = Random(0).randbytes(1_000_000)
DIGEST = sha256(CONTENT).hexdigest()
QUICK = Patience(attempts=3, first_wait=0.01, timeout=5)


def source(**more: object) -> Source:
    fields = {"name": "file", "holds": "bytes", "url": "https://unreachable.invalid/file.tsv.gz", "licence": "none"}
    return Source.model_validate(fields | {"file": "file.tsv.gz"} | more)


def pinned(**more: object) -> Source:
    return source(**({"size": len(CONTENT), "sha256": DIGEST, "pinned_from": "this test"} | more))


def names(directory: Path) -> list[str]:
    return sorted(file.name for file in directory.iterdir())


def whole(directory: Path) -> bool:
    """Say whether the file is there, its digest beside it, and nothing else."""
    recorded = (directory / "file.tsv.gz.sha256").read_text()
    content = (directory / "file.tsv.gz").read_bytes()
    return content == CONTENT and recorded == f"{DIGEST}  file.tsv.gz\n" and len(names(directory)) == 2
