"""The baselines of Table 2 that are trained: T5 without a memory; dense questions, RePAQ, RePAQ and a re-ranker, which
answer with the answer of an entry."""

from collections.abc import Callable

from flows import steps
from flows.study import Study, single_hop
from flows.training import with_index
from schemas.artifacts import ArtifactRef, Name, Pretrained
from schemas.study_orders import MemoryKind
from tasks.evaluate_repaq import RepaqInputs
from tasks.repaq_stage import RankingInputs
from tasks.train_closed_book import ClosedBookInputs


def closed_book_model(study: Study, seed: int) -> ArtifactRef:
    """Train the baseline without a memory on passages and the world's single-hop training questions."""
    config = study.numbers.training.seeded(seed).closed_book
    inputs = ClosedBookInputs(study.start(seed), study.filling, study.world.questions["train"])
    name = f"{study.name}-s{seed}-closed-book"
    return steps.train_closed_book(config, inputs, name=name, resources=study.resources)


def dense_questions(study: Study, kind: MemoryKind) -> ArtifactRef:
    """Measure the nearest question by the encoder of QAMAT's stage one, which no question of the data set trained."""
    return _measured(study, kind, "Dense questions", lambda seed: study.model(kind, seed).inbatch)


def repaq(study: Study, kind: MemoryKind) -> ArtifactRef:
    """Measure RePAQ's retriever."""
    return _measured(study, kind, "RePAQ", lambda seed: retriever(study, kind, seed))


def repaq_reranked(study: Study, kind: MemoryKind) -> ArtifactRef:
    """Measure RePAQ with its re-ranker."""
    return _measured(
        study,
        kind,
        "RePAQ+Rerank",
        lambda seed: retriever(study, kind, seed),
        lambda seed: reranker(study, kind, seed),
    )


def retriever(study: Study, kind: MemoryKind, seed: int) -> Pretrained:
    """Train RePAQ's retriever on the world's single-hop training questions."""
    name = f"{study.name}-{kind}-s{seed}-repaq"
    return train_retriever(study, kind, seed, study.world.questions["train"], name)


def train_retriever(study: Study, kind: MemoryKind, seed: int, questions: ArtifactRef, name: Name) -> Pretrained:
    """Train RePAQ's retriever from QAMAT's stage one, and encode the memory with it."""
    config, memory = study.numbers.training.seeded(seed), study.memory(kind)
    inputs = RankingInputs(study.model(kind, seed).inbatch.checkpoint, memory.qa_pairs, questions)
    checkpoint = steps.train_repaq(config.repaq, inputs, name=name, resources=study.resources)
    return with_index(config, checkpoint, memory, name=name, resources=study.resources)


def reranker(study: Study, kind: MemoryKind, seed: int) -> ArtifactRef:
    """Train the re-ranker from RePAQ's retriever, on what that finds."""
    config, found = study.numbers.training.seeded(seed), retriever(study, kind, seed)
    inputs = RankingInputs(found.checkpoint, study.memory(kind).qa_pairs, study.world.questions["train"])
    name = f"{study.name}-{kind}-s{seed}-reranker"
    return steps.train_reranker(config.reranker, inputs, name=name, resources=study.resources)


def _measured(
    study: Study,
    kind: MemoryKind,
    row: str,
    model: Callable[[int], Pretrained],
    ranking: Callable[[int], ArtifactRef] | None = None,
) -> ArtifactRef:
    label = row.lower().replace(" ", "-").replace("+", "-")
    questions, config = study.world.questions[study.split], study.numbers.evaluation.repaq
    runs: list[ArtifactRef] = []
    for seed in study.seeds:
        name: Name = f"{study.name}-{kind}-s{seed}-{label}-{study.split}"
        found = model(seed)
        inputs = RepaqInputs(found.checkpoint, found.index, questions, ranking(seed) if ranking else None)
        runs.append(steps.evaluate_repaq(config, inputs, name=name, resources=study.resources))
    name = f"{study.name}-{kind}-{label}"
    return study.summarise([single_hop(study, "table2", row, kind)], runs, name, (1, config.top_k))
