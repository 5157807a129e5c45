"""A home with SQuAD's passages, answers and questions as a corpus has them, a generator of random weights, a memory."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa

from qamat_core.generation.training import STAGE, fit_vocabulary, init_params
from qamat_core.store.shards import write_shard
from qamat_core.store.store import DirectoryDraft, Job, Store, TableDraft
from qamat_core.t5.network import T5
from qamat_core.tokenizer import Tokenizer
from qamat_core.training.checkpoint import CheckpointCard, save_checkpoint
from schemas.artifacts import ArtifactRef, TableKind
from schemas.generation import GeneratorConfig
from schemas.preset_models import CorpusPreset
from schemas.resources import Resources
from schemas.tables import TABLES, stable_id
from tasks import ingest_passages, train_tokenizer
from tests.benchmarks import real_text
from tests.tasks.corpus import Given, Row, pair

NAME = "squad"
PER_PASSAGE = 2
"""At most so many answers of a passage are asked about."""
WRITER: Row = {"sum_logprob": -1.0, "mean_logprob": -0.1, "generator": NAME}


class Annotated(NamedTuple):
    """What stages read: aligned tables of one corpus, a generator, a memory of its pairs and of other questions."""

    passages: ArtifactRef
    answers: ArtifactRef
    questions: ArtifactRef
    generator: ArtifactRef
    memory: ArtifactRef


def prepare(numbers: CorpusPreset, resources: Resources, shards: int, questions: int) -> Annotated:
    """Register everything: so many shards of passages, so many questions in the memory besides."""
    store, size = Store(resources.home), numbers.ingest.shard_rows
    given = ingest_passages.run(numbers.ingest, [real_text.squad_file()], name=NAME, resources=resources)
    texts = [given.passages, given.annotations]
    tokenizer = train_tokenizer.run(numbers.tokenizer, texts, name=NAME, resources=resources)
    passages = store.open_table(given.passages).slice(0, shards * size).to_pylist()
    place = {row["passage_id"]: number // size for number, row in enumerate(passages)}
    rows: dict[TableKind, list[list[Row]]] = defaultdict(lambda: [[] for _ in range(shards)])
    pairs: list[Row] = []
    asked: Counter[str] = Counter()
    for number, row in enumerate(passages):
        rows["passages"][number // size].append(row)
    for one in store.open_table(given.annotations).to_pylist():
        if (shard := place.get(one["passage_id"])) is not None and asked[one["passage_id"]] < PER_PASSAGE:
            asked[one["passage_id"]] += 1
            answer, question = _asked(one)
            rows["answers"][shard].append(answer)
            rows["questions"][shard].append(question)
            pairs.append(pair(question["qa_id"], one["question"], answer["text"], one["passage_id"], answer["start"]))
    pairs += [pair(stable_id(number), text, "unknown") for number, text in enumerate(real_text.questions(questions))]
    per_shard = 65_536
    rows["qa_pairs"] = [pairs[start : start + per_shard] for start in range(0, len(pairs), per_shard)]
    tables = {kind: _register(store, kind, shards) for kind, shards in rows.items()}
    generator = _generator(store, numbers.generator.generator, tokenizer)
    return Annotated(tables["passages"], tables["answers"], tables["questions"], generator, tables["qa_pairs"])


def _asked(annotation: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return an annotation's row of ``answers`` and of ``questions``."""
    text, start, passage_id = annotation["answers"][0], annotation["start"], annotation["passage_id"]
    answer_id = stable_id(passage_id, start, start + len(text), annotation["annotation_id"])
    place = {"start": start, "end": start + len(text)}
    answer = {"answer_id": answer_id, "passage_id": passage_id, "text": text, **place, **WRITER}
    question = annotation["question"]
    asked = {"qa_id": stable_id(answer_id, question), "answer_id": answer_id, "passage_id": passage_id}
    return answer, asked | {"question": question, **WRITER}


def _register(store: Store, kind: TableKind, shards: Sequence[Sequence[Row]]) -> ArtifactRef:
    job = Job("tasks.beam", Given(digest=stable_id(kind, len(shards))), {}, {"table": (kind, NAME)})

    def write(work: Path) -> dict[str, TableDraft]:
        schema, directory = TABLES[kind], work / kind
        tables = (pa.Table.from_pylist(list(rows), schema=schema) for rows in shards)
        return {
            "table": TableDraft(
                directory, tuple(write_shard(rows, schema, directory, n) for n, rows in enumerate(tables))
            )
        }

    return store.produce(job, write)["table"]


def _generator(store: Store, config: GeneratorConfig, tokenizer: ArtifactRef) -> ArtifactRef:
    """Register a generator with the weights that training would start from."""
    model = fit_vocabulary(config.model, Tokenizer.load(store.open_directory(tokenizer)))
    settings = config.model_copy(update={"model": model}).model_dump(mode="json")
    job = Job("tasks.train_generator", config, {"tokenizer": tokenizer}, {"checkpoint": ("checkpoint", NAME)})

    def write(work: Path) -> dict[str, DirectoryDraft]:
        card = CheckpointCard(role=STAGE, model=model, tokenizer=tokenizer, settings=settings)
        save_checkpoint(work / "checkpoint", init_params(T5(model), 0), card, [])
        return {"checkpoint": DirectoryDraft(work / "checkpoint")}

    return store.produce(job, write)["checkpoint"]
