"""`qamat ask`: one question, or a file of them; the answer, the entries that were read and where they came from."""

import sys
from collections import Counter
from pathlib import Path
from typing import IO, TYPE_CHECKING, Annotated

import typer

from flows.cli.options import DEFAULT_HOME, AsJson, Home
from flows.cli.output import print_json
from schemas.errors import InputError
from schemas.qamat import Backend

if TYPE_CHECKING:
    from schemas.answers import Answer
    from tasks.answering import Engine

Checkpoint = Annotated[
    str | None,
    typer.Option(metavar="NAME[@VERSION]", help="The checkpoint (default: the newest fine-tuned model)."),
]
Memory = Annotated[
    str | None,
    typer.Option(metavar="NAME[@VERSION]", help="The memory (default: the one that the model was trained over)."),
]
BackendName = Annotated[
    Backend,
    typer.Option("--backend", help="What searches: exact, or int8, scann (made by `qamat index build --backend`)."),
]
TopK = Annotated[int | None, typer.Option(min=1, help="Read so many entries (default: as many as in training).")]
MinConfidence = Annotated[float, typer.Option(min=0, max=1, help="Give no answer that is less sure than this.")]


def ask(
    question: Annotated[str | None, typer.Argument(help="The question; or give --file.")] = None,
    file: Annotated[
        Path | None,
        typer.Option(
            allow_dash=True,
            help='Questions, one a line: "a JSON string" or {"question": ..., "id", "without", "top_k", '
            '"min_confidence"}; - is standard input. Answers are one JSON object a line.',
        ),
    ] = None,
    checkpoint: Checkpoint = None,
    memory: Memory = None,
    backend: BackendName = "exact",
    top_k: TopK = None,
    min_confidence: MinConfidence = 0.0,
    home: Home = DEFAULT_HOME,
    as_json: AsJson = False,
) -> None:
    """Answer from a memory: the answer, the entries read with their weights, their passages."""
    if (question is None) == (file is None):
        raise typer.BadParameter("give a question or --file, one of both")
    from flows.runtime import keep_programs

    keep_programs(home)  # before jax is imported
    from flows.asking import BATCH_SIZES, open_engine
    from schemas.answers import Asked

    def opened(*batch_sizes: int) -> "Engine":
        return open_engine(
            home,
            checkpoint,
            memory,
            backend=backend,
            top_k=top_k,
            min_confidence=min_confidence,
            batch_sizes=batch_sizes,
        )

    if question is not None:
        asked = Asked(question=question)
        asked.check()
        found = opened(1).answer([asked])[0]
        print_json(found.model_dump(mode="json")) if as_json else _print(found)
        return
    with _open(file) as stream:
        from tasks.answer_lines import answer_lines

        engine = opened(*BATCH_SIZES)
        told: Counter[bool] = Counter()
        for line in answer_lines(stream, engine, BATCH_SIZES[-1]):
            print(line.text, flush=True)
            told[line.answered] += 1
    if told[False]:
        raise InputError(f"{file}: {told[False]} of {told.total()} questions were refused: see their lines")
    if as_json:
        print_json({"answered": told[True], "refused": 0})


def _open(file: Path | None) -> IO[bytes]:
    """Open a file of questions, or standard input.

    Raises:
        InputError: it cannot be read.
    """
    if str(file) == "-":
        return sys.stdin.buffer
    try:
        return Path(str(file)).open("rb")
    except OSError as error:
        raise InputError(f"{file}: {error.strerror}; give a file of questions, one a line, or -") from error


def _print(found: "Answer") -> None:
    print(f"{'no answer' if found.abstained else found.candidate}  (confidence {found.confidence:.2f})")
    if found.abstained:
        print(f"it would have been: {found.candidate}")
    for evidence in found.evidence:
        print(f"\n{evidence.weight:.3f}  {evidence.question} {evidence.answer}")
        if evidence.passage:
            print(f"       {evidence.title}: {evidence.passage}")
