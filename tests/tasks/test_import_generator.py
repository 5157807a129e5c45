"""A T5 that was trained elsewhere is opened as ours are, whatever format it came in."""

import json
import shutil
from pathlib import Path

import pytest

from qamat_core.generation.extraction import separate, spans_of
from qamat_core.generation.formats import extraction_prompts
from qamat_core.generation.generator import Candidate, Search
from qamat_core.store.store import Store
from qamat_core.t5.conversion import from_transformers
from qamat_core.training.checkpoint import load_card
from schemas.errors import IncompatibleArtifactError, InputError
from schemas.generation import ALL_TASKS, BatchShape, GeneratorLengths, ImportGeneratorConfig
from schemas.prompts import HIGHLIGHT, PLAIN
from schemas.resources import Resources
from tasks.external_t5 import ImportedRefs, T5Source
from tasks.generator_pool import check_generator, open_generator
from tasks.import_generator import run
from tests.hub_server import COMMIT, hub
from tests.qamat_core.t5.checkpoints.foreign import SHAPE, TEXTS, save_huggingface, save_t5x, state, tokenizer

CONFIG = ImportGeneratorConfig(
    prompts=HIGHLIGHT, lengths=GeneratorLengths(passage=48, question=8, answer=8), tasks=ALL_TASKS
)
PASSAGE = " ".join(TEXTS[0::2])


@pytest.fixture(scope="module")
def weights() -> dict[str, object]:
    return dict(state(SHAPE))


@pytest.fixture
def source(weights, tmp_path: Path) -> Path:
    """A checkpoint of transformers that knows the marks of HIGHLIGHT."""
    directory = save_huggingface(tmp_path / "t5-hl", SHAPE, weights)
    tokenizer("<sep>", "<hl>").save(directory)
    return directory


@pytest.fixture
def resources(home: Path) -> Resources:
    return Resources(home=str(home))


def decode(resources: Resources, refs: ImportedRefs) -> list[list[Candidate]]:
    generator = open_generator(resources.home, refs.checkpoint, "extraction")
    prompts = extraction_prompts(generator.config.prompts, "", PASSAGE)
    return generator.candidates(prompts, 48, Search(8, beam_size=2), BatchShape(rows=4))


def test_both_formats_are_opened_as_ours_and_decode_the_same(
    weights, source: Path, resources: Resources, tmp_path: Path
):
    first = run(CONFIG, T5Source(str(source)), name="hf", resources=resources)
    t5x = save_t5x(tmp_path / "checkpoint_1000", from_transformers(weights, SHAPE))
    second = run(CONFIG, T5Source(str(t5x), tokenizer=source), name="t5x", resources=resources)
    assert decode(resources, first) == decode(resources, second)
    assert first.checkpoint.content != second.checkpoint.content  # their cards name their own tokenizers
    generator = open_generator(resources.home, first.checkpoint)
    assert generator.config.model == SHAPE
    assert generator.config.prompts == HIGHLIGHT
    assert generator.tokenize(["<hl>"], 4)[0][0] == 45 + 100 + 1
    notes = Store(resources.home).row(second.checkpoint).notes
    assert (notes["format"], notes["source"]) == ("t5x", str(t5x))


def test_a_marked_passage_is_asked_about_sentence_by_sentence(source: Path, resources: Resources):
    refs = run(CONFIG, T5Source(str(source)), name="hf", resources=resources)
    found = decode(resources, refs)
    assert len(found) == 6
    candidates = separate([one for sentence in found for one in sentence], HIGHLIGHT.answer_separator)
    spans, refused = spans_of(PASSAGE, candidates)
    assert len(spans) + len(refused) == len(candidates) >= 12


def test_what_is_there_already_is_found_wherever_it_lies(source: Path, resources: Resources, tmp_path: Path):
    refs = run(CONFIG, T5Source(str(source)), name="hf", resources=resources)
    shutil.copytree(source, tmp_path / "moved")
    (tmp_path / "moved" / "README.md").write_text("not read")
    assert run(CONFIG, T5Source(str(tmp_path / "moved")), name="hf", resources=resources) == refs
    other = CONFIG.model_copy(update={"prompts": PLAIN})
    again = run(other, T5Source(str(source)), name="hf", resources=resources)
    assert again.tokenizer == refs.tokenizer
    assert again.checkpoint.content != refs.checkpoint.content


def test_a_hub_id_is_pinned_to_its_commit(source: Path, resources: Resources, monkeypatch: pytest.MonkeyPatch):
    with hub({"org/t5-hl": source}) as (address, _):
        monkeypatch.setenv("HF_ENDPOINT", address)
        refs = run(CONFIG, T5Source("org/t5-hl"), name="hub", resources=resources)
    for ref in (refs.checkpoint, refs.tokenizer):
        notes = Store(resources.home).row(ref).notes
        assert (notes["source"], notes["commit"]) == ("org/t5-hl", COMMIT)
    assert decode(resources, refs)


def test_a_generator_is_asked_for_its_tasks_alone(source: Path, resources: Resources):
    config = CONFIG.model_copy(update={"tasks": ("generation", "comprehension")})
    ref = run(config, T5Source(str(source)), name="hf", resources=resources).checkpoint
    check_generator(resources.home, ref, "generation")
    for refuse in (check_generator, open_generator):
        with pytest.raises(IncompatibleArtifactError, match="made for generation and comprehension, not for extract"):
            refuse(resources.home, ref, "extraction")


def test_a_checkpoint_of_another_stage_is_no_generator(source: Path, resources: Resources):
    refs = run(CONFIG, T5Source(str(source)), name="hf", resources=resources)
    with pytest.raises(IncompatibleArtifactError, match="no checkpoint"):
        check_generator(resources.home, refs.tokenizer, "generation")
    assert load_card(Store(resources.home).open_directory(refs.checkpoint)).tokenizer == refs.tokenizer


def test_what_cannot_be_read_leaves_nothing_behind(source: Path, resources: Resources, tmp_path: Path):
    shutil.copytree(source, tmp_path / "few")
    fields = json.loads((source / "config.json").read_text()) | {"vocab_size": 128}
    (tmp_path / "few" / "config.json").write_text(json.dumps(fields))
    shutil.copytree(source, tmp_path / "bare")
    (tmp_path / "bare" / "spiece.model").unlink()
    for place, reason in {
        str(tmp_path / "few"): r"is \(16, 256\), the configuration has \(16, 128\)",
        str(tmp_path / "bare"): r"spiece\.model: missing",
        str(tmp_path / "none"): "no such directory, and no hub id",
    }.items():
        with pytest.raises(InputError, match=reason):
            run(CONFIG, T5Source(place), name="hf", resources=resources)
    assert Store(resources.home).registry.rows() == []
