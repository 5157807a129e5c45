"""The flow that makes another memory of what was generated already."""

from prefect import flow

from flows import steps
from flows.corpus import show_funnel
from flows.lookup import open_home
from schemas.artifacts import ArtifactRef, Memory
from schemas.errors import MissingArtifactError
from schemas.orders import RefilterCorpus
from schemas.presets import preset
from tasks.build_memory import MemoryInputs
from tasks.mine_negatives import NegativesInputs
from tasks.refilter_questions import RefilterInputs


@flow(name="refilter-corpus", persist_result=False)
def refilter_corpus(order: RefilterCorpus) -> Memory:
    """Judge the pairs of a corpus by another rule: verdicts -> memory and training examples."""
    numbers = preset(order.preset).corpus
    resources = order.resources()
    given, passages, imported = generated_tables(order.home, order.name)
    verdicts = steps.refilter_questions(order.rule, given, name=order.to, resources=resources)
    judged = MemoryInputs(given.answers, given.questions, verdicts, imported)
    memory = steps.build_memory(numbers.memory, judged, name=order.to, resources=resources)
    pairs = NegativesInputs(passages, memory.qa_pairs)
    mined = steps.mine_negatives(numbers.negatives, pairs, name=order.to, resources=resources)
    show_funnel(memory.qa_pairs, order.to, resources)
    return Memory(qa_pairs=memory.qa_pairs, examples=mined.pretrain_examples)


def generated_tables(home: str, name: str) -> tuple[RefilterInputs, ArtifactRef, tuple[ArtifactRef, ...]]:
    """Return the tables that a memory was made of, its passages, and the imported pairs that joined it.

    Raises:
        MissingArtifactError: there is no such memory, or it was not generated.
    """
    store = open_home(home)
    row = store.row(store.newest("qa_pairs", name))
    if "verdicts" not in row.inputs:
        raise MissingArtifactError(f"{row.ref} was not generated here: only a regenerated corpus can be filtered again")
    given = RefilterInputs(row.inputs["answers"], row.inputs["questions"], row.inputs["verdicts"])
    imported = tuple(ref for label, ref in row.inputs.items() if label.startswith("imported-"))
    return given, store.row(given.answers).inputs["passages"], imported
