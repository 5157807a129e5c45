"""The tables of the report: which models each of them asks which questions, and where the figures stand."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

from flows import steps
from flows.ablations import ablations
from flows.baselines import closed_book_model, dense_questions, repaq, repaq_reranked
from flows.integration import integration
from flows.memories import table6
from flows.passage_baselines import passage_rows
from flows.speed import speed
from flows.study import Study, ask_finetuned, single_hop
from flows.sweeps import figure7, table7
from flows.trust import abstention, attribution
from flows.two_hop import table3
from schemas.artifacts import ArtifactRef, Pretrained
from schemas.evaluation import AuditConfig, Bm25Config, Place
from schemas.preset_models import ModelSize
from schemas.qamat import EvaluationConfig
from schemas.study_orders import MemoryKind, TableName
from tasks.audit_corpus import AuditInputs
from tasks.filter_questions import FilterInputs


def table1(study: Study) -> list[ArtifactRef]:
    """Audit the generated memory: its size, coverage and precision, its filter beside the open-domain one."""
    corpus, filtering = study.corpus, study.numbers.corpus.open_domain
    asked = FilterInputs(corpus.sources.passages, corpus.answers, corpus.questions, corpus.generators.comprehension)
    open_domain = steps.filter_open_domain(
        filtering, asked, name=f"{study.name}-open-domain", resources=study.resources
    )
    inputs = AuditInputs(
        passages=corpus.sources.passages,
        answers=corpus.answers,
        questions=corpus.questions,
        verdicts=corpus.verdicts,
        memory=corpus.memory,
        gold=study.world.gold_pairs,
        examples=study.world.questions[study.split],
        open_domain=open_domain,
    )
    config = AuditConfig(split=study.split, model_size=study.numbers.size, open_domain_k=filtering.passages)
    return [steps.audit_corpus(config, inputs, name=f"{study.name}-audit-{study.split}", resources=study.resources)]


def table2(study: Study) -> list[ArtifactRef]:
    """Ask single-hop questions of every system, over the generated memory (table 4 adds the row of the gold one)."""
    systems = [row(study, "generated", study.numbers.size) for row in (zero_shot, finetuned)]
    systems += [bm25(study, "generated")]
    systems += [row(study, "generated") for row in (dense_questions, repaq, repaq_reranked)]
    systems += passage_rows(study)
    return [closed_book(study, split) for split in ("train", study.split)] + systems


def sizes(study: Study) -> list[ArtifactRef]:
    """Ask QAMAT of every size of the preset: the rows of Table 2 that differ in size alone."""
    return [row(study, "generated", size) for size in study.numbers.sizes for row in (zero_shot, finetuned)]


def table4(study: Study) -> list[ArtifactRef]:
    """Measure recall and exact match at every K; the gold memory is the upper bound of table 2 too."""
    config = study.numbers.evaluation.single_hop
    metrics: list[ArtifactRef] = []
    for kind in study.order.memories:
        runs = [ask_finetuned(study, kind, seed) for seed in study.seeds]
        for k in config.ks:
            places = [single_hop(study, "table4", "QAMAT Fine-tuned", kind, k=k)]
            if kind == "gold" and k == max(config.ks):
                places.append(single_hop(study, "table2", "QAMAT Fine-tuned", kind, k=k))
            name = f"{study.name}-{kind}-table4-k{k}"
            metrics.append(study.summarise(places, [run[k] for run in runs], name, (k,)))
        metrics += [deeper(study, kind, reading) for reading in study.numbers.evaluation.deeper]
    return metrics


def table5(study: Study) -> list[ArtifactRef]:
    """Leave out either stage of pre-training, over the generated memory."""
    kind: MemoryKind = "generated"
    starts: Mapping[str, Callable[[int], Pretrained]] = {
        "Only In-Batch": lambda seed: study.model(kind, seed).inbatch,
        "Only Global": lambda seed: study.only_global(kind, seed),
    }
    return [ablation(study, kind, row, start) for row, start in starts.items()] + [both_stages(study, kind)]


TABLES: Final[Mapping[TableName, Callable[[Study], list[ArtifactRef]]]] = MappingProxyType(
    {
        "table1": table1,
        "table2": table2,
        "sizes": sizes,
        "table3": table3,
        "table4": table4,
        "table5": table5,
        "table6": table6,
        "table7": table7,
        "figure7": figure7,
        "speed": speed,
        "integration": integration,
        "abstention": abstention,
        "attribution": attribution,
        "ablations": ablations,
    }
)
"""Table -> what measures it; each returns ``metrics``."""


def finetuned(study: Study, kind: MemoryKind, size: ModelSize) -> ArtifactRef:
    """Measure the fine-tuned model of a size at its largest K."""
    k = max(study.numbers.evaluation.single_hop.ks)
    runs = [ask_finetuned(study, kind, seed, size)[k] for seed in study.seeds]
    place = single_hop(study, "table2", "QAMAT Fine-tuned", kind, k=k, model_size=size)
    return study.summarise([place], runs, f"{study.name}-{kind}-{size}-finetuned")


def zero_shot(study: Study, kind: MemoryKind, size: ModelSize) -> ArtifactRef:
    """Measure the pre-trained model of a size, which has seen no question of the data set."""
    config = study.numbers.evaluation.single_hop
    k = max(config.ks)
    runs: list[ArtifactRef] = []
    for seed in study.seeds:
        name = f"{study.name}-{kind}-{size}-s{seed}-zero-{study.split}"
        model = study.sized(kind, seed, size).global_
        runs.append(study.ask(config, model, study.world.questions[study.split], name)[k])
    place = single_hop(study, "table2", "QAMAT Zero-Shot", kind, k=k, model_size=size)
    return study.summarise([place], runs, f"{study.name}-{kind}-{size}-zero-shot")


def deeper(study: Study, kind: MemoryKind, reading: EvaluationConfig) -> ArtifactRef:
    """Let the fine-tuned model read more entries than it was trained to read."""
    (k,) = reading.ks
    runs: list[ArtifactRef] = []
    for seed in study.seeds:
        name = f"{study.name}-{kind}-s{seed}-deeper-{k}-{study.split}"
        model = study.model(kind, seed).finetuned
        runs.append(study.ask(reading, model, study.world.questions[study.split], name)[k])
    place = single_hop(study, "table4", "QAMAT Fine-tuned", kind, k=k)
    return study.summarise([place], runs, f"{study.name}-{kind}-table4-k{k}", (k,))


def bm25(study: Study, kind: MemoryKind) -> ArtifactRef:
    """Measure BM25 over a memory's questions."""
    memory = study.corpus.memory if kind == "generated" else study.world.gold_pairs
    place = single_hop(study, "table2", "BM25 questions", kind)
    config = Bm25Config(places=(place,), ks=(1,))
    questions = study.world.questions[study.split]
    name = f"{study.name}-{kind}-bm25-{study.split}"
    found = steps.evaluate_bm25(config, questions, memory, name=name, resources=study.resources)
    study.runs[place] = (found.predictions,)
    return found.metrics


def closed_book(study: Study, split: str) -> ArtifactRef:
    """Measure the baseline without a memory; on its own training questions too."""
    questions = study.world.questions
    runs: list[ArtifactRef] = []
    for seed in study.seeds:
        checkpoint, name = closed_book_model(study, seed), f"{study.name}-s{seed}-closed-book"
        model = Pretrained(checkpoint=checkpoint, index=checkpoint)
        asked = questions["train" if split == "train" else study.split]
        runs.append(study.ask(study.numbers.evaluation.closed_book, model, asked, f"{name}-{split}", closed=True)[1])
    place = Place(
        table="table2",
        row="Closed-book T5",
        dataset=study.dataset,
        split=split,
        memory="none",
        model_size=study.numbers.size,
    )
    return study.summarise([place], runs, f"{study.name}-closed-book-{split}")


def ablation(study: Study, kind: MemoryKind, row: str, start: Callable[[int], Pretrained]) -> ArtifactRef:
    """Measure a model that was fine-tuned from one stage alone."""
    reading = study.numbers.evaluation.single_hop
    k = max(reading.ks)
    label = row.lower().replace(" ", "-")
    runs: list[ArtifactRef] = []
    for seed in study.seeds:
        name = f"{study.name}-{kind}-s{seed}-{label}"
        config = study.numbers.training.seeded(seed).finetune
        model = study.finetune(config, start(seed), kind, name)
        runs.append(study.ask(reading, model, study.world.questions[study.split], f"{name}-{study.split}")[k])
    return study.summarise([single_hop(study, "table5", row, kind, k=k)], runs, f"{study.name}-{kind}-{label}")


def both_stages(study: Study, kind: MemoryKind) -> ArtifactRef:
    """Measure the whole recipe: the fine-tuned model of Table 2."""
    k = max(study.numbers.evaluation.single_hop.ks)
    runs = [ask_finetuned(study, kind, seed)[k] for seed in study.seeds]
    place = single_hop(study, "table5", "In-Batch->Global", kind, k=k)
    return study.summarise([place], runs, f"{study.name}-{kind}-both-stages")
