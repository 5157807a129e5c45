"""Bundles: a checkpoint, its index, memory and tokenizer, and what goes with them -> one bundle.

It is checked that they belong together, and that every file of theirs is as it was registered.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from qamat_core.evaluation.calibration import Confidence
from qamat_core.promotion.bundle import Bundle
from qamat_core.qamat.index import check_encoder
from qamat_core.qamat.index import load_card as load_index_card
from qamat_core.qamat.integration import MOST_RANKS
from qamat_core.qamat.searcher import load_card as load_searcher_card
from qamat_core.store.store import DirectoryDraft, Job, Store
from qamat_core.tokenizer import Tokenizer
from qamat_core.training.checkpoint import load_card
from schemas.artifacts import ArtifactRef, Digest, Name
from schemas.errors import ConfigError, IncompatibleArtifactError
from schemas.promotion import BundleConfig
from schemas.qamat import QamatConfig
from schemas.resources import Resources


@dataclass(frozen=True)
class BundleInputs:
    """``searcher`` is None to search exactly, ``calibration`` None for the answer's own probability."""

    checkpoint: ArtifactRef
    index: ArtifactRef
    memory: ArtifactRef
    tokenizer: ArtifactRef
    searcher: ArtifactRef | None = None
    calibration: ArtifactRef | None = None
    passages: tuple[ArtifactRef, ...] = ()

    def refs(self) -> dict[str, ArtifactRef]:
        """Return what is given, by label."""
        given = {label: ref for label, ref in vars(self).items() if isinstance(ref, ArtifactRef)}
        return given | {f"passages-{number}": ref for number, ref in enumerate(self.passages)}


def run(config: BundleConfig, inputs: BundleInputs, *, name: Name, resources: Resources) -> ArtifactRef:
    """Return the bundle.

    Raises:
        IncompatibleArtifactError: the parts do not belong together.
        CorruptArtifactError: a file of theirs is damaged.
        ConfigError: ``top_k`` exceeds the memory, or what the model can tell apart.
    """
    store = Store(resources.home)
    job = Job(module=__name__, config=config, inputs=inputs.refs(), outputs={"bundle": ("bundle", name)})

    def build(work: Path) -> Mapping[str, DirectoryDraft]:
        bundle = put_together(store, config, inputs)
        bundle.save(work / "bundle")
        notes: dict[str, str | int | float] = {"entries": bundle.entries, "top_k": bundle.top_k}
        return {"bundle": DirectoryDraft(work / "bundle", notes=notes)}

    return store.produce(job, build)["bundle"]


def put_together(store: Store, config: BundleConfig, inputs: BundleInputs) -> Bundle:
    """Return the bundle of parts that belong together."""
    card = load_card(store.open_directory(inputs.checkpoint))
    _same("tokenizer", inputs.checkpoint, card.tokenizer, inputs.tokenizer)
    fingerprint = Tokenizer.load(store.open_directory(inputs.tokenizer)).fingerprint
    encoder = card.memory_encoder or inputs.checkpoint.content
    index = load_index_card(store.open_directory(inputs.index))
    check_encoder(index, encoder, fingerprint)
    _same("memory", inputs.index, index.memory, inputs.memory)
    _check_searcher(store, inputs, index.base or inputs.index, encoder, fingerprint)
    _check_calibration(store, config, inputs)
    for table in (inputs.memory, *inputs.passages):
        store.open_shards(table)
    marks = QamatConfig.model_validate(card.settings["model"]).rank_marks
    most = min(index.entries, MOST_RANKS) if marks else index.entries
    if config.top_k > most:
        raise ConfigError(f"top_k is {config.top_k}: {inputs.checkpoint} reads at most {most} entries of this memory")
    parts = {name: getattr(inputs, name) for name in BundleInputs.__dataclass_fields__}
    return Bundle(**parts, **dict(config), encoder=encoder, fingerprint=fingerprint, entries=index.entries)


def _check_searcher(
    store: Store, inputs: BundleInputs, whole: ArtifactRef, encoder: Digest, fingerprint: Digest
) -> None:
    if inputs.searcher is None:
        return
    card = load_searcher_card(store.open_directory(inputs.searcher))
    check_encoder(card, encoder, fingerprint)
    _same("index", inputs.searcher, card.index, whole)


def _check_calibration(store: Store, config: BundleConfig, inputs: BundleInputs) -> None:
    if inputs.calibration is None:
        return
    card = Confidence.load(store.open_directory(inputs.calibration)).card
    assert card is not None, "it was loaded"
    if (card.checkpoint, card.index, card.k) != (inputs.checkpoint.content, inputs.index.content, config.top_k):
        raise IncompatibleArtifactError(
            f"{inputs.calibration} is of another checkpoint, index or K than {inputs.checkpoint} over {inputs.index} "
            f"with {config.top_k}: calibrate these, or leave it out"
        )


def _same(part: str, whole: ArtifactRef, own: ArtifactRef, given: ArtifactRef) -> None:
    if own.content != given.content:
        raise IncompatibleArtifactError(f"{whole} has the {part} {own}, not {given}: give {own}")
