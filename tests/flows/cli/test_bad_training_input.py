"""What training cannot use is told by `qamat train` in one line, before it mines, packs, compiles or trains."""

import json
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

import tasks.beam
from qamat_core.qamat.index import CARD
from qamat_core.store.store import DirectoryDraft, Job, Store, TableDraft, write_table
from qamat_core.t5.initialize import fit_vocabulary, init_params
from qamat_core.t5.network import T5
from qamat_core.tokenizer import Tokenizer
from qamat_core.training.checkpoint import CheckpointCard, save_checkpoint
from schemas.artifacts import ArtifactRef, Kind
from schemas.generation import TrainTokenizerConfig
from schemas.presets import preset
from schemas.qamat import IndexConfig
from schemas.resources import Resources
from schemas.tables import PRETRAIN_EXAMPLES
from schemas.training import TokenizerConfig
from tasks import build_index, mine_multihop, qamat_examples, qamat_stage, train_global, train_inbatch, train_tokenizer
from tests.qamat_core.qamat import tiny
from tests.qamat_core.t5.checkpoints import foreign
from tests.tasks.corpus import Given, example, pair, passage, register

pytestmark = pytest.mark.usefixtures("server", "no_work")
TOY = ("--memory", "m", "--preset", "toy")
Inputs = Mapping[str, ArtifactRef]
Write = Callable[[Path], DirectoryDraft | TableDraft]


def _register(store: Store, module: str, kind: Kind, name: str, inputs: Inputs, write: Write, config: str = "") -> Any:
    """Register what a task would have made of these inputs."""
    job = Job(module, Given(digest=config), inputs, {"made": (kind, name)})
    return store.produce(job, lambda work: {"made": write(work)})["made"]


@pytest.fixture(scope="module")
def ready(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home in which every stage could begin: memory m with examples, checkpoints m-inbatch and m-global, an index."""
    return _make_ready(tmp_path_factory.mktemp("ready"))


def _make_ready(home: Path) -> Path:
    store, resources = Store(home), Resources(home=str(home))
    people = list(zip(tiny.PEOPLE, tiny.TOWNS, strict=True))
    rows = [pair(f"q{n}", f"Where does {name} live?", town, f"p{n}", 0) for n, (name, town) in enumerate(people)]
    texts = register(store, "passages", "m", [passage(n, text) for n, text in enumerate(tiny.TEXTS)])
    memory = register(store, "qa_pairs", "m", rows)
    _examples(store, memory, [f"{name} lives in <extra_id_0>." for name, _ in people])
    asked = [example(n, f"Where is {name}?", town) for n, (name, town) in enumerate(people)]
    register(store, "qa_examples", "asked", asked)
    pieces = TrainTokenizerConfig(tokenizer=TokenizerConfig(vocab_size=90))
    tokenizer = train_tokenizer.run(pieces, [texts], name="m", resources=resources)
    settings = preset("toy").training.init
    t5 = fit_vocabulary(settings.model.t5, Tokenizer.load(store.open_directory(tokenizer)))
    card = CheckpointCard(role="init", model=t5, tokenizer=tokenizer, settings=settings.model_dump(mode="json"))
    params = init_params(T5(t5), 0)
    for name in ("m-inbatch", "m-global"):

        def write(work: Path) -> DirectoryDraft:
            save_checkpoint(work / "checkpoint", params, card, [])
            return DirectoryDraft(work / "checkpoint")

        checkpoint = _register(store, "tasks.init_qamat", "checkpoint", name, {"tokenizer": tokenizer}, write)
    inputs = build_index.IndexInputs(memory, checkpoint)
    build_index.run(IndexConfig(batch_size=16), inputs, name="m", resources=resources)
    return home


def _examples(store: Store, memory: ArtifactRef, texts: list[str]) -> ArtifactRef:
    rows = [
        {"example_id": f"e{n}", "passage_id": f"p{n}", "masked_text": text, "targets": [tiny.TOWNS[n]]}
        | {"positive_ids": [f"q{n}"], "negative_ids": []}
        for n, text in enumerate(texts)
    ]
    table = pa.Table.from_pylist(rows, schema=PRETRAIN_EXAMPLES)
    write = lambda work: write_table(table, "pretrain_examples", work, read=len(rows))  # noqa: E731
    inputs = {"qa_pairs": memory}
    return _register(store, "tasks.mine_negatives", "pretrain_examples", "m", inputs, write, str(len(rows)))


@pytest.fixture
def store(ready: Path, home: Path) -> Store:
    """A copy of that home, to be damaged."""
    shutil.copytree(ready, home)
    return Store(home)


@pytest.fixture
def no_work(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let nothing long begin."""

    def begun(*_: object, **__: object) -> None:
        raise AssertionError("long work began")

    monkeypatch.setattr(mine_multihop, "miner", begun)
    monkeypatch.setattr(tasks.beam, "run_pipeline", begun)
    monkeypatch.setattr(build_index, "encode_entries", begun)
    for module in (qamat_examples, qamat_stage):
        monkeypatch.setattr(module, "pack_examples", begun)
    for module in (qamat_stage, train_inbatch, train_global):
        monkeypatch.setattr(module, "train", begun)


def _damage(store: Store, kind: Kind, name: str) -> Path:
    """Turn one bit of an artifact's largest file."""
    row = store.row(store.newest(kind, name))
    file = max((store.home / row.ref.uri / file.path for file in row.files), key=lambda path: path.stat().st_size)
    data = bytearray(file.read_bytes())
    data[len(data) // 2] ^= 4
    file.write_bytes(data)
    return file


@pytest.mark.parametrize(
    ("stage", "kind", "name"),
    [
        ("inbatch", "pretrain_examples", "m"),
        ("inbatch", "qa_pairs", "m"),
        ("global", "checkpoint", "m-inbatch"),
        ("finetune", "checkpoint", "m-global"),
        ("finetune", "index", "m"),
        ("finetune", "qa_pairs", "m"),
    ],
)
def test_a_damaged_file_is_named(refused, store: Store, stage: str, kind: Kind, name: str):
    file, asked = _damage(store, kind, name), ("--questions", "asked") if stage == "finetune" else ()
    assert refused("train", stage, *TOY, *asked) == (
        f"qamat: {kind}/{name}@0: {file} does not have its registered SHA-256; run `qamat artifacts verify --discard`"
    )


def test_a_start_of_another_preset_is_refused(refused, store: Store):
    before = store.registry.rows()
    line = refused("train", "inbatch", "--memory", "m", "--preset", "smoke", "--start", "m-inbatch")
    assert line.startswith(
        "qamat: checkpoint/m-inbatch@0 has another T5 than the configuration (d_model 24, not 64, num_heads 3, not 2"
    )
    assert line.endswith("give the preset it was made with")
    assert store.registry.rows() == before


def test_a_corpus_that_reads_by_another_tokenizer_than_the_start_is_refused(refused, store: Store):
    pieces = TrainTokenizerConfig(tokenizer=TokenizerConfig(vocab_size=80))
    other = [store.newest("passages", "m")]
    train_tokenizer.run(pieces, other, name="other", resources=Resources(home=str(store.home)))
    assert refused("train", "inbatch", *TOY, "--start", "m-inbatch", "--corpus", "other") == (
        "qamat: checkpoint/m-inbatch@0 reads by tokenizer/m@0, the corpus other by tokenizer/other@0: a model keeps "
        "the tokenizer of its start, leave the corpus out"
    )


HEADS = "the mesh's model axis of 8 does not divide the 3 attention heads: choose a divisor"
DEVICES = "a mesh of 99 x 1 wants 99 devices, there are"


@pytest.mark.parametrize(
    ("stage", "mesh", "words"),
    [("inbatch", "1x8", HEADS), ("global", "1x8", HEADS), ("finetune", "1x8", HEADS), ("finetune", "99x1", DEVICES)],
)
def test_a_mesh_that_does_not_fit_is_refused(refused, store: Store, stage: str, mesh: str, words: str):
    asked = ("--questions", "asked") if stage == "finetune" else ()
    before = store.registry.rows()
    assert words in refused("train", stage, *TOY, *asked, "--mesh", mesh)
    assert store.registry.rows() == before


def test_a_whole_reproduction_refuses_such_a_mesh_before_it_makes_a_corpus(refused, store: Store):
    before = store.registry.rows()
    assert HEADS in refused("reproduce", "--preset", "toy", "--mesh", "1x8")
    assert store.registry.rows() == before


@pytest.mark.parametrize("stage", ["global", "finetune"])
def test_an_index_of_another_tokenizer_is_refused(refused, store: Store, stage: str):
    index = store.newest("index", "m")

    def foreign_index(work: Path) -> DirectoryDraft:
        shutil.copytree(store.open_directory(index), work / "index")
        card = json.loads((work / "index" / CARD).read_text())
        (work / "index" / CARD).write_text(json.dumps({**card, "tokenizer": "f" * 64}))
        return DirectoryDraft(work / "index")

    _register(store, "tasks.build_index", "index", "foreign", store.row(index).inputs, foreign_index)
    asked = ("--questions", "asked") if stage == "finetune" else ()
    line = refused("train", stage, *TOY, *asked)
    assert line.startswith(
        "qamat: the index of qa_pairs/m@0 was made by tokenizer ffffffffffffffff, the checkpoint was"
    )


@pytest.mark.parametrize("rows", [128, 1024])
def test_a_t5_with_the_tokenizer_of_another_is_refused(refused, tmp_path: Path, rows: int):
    model = foreign.SHAPE.model_copy(update={"vocab_size": rows})
    source = foreign.save_huggingface(tmp_path / "t5", model, foreign.state(model))
    foreign.tokenizer().save(source)
    assert refused("train", "init", "--from", source, "--name", "t5") == (
        f"qamat: {source}/spiece.model: 145 ids, but the checkpoint has {rows}: give the spiece.model of its T5"
    )


def test_a_file_without_questions_is_refused(refused, store: Store, tmp_path: Path):
    path = tmp_path / "questions.jsonl"
    path.write_text("\n\n")
    line = refused("train", "finetune", *TOY, "--dataset", "asked", "--path", path)
    assert line.startswith(f"qamat: {path}: ")
    assert "give a file that is not empty" in line


def test_registered_questions_without_a_row_are_refused(refused, store: Store):
    register(store, "qa_examples", "none", [])
    line = refused("train", "finetune", *TOY, "--questions", "none")
    assert line == "qamat: qa_examples/none@0 holds no training question: import it again"


def test_pre_training_examples_without_a_row_are_refused(refused, store: Store):
    none = _examples(store, store.newest("qa_pairs", "m"), [])
    assert refused("train", "inbatch", *TOY).startswith(f"qamat: {none} holds no example: the memory holds no pair of")
