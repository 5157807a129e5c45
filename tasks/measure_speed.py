"""Questions a second: QAMAT over its memory and FiD over passages, trained on the same data -> metrics.

Tokens in, tokens out, on what this process runs on; both write as much as they have to say. QAMAT's time holds its
search, FiD's holds none: what it reads was found before. Two runs give two measurements, so these figures are the only
ones whose content differs from run to run.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
from jaxtyping import Int32

from qamat_core.evaluation.speed import Answer, speed_rows, speeds
from qamat_core.fid.examples import passage_inputs
from qamat_core.fid.reader import FidReader
from qamat_core.qamat.examples import question_inputs
from qamat_core.qamat.inference import Answerer
from qamat_core.store.store import Job, Store, TableDraft, write_table
from qamat_core.training.checkpoint import load_card
from schemas.artifacts import ArtifactRef, Name
from schemas.errors import ConfigError, InputError
from schemas.evaluation import SpeedConfig
from schemas.fid import FidConfig
from schemas.passages import FidTrainingConfig
from schemas.resources import Resources
from schemas.tables import METRICS
from tasks.qamat_stage import OpenCheckpoint, open_checkpoint
from tasks.reading_stage import open_readings
from tasks.searching import open_answering


@dataclass(frozen=True)
class SpeedInputs:
    """``checkpoint`` searches ``index``; ``fid`` reads what was ``found`` (``retrievals``) among ``passages``."""

    checkpoint: ArtifactRef
    index: ArtifactRef
    questions: ArtifactRef
    fid: ArtifactRef
    passages: ArtifactRef
    found: ArtifactRef


def run(config: SpeedConfig, inputs: SpeedInputs, *, name: Name, resources: Resources) -> ArtifactRef:
    """Return the metrics of both, and those that the claim ``speed`` is judged by.

    Raises:
        ConfigError: ``fid`` is none, or another T5 than QAMAT's.
        InputError: there is no question.
    """
    store = Store(resources.home)
    job = Job(module=__name__, config=config, inputs=vars(inputs), outputs={"metrics": ("metrics", name)})

    def build(work: Path) -> Mapping[str, TableDraft]:
        systems = _systems(store, config, inputs, work)
        measured = speeds(systems, config.questions, config.rounds)
        place = config.place.model_dump() | {"source": "measured", "seed": None}
        rows = pa.Table.from_pylist(speed_rows(place, measured, resamples=config.resamples), METRICS)
        return {"metrics": write_table(rows, "metrics", work, read=rows.num_rows)}

    return store.produce(job, build)["metrics"]


def _systems(store: Store, config: SpeedConfig, inputs: SpeedInputs, work: Path) -> dict[str, Answer]:
    """Return what answers the questions of a round: those that follow the round's before, from the first on again."""
    examples = store.open_table(inputs.questions)
    if not examples.num_rows:
        raise InputError(f"{inputs.questions} holds no question: import it again")
    few = min(examples.num_rows, config.rounds * config.questions)
    asked = np.resize(np.arange(few), (config.rounds, config.questions))
    qamat, fid = open_checkpoint(store, inputs.checkpoint), open_checkpoint(store, inputs.fid)
    if qamat.reader.config.t5 != fid.reader.config.t5:
        raise ConfigError(f"{inputs.fid} has another T5 than {inputs.checkpoint}: train both from one start")
    memory, index, _ = open_answering(store, inputs.index, qamat)
    texts = examples.column("question").to_pylist()
    tokens = question_inputs(texts, qamat.tokenizer, qamat.reader.config)
    slots = min(config.entries, len(index))
    answerer = Answerer(
        reader=qamat.reader,
        params=qamat.params,
        memory=memory,
        index=index,
        rounds=1,
        slots=slots,
        retrieve=slots,
        batch_size=config.questions,
    )
    reader, inputs_of = _fid(store, config, inputs, fid, examples, work)
    return {
        "QAMAT": lambda number: answerer.answer(tokens[asked[number]], slots),
        "FiD": lambda number: reader.answer(fid.params, inputs_of[asked[number]], config.questions),
    }


def _fid(
    store: Store, config: SpeedConfig, inputs: SpeedInputs, fid: OpenCheckpoint, examples: pa.Table, work: Path
) -> tuple[FidReader, Int32[np.ndarray, "E N L"]]:
    """Return the reader and what it reads, as tokens."""
    card = load_card(store.open_directory(inputs.fid))
    if card.role != "fid":
        raise ConfigError(f"{inputs.fid} is no FiD but of the role {card.role!r}: train one")
    trained = FidTrainingConfig.model_validate(card.settings)
    reading = trained.reading.model_copy(update={"passages": config.passages, "passage_length": config.passage_length})
    shape = FidConfig(t5=fid.reader.config.t5, **dict(reading))
    few = examples.slice(0, config.rounds * config.questions)
    readings = open_readings(store, inputs.passages, few, inputs.found, config.passages, work)
    read = passage_inputs(*readings.take(range(len(readings))), fid.tokenizer, shape)
    return FidReader(shape, trained.group), read
