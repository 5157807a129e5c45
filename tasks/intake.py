"""Taking files in: what a reader gives becomes shards of tables, with every record counted; memory stays flat."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

from qamat_core.batches import Record, TableWriter
from qamat_core.readers.accounting import IN_EARLIER_FILE, checked
from qamat_core.readers.streams import guarding
from qamat_core.store.shards import sha256_of
from qamat_core.store.store import TableDraft
from schemas.artifacts import TableKind
from schemas.corpus import IngestConfig, SourceFile
from schemas.records import Annotation, Passage, QAExample, Reject

_COLUMNS: Mapping[type[Record], tuple[TableKind, str]] = {
    Passage: ("passages", "passage_id"),
    Annotation: ("annotations", "annotation_id"),
    QAExample: ("qa_examples", "example_id"),
}
"""Type of record -> its table and its id."""


def describe(paths: Sequence[Path]) -> tuple[SourceFile, ...]:
    """Return names and SHA-256 of files. Raises ``InputError`` for one that cannot be read."""
    return tuple(_describe(path) for path in paths)


def _describe(path: Path) -> SourceFile:
    with guarding(path):
        return SourceFile(name=path.name, sha256=sha256_of(path))


def take_in(
    paths: Sequence[Path],
    read: Callable[[Path], Iterable[Record]],
    kinds: Sequence[TableKind],
    work: Path,
    config: IngestConfig,
) -> dict[str, TableDraft]:
    """Return a draft of every kind and of ``rejects``, rows in file order.

    A record that stood in an earlier file is rejected. Ids are held in memory.

    Raises:
        RejectLimitError: too large a share of a file was rejected.
        InputError: a file cannot be read or holds nothing.
    """
    writers = {kind: TableWriter(kind, work, config.shard_rows) for kind in (*kinds, "rejects")}
    ids: set[str] = set()
    for path in paths:
        for record in checked(_refuse_known(read(path), ids, path), str(path), config.max_reject_share):
            writers[_kind(record)].add(record)
    total = sum(writer.rows for writer in writers.values())
    rejected = writers["rejects"].rows
    return {kind: writer.draft(read=total, rejected=rejected) for kind, writer in writers.items()}


def _refuse_known(records: Iterable[Record], ids: set[str], path: Path) -> Iterable[Record]:
    """Replace a record whose id is in ``ids`` by a reject; add the others' ids."""
    for record in records:
        if isinstance(record, Reject):
            yield record
            continue
        record_id = str(getattr(record, _COLUMNS[type(record)][1]))
        if record_id in ids:
            yield Reject(path.name, record_id, IN_EARLIER_FILE)
        else:
            ids.add(record_id)
            yield record


def _kind(record: Record) -> TableKind:
    return "rejects" if isinstance(record, Reject) else _COLUMNS[type(record)][0]
