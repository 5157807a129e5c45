"""`qamat ask`: one question, its answer, the entries that were read and where they came from."""

import math
from typing import Annotated

import typer

from flows.cli.options import DEFAULT_HOME, AsJson, Home
from flows.cli.output import print_json


def ask(
    question: Annotated[str, typer.Argument(help="The question.")],
    checkpoint: Annotated[
        str | None, typer.Option(help="The checkpoint's name (default: the newest fine-tuned model).")
    ] = None,
    top_k: Annotated[
        int | None, typer.Option(min=1, help="Read so many entries (default: as many as in training).")
    ] = None,
    min_confidence: Annotated[
        float, typer.Option(min=0, max=1, help="Give no answer that the model finds less probable than this.")
    ] = 0.0,
    home: Home = DEFAULT_HOME,
    as_json: AsJson = False,
) -> None:
    """Answer a question from a memory: the answer, the entries read with their weights, their passages."""
    from flows.asking import ask_home

    found = ask_home(question, checkpoint, top_k, home)
    confidence = round(math.exp(found.sum_logprob), 4)
    answer = found.answer if confidence >= min_confidence else None
    if as_json:
        print_json({**found.model_dump(mode="json"), "answer": answer, "confidence": confidence})
        return
    print(f"{answer or 'no answer'}  (probability {confidence:.2f})")
    for evidence in found.evidence:
        print(f"\n{evidence.weight:.3f}  {evidence.question} {evidence.answer}")
        if evidence.passage:
            print(f"       {evidence.title}: {evidence.passage}")
