"""What stage each step belongs to: where ``start_at`` draws its line."""

from collections.abc import Mapping
from typing import Final, Literal, get_args

from flows.planning import PlannedStep
from schemas.orders import CorpusStage, RegenerateCorpus
from schemas.study_orders import ReproduceTable, StudyStage

CORPUS: Final[Mapping[str, CorpusStage]] = {
    "train tokenizer": "generators",
    "train generator": "generators",
    "extract answers": "answers",
    "generate questions": "questions",
    "filter questions": "filter",
    "filter open-domain": "filter",
    "build memory": "memory",
    "mine negatives": "examples",
}
"""The steps of a corpus; what is not named brings its passages in."""

STUDY: Final[Mapping[Literal["corpus"] | StudyStage, frozenset[str]]] = {
    "corpus": frozenset(
        (
            *("build world", "ingest passages", "ingest questions", "import pairs", "import drawn pairs", "import T5"),
            *("complement passages", "train tokenizer", "train generator", "import generator", "extract answers"),
            *("generate questions", "filter questions", "filter open-domain", "refilter questions", "build memory"),
            *("gather pairs", "mine negatives", "mine questions", "reverse questions", "compose questions"),
            *("mine multi-hop", "edit memory"),
        )
    ),
    "models": frozenset(
        (
            *("init QAMAT", "train words", "train in-batch", "build index", "build searcher", "update index"),
            *("compact index", "train global", "fine-tune", "train multi-hop", "train closed-book", "train RePAQ"),
            *("train re-ranker", "index passages", "train DPR", "encode passages", "train MDR", "train FiD"),
            *("train extractive reader",),
        )
    ),
    "answers": frozenset(
        (
            *("evaluate", "evaluate RePAQ", "retrieve passages", "retrieve hops", "evaluate passages"),
            *("evaluate BM25", "calibrate"),
        )
    ),
    "report": frozenset(
        (
            *("count corpus", "audit corpus", "measure abstention", "audit attribution", "measure speed"),
            *("split by overlap", "summarise", "summarise curves", "judge claims", "build report"),
        )
    ),
}
"""The steps of a study."""


def before_corpus_start(step: PlannedStep, order: RegenerateCorpus) -> bool:
    """Say whether a step is of a stage before the one that an order starts at."""
    stages = get_args(CorpusStage)
    stage = CORPUS.get(step.step)
    return stage is None or stages.index(stage) < stages.index(order.start_at)


def before_study_start(step: PlannedStep, order: ReproduceTable) -> bool:
    """Say whether a step is of a stage before the one that an order starts at."""
    stages = list(STUDY)
    earlier = stages[: stages.index(order.start_at)] if order.start_at else []
    return any(step.step in STUDY[stage] for stage in earlier)
