"""Whether the files of an artifact are still those that were registered."""

from pathlib import Path

from qamat_core.store.registry import RegistryRow
from qamat_core.store.shards import read_shard, sha256_of
from schemas.errors import CorruptArtifactError
from schemas.tables import TABLES

REMEDY = "run `qamat artifacts verify --discard`"


def file_faults(home: Path, row: RegistryRow) -> list[str]:
    """Recompute every SHA-256 of one version; return a line for each file that is missing, changed or unknown."""
    directory = home / row.ref.uri
    faults: list[str] = []
    for file in row.files:
        path = directory / file.path
        if not path.is_file():
            faults.append(f"{row.ref}: {path} is missing; {REMEDY}")
        elif sha256_of(path) != file.sha256:
            faults.append(f"{row.ref}: {path} does not have its registered SHA-256; {REMEDY}")
    if row.ref.kind not in TABLES:
        registered = {directory / file.path for file in row.files}
        strange = sorted(path for path in directory.rglob("*") if path.is_file() and path not in registered)
        faults += [f"{row.ref}: {path} is not registered; remove it" for path in strange]
    return faults


def page_faults(home: Path, row: RegistryRow) -> list[str]:
    """Read every shard of a table version with its page checksums; return a line for each that disagrees."""
    if row.ref.kind not in TABLES:
        return []
    faults: list[str] = []
    for file in row.files:
        path = home / row.ref.uri / file.path
        try:
            rows = read_shard(path).num_rows
        except CorruptArtifactError as error:
            faults.append(f"{row.ref}: {error}")
        else:
            if rows != file.rows:
                faults.append(f"{row.ref}: {path} has {rows} rows instead of {file.rows}; {REMEDY}")
    return faults
