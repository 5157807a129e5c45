"""`qamat train`: the stages of QAMAT over a memory."""

from pathlib import Path
from typing import Annotated

import typer

from flows.cli.devices import Mesh, Together, devices
from flows.cli.imported import OwnTokenizer, Revision, print_imported, public_t5
from flows.cli.options import (
    DEFAULT_HOME,
    AsJson,
    Home,
    Preset,
    Runner,
    RunnerOptions,
    Workers,
    file_of_questions,
)
from flows.cli.output import print_fields, print_json
from flows.cli.running import running

app = typer.Typer(help="Train QAMAT over a memory, stage by stage.", no_args_is_help=True)

Memory = Annotated[str, typer.Option(help="The memory (qa_pairs), and the pre-training examples of its name.")]
Name = Annotated[
    str | None, typer.Option(help="Names the model: checkpoints NAME-inbatch, ... (default: the memory's name).")
]
Corpus = Annotated[
    str | None,
    typer.Option(help="The corpus whose tokenizer is used (default: the memory's name; with --start its own)."),
]
Questions = Annotated[str, typer.Option(help="Training questions that are registered (qa_examples).")]
Dataset = Annotated[str | None, typer.Option(help="With --path: the data set's name.")]
File = Annotated[
    Path | None,
    typer.Option("--path", help="A file of training questions, in a form that `qamat evaluate` reads."),
]
Seed = Annotated[int, typer.Option(help="Seed of the training.")]


@app.command("init")
def init(
    source: Annotated[
        str,
        typer.Option("--from", metavar="PATH|HUB_ID", help="A directory (transformers, T5X) or a hub id: org/name."),
    ],
    name: Annotated[str, typer.Option(help="Names the checkpoint and its tokenizer.")],
    revision: Revision = "main",
    tokenizer: OwnTokenizer = None,
    home: Home = DEFAULT_HOME,
    as_json: AsJson = False,
) -> None:
    """Bring in a public T5 to start from: then `qamat train inbatch --start NAME`."""
    from schemas.orders import ImportStart

    order = ImportStart.model_validate({**public_t5(source, revision, tokenizer), "name": name, "home": home})
    with running(home) as tally:
        from flows.train import import_start

        made = import_start(order)
    print_imported(home, made, tally, as_json=as_json)


@app.command("inbatch")
def inbatch(
    memory: Memory,
    preset: Preset = "mini",
    name: Name = None,
    corpus: Corpus = None,
    start: Annotated[
        str | None,
        typer.Option(
            help="A T5 of `qamat train init`, or a QAMAT, such as hotpotqa-inbatch (default: random weights, the "
            "corpus's tokenizer)."
        ),
    ] = None,
    seed: Seed = 0,
    mesh: Mesh = None,
    together: Together = None,
    home: Home = DEFAULT_HOME,
    as_json: AsJson = False,
) -> None:
    """Stage one: the batch's own entries are the memory. Encodes the memory at its end."""
    begin = {"corpus": corpus, "start": start}
    _train("inbatch", memory, preset, name, seed, home, as_json, **begin, **devices(mesh, together))


@app.command("global")
def global_(
    memory: Memory,
    preset: Preset = "mini",
    name: Name = None,
    seed: Seed = 0,
    mesh: Mesh = None,
    together: Together = None,
    home: Home = DEFAULT_HOME,
    as_json: AsJson = False,
) -> None:
    """Stage two, from NAME-inbatch: the frozen global memory."""
    _train("global", memory, preset, name, seed, home, as_json, **devices(mesh, together))


@app.command("finetune")
def finetune(
    memory: Memory,
    preset: Preset = "mini",
    name: Name = None,
    questions: Questions = "world-train",
    dataset: Dataset = None,
    path: File = None,
    seed: Seed = 0,
    mesh: Mesh = None,
    together: Together = None,
    workers: Workers = 2,
    runner: Runner = "FnApiRunner",
    runner_options: RunnerOptions = None,
    home: Home = DEFAULT_HOME,
    as_json: AsJson = False,
) -> None:
    """Fine-tune on questions, from NAME-global."""
    asked = _questions(questions, dataset, path)
    beam = {"workers": workers, "runner": runner, "runner_options": runner_options or []}
    _train("finetune", memory, preset, name, seed, home, as_json, **asked, **beam, **devices(mesh, together))


@app.command("multihop")
def multihop(
    memory: Memory,
    preset: Preset = "mini",
    name: Name = None,
    questions: Questions = "world-two-hop-train",
    dataset: Dataset = None,
    path: File = None,
    seed: Seed = 0,
    mesh: Mesh = None,
    together: Together = None,
    workers: Workers = 2,
    runner: Runner = "FnApiRunner",
    runner_options: RunnerOptions = None,
    home: Home = DEFAULT_HOME,
    as_json: AsJson = False,
) -> None:
    """QAMAT+, two rounds of retrieval, from NAME-finetune."""
    asked = _questions(questions, dataset, path)
    beam = {"workers": workers, "runner": runner, "runner_options": runner_options or []}
    _train("multihop", memory, preset, name, seed, home, as_json, **asked, **beam, **devices(mesh, together))


def _questions(questions: str, dataset: str | None, path: Path | None) -> dict[str, object]:
    file = file_of_questions(dataset, path, "train")
    return {"file": file} if file else {"questions": questions}


def _train(
    stage: str,
    memory: str,
    preset: str,
    name: str | None,
    seed: int,
    home: str,
    as_json: bool,
    **fields: object,
) -> None:
    from schemas.orders import TrainQamat

    common = {"preset": preset, "memory": memory, "name": name or memory, "seed": seed}
    order = TrainQamat.model_validate({**common, "stages": [stage], "home": home, **fields})
    with running(home) as tally:
        from flows.train import train_qamat

        trained = train_qamat(order)[stage]
    if as_json:
        print_json({**trained.model_dump(mode="json"), "computed": tally.computed, "reused": tally.reused})
        return
    print_fields({"checkpoint": trained.checkpoint, "index": trained.index})
