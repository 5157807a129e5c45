"""The steps of all flows: each task module's ``run`` as a Prefect task.

A step takes and gives references, never rows. What a user must mend (``QamatError``) is not tried again; anything else,
a lost machine say, is, and the job goes on where it was.
"""

from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar

from prefect import task
from prefect.cache_policies import NO_CACHE

import tasks.audit_corpus
import tasks.build_index
import tasks.build_memory
import tasks.build_report
import tasks.build_world
import tasks.evaluate
import tasks.evaluate_bm25
import tasks.extract_answers
import tasks.filter_questions
import tasks.generate_questions
import tasks.ingest_passages
import tasks.ingest_questions
import tasks.mine_multihop
import tasks.mine_negatives
import tasks.summarise_predictions
import tasks.train_closed_book
import tasks.train_finetune
import tasks.train_generator
import tasks.train_global
import tasks.train_inbatch
import tasks.train_multihop
import tasks.train_tokenizer
import tasks.train_warmup
from schemas.errors import QamatError

P = ParamSpec("P")
R = TypeVar("R")


def _step(name: str, run: Callable[P, R]) -> Callable[P, R]:
    wrapped = task(
        run,
        name=name,
        task_run_name=f"{name} {{name}}",
        retries=2,
        retry_delay_seconds=1,
        retry_condition_fn=_worth_retrying,
        cache_policy=NO_CACHE,
        persist_result=False,
        log_prints=False,
    )
    return wrapped  # pyright: ignore[reportReturnType]


def _worth_retrying(task: Any, run: Any, state: Any) -> bool:
    del task, run
    try:
        state.result()
    except QamatError:
        return False
    except Exception:  # whatever else went wrong may go right next time
        return True
    return False


build_world = _step("build world", tasks.build_world.run)
ingest_passages = _step("ingest passages", tasks.ingest_passages.run)
ingest_questions = _step("ingest questions", tasks.ingest_questions.run)
train_tokenizer = _step("train tokenizer", tasks.train_tokenizer.run)
train_generator = _step("train generator", tasks.train_generator.run)
extract_answers = _step("extract answers", tasks.extract_answers.run)
generate_questions = _step("generate questions", tasks.generate_questions.run)
filter_questions = _step("filter questions", tasks.filter_questions.run)
build_memory = _step("build memory", tasks.build_memory.run)
mine_negatives = _step("mine negatives", tasks.mine_negatives.run)
mine_multihop = _step("mine multi-hop", tasks.mine_multihop.run)
audit_corpus = _step("audit corpus", tasks.audit_corpus.run)
train_warmup = _step("train warm-up", tasks.train_warmup.run)
train_inbatch = _step("train in-batch", tasks.train_inbatch.run)
build_index = _step("build index", tasks.build_index.run)
train_global = _step("train global", tasks.train_global.run)
train_finetune = _step("fine-tune", tasks.train_finetune.run)
train_multihop = _step("train multi-hop", tasks.train_multihop.run)
train_closed_book = _step("train closed-book", tasks.train_closed_book.run)
evaluate = _step("evaluate", tasks.evaluate.run)
evaluate_bm25 = _step("evaluate BM25", tasks.evaluate_bm25.run)
summarise = _step("summarise", tasks.summarise_predictions.run)
build_report = _step("build report", tasks.build_report.run)
