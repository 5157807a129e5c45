"""The flow that makes another memory of what was generated already, by another filter or another rule."""

from prefect import flow

from flows import steps
from flows.corpus import judge
from flows.exhibits import show_corpus
from flows.lookup import open_home
from schemas.artifacts import ArtifactRef, Memory
from schemas.errors import MissingArtifactError
from schemas.orders import RefilterCorpus
from schemas.presets import preset
from tasks.build_memory import MemoryInputs
from tasks.filter_questions import FilterInputs
from tasks.mine_negatives import NegativesInputs
from tasks.refilter_questions import RefilterInputs
from tasks.runner_options import check_runner


@flow(name="refilter-corpus", persist_result=False)
def refilter_corpus(order: RefilterCorpus) -> Memory:
    """Judge the pairs of a corpus by another filter or rule: verdicts -> memory and training examples."""
    numbers = preset(order.preset).corpus
    resources = check_runner(order.resources())
    given, verdicts, imported = generated_tables(order.home, order.name)
    if order.filter is not None:
        verdicts = judge(numbers, order.filter, given, name=order.to, resources=resources)
    read = RefilterInputs(given.answers, given.questions, verdicts)
    verdicts = steps.refilter_questions(order.rule, read, name=order.to, resources=resources)
    judged = MemoryInputs(given.answers, given.questions, verdicts, imported)
    memory = steps.build_memory(numbers.memory, judged, name=order.to, resources=resources)
    pairs = NegativesInputs(given.passages, memory.qa_pairs)
    mined = steps.mine_negatives(numbers.negatives, pairs, name=order.to, resources=resources)
    show_corpus(memory.qa_pairs, order.to, order.home)
    return Memory(qa_pairs=memory.qa_pairs, examples=mined.pretrain_examples)


def generated_tables(home: str, name: str) -> tuple[FilterInputs, ArtifactRef, tuple[ArtifactRef, ...]]:
    """Return what the filter of a memory was asked about, its verdicts, and the imported pairs that joined the memory.

    Raises:
        MissingArtifactError: there is no such memory, or it was not generated.
    """
    store = open_home(home)
    row = store.row(store.newest("qa_pairs", name))
    if "verdicts" not in row.inputs:
        raise MissingArtifactError(f"{row.ref} was not generated here: give the name of a regenerated corpus")
    asked = store.row(row.inputs["verdicts"])
    while "generator" not in asked.inputs:  # they were judged again
        asked = store.row(asked.inputs["verdicts"])
    imported = tuple(ref for label, ref in row.inputs.items() if label.startswith("imported-"))
    return FilterInputs(**asked.inputs), row.inputs["verdicts"], imported
