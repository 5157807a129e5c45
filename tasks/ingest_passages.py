"""Ingest: files of any known format, packed and in archives too, or wiki-vital -> passages, annotations, rejects.

Rows stand in file order. Annotations come from SQuAD JSON and are empty for other formats. read counts passages,
annotations and rejects.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from qamat_core.readers.formats import open_corpus
from qamat_core.readers.wiki_vital import locate
from qamat_core.store.store import Job, Store
from schemas.artifacts import ArtifactRef, Name
from schemas.corpus import IngestConfig, SourcesConfig
from schemas.resources import Resources
from tasks.intake import describe, take_in


@dataclass(frozen=True)
class PassagesRefs:
    """A corpus that was taken in, and what was refused of it."""

    passages: ArtifactRef
    annotations: ArtifactRef
    rejects: ArtifactRef


def run(config: IngestConfig, paths: Sequence[Path], *, name: Name, resources: Resources) -> PassagesRefs:
    """Read files into ``name``; files with the same names and content are not read again.

    The path ``wiki-vital`` stands for the summaries that the extra ``wiki`` installs.

    Raises:
        InputError: a file is missing, damaged, empty or of no known format, or too much of it was rejected.
    """
    paths = [locate(path) for path in paths]
    job = Job(
        module=__name__,
        config=SourcesConfig(ingest=config, files=describe(paths)),
        inputs={},
        outputs={
            "passages": ("passages", name),
            "annotations": ("annotations", name),
            "rejects": ("rejects", f"{name}-passages"),
        },
    )
    refs = Store(resources.home).produce(
        job, lambda work: take_in(paths, open_corpus, ("passages", "annotations"), work, config)
    )
    return PassagesRefs(**refs)
