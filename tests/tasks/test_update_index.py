"""Edits make the next version of a memory; its updated index answers as one that was built anew."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from qamat_core.qamat.examples import question_inputs
from qamat_core.qamat.index import load_index
from qamat_core.qamat.inference import Answered, Answerer
from qamat_core.store.store import Store
from schemas.artifacts import ArtifactRef
from schemas.errors import IncompatibleArtifactError, InputError
from schemas.generation import TrainTokenizerConfig
from schemas.model import T5Config
from schemas.qamat import IndexConfig, InitConfig, QamatConfig
from schemas.resources import Resources
from schemas.training import TokenizerConfig
from tasks import build_index, compact_index, edit_memory, init_qamat, train_tokenizer, update_index
from tasks.qamat_stage import open_checkpoint
from tasks.searching import open_answering
from tests.tasks.corpus import register

PLACES = ["Ulm", "Bonn", "Kiel", "Jena", "Köln", "Trier", "Mainz", "Celle", "Fulda", "Gera"]
PAIRS = [
    {"qa_id": f"e{number:02d}", "question": f"Where is house {number}?", "answer": place, "aliases": []}
    | {"passage_id": None, "start": None, "origin": "gold", "generator": None, "score": 0.0}
    for number, place in enumerate(PLACES)
]
T5 = T5Config(variant="1.0", d_model=16, num_heads=2, head_dim=8, d_ff=16, num_encoder_layers=1, num_decoder_layers=1)
QAMAT = QamatConfig(t5=T5, passage_length=40, question_length=16, target_length=6, key_length=16, value_length=16)
QUESTIONS = [*(pair["question"] for pair in PAIRS), "Where is house 77?", "Who?"]
CONFIG = IndexConfig(batch_size=4)


@dataclass(frozen=True)
class Home:
    """A memory of three shards, an encoder with random weights, their index."""

    store: Store
    resources: Resources
    memory: ArtifactRef
    encoder: ArtifactRef
    index: ArtifactRef

    def edit(self, memory: ArtifactRef, *edits: Any) -> ArtifactRef:
        file = Path(self.resources.home) / "edits.jsonl"
        file.write_text("".join(json.dumps(edit) + "\n" for edit in edits))
        return edit_memory.run(file, memory, name="m", resources=self.resources).qa_pairs

    def update(self, memory: ArtifactRef) -> ArtifactRef:
        inputs = update_index.UpdateInputs(self.index, memory, self.encoder)
        return update_index.run(CONFIG, inputs, name="m", resources=self.resources)

    def build(self, memory: ArtifactRef) -> ArtifactRef:
        inputs = build_index.IndexInputs(memory, self.encoder)
        return build_index.run(CONFIG, inputs, name="anew", resources=self.resources)

    def compact(self, index: ArtifactRef, memory: ArtifactRef) -> ArtifactRef:
        inputs = compact_index.CompactInputs(index, memory, self.encoder)
        return compact_index.run(CONFIG, inputs, name="m", resources=self.resources)

    def answer(self, index: ArtifactRef) -> tuple[Answered, list[list[str]]]:
        """What the questions are answered, and the ids of what was read."""
        checkpoint = open_checkpoint(self.store, self.encoder)
        arrays, search, entries = open_answering(self.store, index, checkpoint)
        answerer = Answerer(checkpoint.reader, checkpoint.params, arrays, search, 1, 3, 5, 12)
        answered = answerer.answer(question_inputs(QUESTIONS, checkpoint.tokenizer, checkpoint.reader.config), 3)
        return answered, [[entries.ids[row] for row in rows] for rows in answered.rows.tolist()]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    resources = Resources(home=str(tmp_path_factory.mktemp("updates")))
    store = Store(resources.home)
    memory = register(store, "qa_pairs", "m", PAIRS, 4)
    config = TrainTokenizerConfig(tokenizer=TokenizerConfig(vocab_size=150))
    tokenizer = train_tokenizer.run(config, [memory], name="w", resources=resources)
    encoder = init_qamat.run(InitConfig(model=QAMAT), tokenizer, name="init", resources=resources)
    index = build_index.run(CONFIG, build_index.IndexInputs(memory, encoder), name="m", resources=resources)
    return Home(store, resources, memory, encoder, index)


def same(ours: tuple[Answered, list[list[str]]], theirs: tuple[Answered, list[list[str]]]) -> None:
    assert ours[1] == theirs[1]
    np.testing.assert_array_equal(ours[0].tokens, theirs[0].tokens)
    np.testing.assert_allclose(ours[0].weights, theirs[0].weights, atol=1e-5)


EDITS = (
    {"op": "delete", "qa_id": "e02"},
    {"op": "replace", "qa_id": "e05", "answer": "Worms"},
    {"op": "add", "question": "Where is house 77?", "answer": "Speyer"},
)


def test_an_updated_index_answers_as_one_built_anew(home: Home):
    memory = home.edit(home.memory, *EDITS)
    updated, anew = home.update(memory), home.build(memory)
    assert home.store.row(updated).notes == {"entries": 10, "tail": 2, "tombstones": 2}
    same(home.answer(updated), home.answer(anew))
    compacted = home.compact(updated, memory)
    assert compacted.content == anew.content, "compacting copies what building encodes"
    same(home.answer(compacted), home.answer(anew))
    assert load_index(home.store.open_directory(compacted))[1].base is None


def test_shards_that_no_edit_touches_are_those_of_the_version_before(home: Home):
    memory = home.edit(home.memory, *EDITS)
    before, after = home.store.shards(home.memory), home.store.shards(memory)
    assert [shard.rows for shard in after] == [3, 4, 2, 1]
    assert after[2].path.samefile(before[2].path)
    assert memory.version == home.memory.version + 1
    assert home.store.row(memory).notes == {"added": 1, "replaced": 1, "deleted": 1}


def test_deleting_and_adding_again_answers_as_never_touching(home: Home):
    without = home.edit(home.memory, *({"op": "delete", "qa_id": qa_id} for qa_id in ("e01", "e06")))
    gone = home.answer(home.update(without))
    assert not {"e01", "e06"} & {qa_id for ids in gone[1] for qa_id in ids}
    again = home.edit(without, *({"op": "add", **PAIRS[number]} for number in (6, 1)))
    same(home.answer(home.update(again)), home.answer(home.index))


def test_an_update_of_an_update_is_refused(home: Home):
    memory = home.edit(home.memory, EDITS[0])
    updated = home.update(memory)
    inputs = update_index.UpdateInputs(updated, memory, home.encoder)
    with pytest.raises(IncompatibleArtifactError, match="is an update itself"):
        update_index.run(CONFIG, inputs, name="m", resources=home.resources)
    with pytest.raises(IncompatibleArtifactError, match="nothing to compact"):
        home.compact(home.index, home.memory)


def test_a_file_without_an_edit_that_fits_makes_no_version(home: Home):
    with pytest.raises(InputError, match=r"no edit that can be made; the first of 1 is edits\.jsonl:1: the memory has"):
        home.edit(home.memory, {"op": "delete", "qa_id": "nobody"})
    with pytest.raises(InputError, match=r"no edit that can be made$"):
        home.edit(home.memory)
