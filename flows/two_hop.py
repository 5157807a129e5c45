"""Table 3: two-hop questions of two sets over their gold memories.

Models of the second set start from the first one's in-batch checkpoint, as MuSiQue's do from HotpotQA's (section 5.5).
"""

from collections.abc import Callable
from dataclasses import replace

from flows import steps
from flows.baselines import closed_book_model, train_retriever
from flows.passage_hops import ask_mdr
from flows.study import Study
from flows.training import finetune, train_multihop
from schemas.artifacts import ArtifactRef, Pretrained
from schemas.evaluation import MemoryName, Place
from schemas.qamat import EvaluationConfig
from tasks.evaluate_repaq import RepaqInputs
from tasks.train_closed_book import ClosedBookInputs

Ask = Callable[[int], ArtifactRef]
"""Gives the predictions of a seed."""


def table3(study: Study) -> list[ArtifactRef]:
    """Ask two-hop questions of both sets of every system, and of a QAMAT+ that did not start from the first set."""
    second = second_set(study)
    rows = [qamat, qamat_plus, repaq, closed_book]
    rows += [mdr] if study.numbers.training.passages.two_hop else []
    return [row(one) for one in (study, second) for row in rows] + [without_start(second)]


def second_set(study: Study) -> Study:
    """Return the study of the second set: a world of its own, models that start from the first's in-batch checkpoint.

    They read by the first world's tokenizer, which is that of their start.
    """
    numbers = study.numbers.second
    name = f"{study.name}-b"
    return replace(
        study,
        order=study.order.model_copy(update={"name": name}),
        numbers=study.numbers.model_copy(update={"world": numbers.world, "training": numbers.training}),
        world=steps.build_world(numbers.world, name=name, resources=study.resources),
        first=study,
    )


def qamat(study: Study) -> ArtifactRef:
    """Measure one round of retrieval with twice the slots, as long trained as two rounds."""
    config = study.numbers.evaluation.two_hop_one_round
    return _measured(study, "QAMAT", "two-hop", config, lambda seed: _one_round(study, seed))


def qamat_plus(study: Study) -> ArtifactRef:
    """Measure two rounds of retrieval."""
    config = study.numbers.evaluation.two_hop
    return _measured(study, "QAMAT+", "two-hop-plus", config, lambda seed: _two_rounds(study, seed))


def without_start(study: Study) -> ArtifactRef:
    """Measure two rounds of a model whose in-batch stage started where the first set's did."""
    alone, config = replace(study, first=None), study.numbers.evaluation.two_hop
    row = "QAMAT+ without HotpotQA's start"
    return _measured(alone, row, "alone-two-hop-plus", config, lambda seed: _two_rounds(alone, seed, "alone"))


def repaq(study: Study) -> ArtifactRef:
    """Measure RePAQ's retriever, trained from the in-batch checkpoint on which entries hold the answer."""
    config, questions = study.numbers.evaluation.repaq, study.world.two_hop

    def ask(seed: int) -> ArtifactRef:
        name = f"{study.name}-gold-s{seed}-two-hop-repaq"
        found = train_retriever(study, "gold", seed, questions["train"], name)
        inputs = RepaqInputs(found.checkpoint, found.index, questions[study.split])
        return steps.evaluate_repaq(config, inputs, name=f"{name}-{study.split}", resources=study.resources)

    return _summarised(study, "RePAQ", "two-hop-repaq", ask)


def closed_book(study: Study) -> ArtifactRef:
    """Measure the baseline without a memory, from Table 2's, which has learned the first world's questions."""

    def ask(seed: int) -> ArtifactRef:
        config = study.numbers.training.seeded(seed).two_hop_closed_book
        begin = closed_book_model(study.first or study, seed)
        inputs = ClosedBookInputs(begin, study.memory("gold").examples, study.world.two_hop["train"])
        name = f"{study.name}-s{seed}-two-hop-closed-book"
        checkpoint = steps.train_closed_book(config, inputs, name=name, resources=study.resources)
        model = Pretrained(checkpoint=checkpoint, index=checkpoint)
        asked = study.world.two_hop[study.split]
        return study.ask(study.numbers.evaluation.closed_book, model, asked, f"{name}-{study.split}", closed=True)[1]

    return _summarised(study, "Closed-book T5", "two-hop-closed-book", ask, memory="none")


def mdr(study: Study) -> ArtifactRef:
    """Measure two rounds of retrieval of passages, which FiD reads."""
    k = study.numbers.training.passages.two_hop_fid.reading.passages
    return _summarised(study, "MDR+T5-Decoder", "two-hop-mdr", lambda seed: ask_mdr(study, seed), memory="none", k=k)


def _one_round(study: Study, seed: int) -> Pretrained:
    config, start = study.numbers.training.seeded(seed), study.model("gold", seed).finetuned
    memory, questions = study.memory("gold"), study.world.two_hop["train"]
    name = f"{study.name}-gold-s{seed}-two-hop"
    return finetune(config.two_hop_one_round, start, memory, questions, hops=2, name=name, resources=study.resources)


def _two_rounds(study: Study, seed: int, variant: str = "") -> Pretrained:
    config, start = study.numbers.training.seeded(seed), study.model("gold", seed, variant).finetuned
    memory, questions = study.memory("gold"), study.world.two_hop["train"]
    name = "-".join(filter(None, (study.name, "gold", variant, f"s{seed}", "two-hop-plus")))
    return train_multihop(config, start, memory, questions, name=name, resources=study.resources)


def _measured(
    study: Study, row: str, label: str, config: EvaluationConfig, model: Callable[[int], Pretrained]
) -> ArtifactRef:
    """Measure a QAMAT at the one K that it reads."""
    (k,) = config.ks

    def ask(seed: int) -> ArtifactRef:
        name = f"{study.name}-gold-s{seed}-{label}-{study.split}"
        return study.ask(config, model(seed), study.world.two_hop[study.split], name)[k]

    return _summarised(study, row, label, ask, k=k)


def _summarised(
    study: Study, row: str, label: str, ask: Ask, *, memory: MemoryName = "gold", k: int | None = None
) -> ArtifactRef:
    """Turn a run a seed into figures of Table 3."""
    place = Place(
        table="table3",
        row=row,
        dataset=study.numbers.world.world.two_hop_dataset,
        split=study.split,
        memory=memory,
        model_size=study.numbers.size,
        k=k,
    )
    return study.summarise([place], [ask(seed) for seed in study.seeds], f"{study.name}-{label}")
