"""Asking a home: finds the model, its index and its passages by name. No flow: nothing is stored."""

import json

from flows.lookup import find_index, find_model, find_passages, open_home
from schemas.artifacts import Name
from schemas.resources import Resources
from tasks.ask import Answer, AskInputs, ask


def ask_home(question: str, checkpoint: Name | None, top_k: int | None, home: str) -> Answer:
    """Answer a question with a checkpoint over the memory that it was trained over.

    Raises:
        MissingArtifactError: there is no such checkpoint, or nothing was trained yet.
        InputError: the question cannot be answered.
    """
    store = open_home(home)
    model = find_model(store, checkpoint)
    index = find_index(store, model)
    row = store.row(model)
    passages = find_passages(store, store.row(index).inputs["memory"])
    return ask(
        question,
        AskInputs(model, index, tuple(passages)),
        top_k=top_k or int(json.loads(row.config)["top_k"]),
        rounds=2 if row.module == "tasks.train_multihop" else 1,
        resources=Resources(home=home),
    )
