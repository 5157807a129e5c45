"""The flows of imported corpora: files -> pairs, what they leave uncovered, and what a memory is made of."""

from pathlib import Path

from prefect import flow

from flows import steps
from flows.lookup import find_counted, find_spans, open_home
from qamat_core.readers.pairs_formats import pair_format
from qamat_core.store.store import Store
from schemas.artifacts import ArtifactRef
from schemas.base import Frozen
from schemas.corpus import ComplementConfig, CountConfig, ImportConfig
from schemas.errors import InputError
from schemas.orders import ComplementPassages, CountCorpus, ImportPairs
from schemas.resources import Resources
from tasks.complement_passages import ComplementInputs
from tasks.runner_options import check_runner


class ImportedCorpus(Frozen):
    """Every artifact of an imported corpus."""

    qa_pairs: ArtifactRef
    pair_spans: ArtifactRef
    duplicates: ArtifactRef
    rejects: ArtifactRef


@flow(name="import-pairs", persist_result=False)
def import_pairs(order: ImportPairs) -> ImportedCorpus:
    """Bring in a corpus of question-answer pairs; what was read already is found."""
    resources = check_runner(order.resources())
    files = files_of(order.paths)
    form = order.format or pair_format(files[0])
    passages = open_home(order.home).newest("passages", order.passages) if order.passages else None
    config = ImportConfig(format=form, origin=order.origin or form)
    refs = steps.import_pairs(config, files, passages, name=order.name or form, resources=resources)
    return ImportedCorpus.model_validate(vars(refs))


@flow(name="complement-passages", persist_result=False)
def complement_passages(order: ComplementPassages) -> ArtifactRef:
    """Find the passages that imported corpora do not cover."""
    store = open_home(order.home)
    resources = check_runner(order.resources())
    spans = tuple(find_spans(store, store.newest("qa_pairs", name)) for name in order.imported)
    inputs = ComplementInputs(store.newest("passages", order.passages), spans)
    name = order.name or f"{order.passages}-complement"
    return steps.complement_passages(ComplementConfig(), inputs, name=name, resources=resources)


@flow(name="count-corpus", persist_result=False)
def count_corpus(order: CountCorpus) -> ArtifactRef:
    """Count what a memory is made of, as Table 1 does."""
    store: Store = open_home(order.home)
    inputs = find_counted(store, store.newest("qa_pairs", order.name))
    config = CountConfig(dataset=order.name)
    return steps.count_corpus(config, inputs, name=f"{order.name}-table1", resources=Resources(home=order.home))


def files_of(paths: tuple[str, ...]) -> list[Path]:
    """Return the files, those of a folder by name. Raises ``InputError`` where there are none."""
    found: list[Path] = []
    for path in map(Path, paths):
        found += sorted(file for file in path.iterdir() if file.is_file()) if path.is_dir() else [path]
    if not found:
        raise InputError(f"{paths[0]}: a folder without files: give the folder of the corpus")
    return found
