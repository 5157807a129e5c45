"""Every question is judged by what is found for it in all passages, however the job is run."""

from collections.abc import Callable

import numpy as np
import pyarrow as pa
import pytest

from qamat_core.bm25 import BM25
from qamat_core.generation.batching import Batch
from qamat_core.generation.examples import COMPREHENSION, source_length, target_length
from qamat_core.generation.formats import comprehension_prompt
from qamat_core.generation.generator import Candidate, Generator, Search
from qamat_core.generation.quarantine import PREFIX, Quarantined
from qamat_core.generation.questions import judge
from schemas.artifacts import ArtifactRef
from schemas.generation import FilterOpenDomainConfig, PromptFormat
from tasks import filter_open_domain
from tasks.filter_questions import FilterInputs
from tasks.generator_pool import open_generator
from tasks.model_stage import Source
from tests.tasks.conftest import SHAPE, WORLD, Generated
from tests.tasks.corpus import Row, register

K = 3
CONFIG = FilterOpenDomainConfig(passages=K, shape=SHAPE)
Decode = Callable[[Generator, Batch, Search], list[list[Candidate]]]


@pytest.fixture(scope="module")
def inputs(generated: Generated) -> FilterInputs:
    return FilterInputs(generated.world.passages, generated.answers, generated.questions, generated.generator)


def _filter(generated: Generated, inputs: FilterInputs, name: str, **how: int) -> ArtifactRef:
    resources = generated.resources.model_copy(update=how)
    return filter_open_domain.run(CONFIG, inputs, name=name, resources=resources)


@pytest.fixture(scope="module")
def verdicts(generated: Generated, inputs: FilterInputs) -> ArtifactRef:
    return _filter(generated, inputs, "open")


def test_every_question_has_a_verdict(generated: Generated, verdicts: ArtifactRef):
    store = generated.store
    rows = store.open_table(verdicts).to_pylist()
    assert [row["qa_id"] for row in rows] == store.open_table(generated.questions)["qa_id"].to_pylist()
    assert {row["filter"] for row in rows} == {"open-domain"}
    counts, kept = store.row(verdicts), sum(row["kept"] for row in rows)
    assert 0 < kept < len(rows)
    assert (counts.read, counts.kept, counts.rejected) == (len(rows), kept, len(rows) - kept)


def test_the_answer_is_that_of_the_likeliest_passage_found(generated: Generated, verdicts: ArtifactRef):
    store = generated.store
    passages = store.open_table(generated.world.passages).to_pylist()
    texts = [f"{row['title']} {row['text']}" for row in passages]
    found = BM25([row["passage_id"] for row in passages], texts)
    answers = dict(zip(*store.open_table(generated.answers, ["answer_id", "text"]).to_pydict().values(), strict=True))
    generator = open_generator(str(store.home), generated.generator)
    config = generator.config
    search = Search(target_length(COMPREHENSION, config))
    elsewhere = 0
    rows = zip(store.open_table(generated.questions).to_pylist(), store.open_table(verdicts).to_pylist(), strict=True)
    for question, verdict in list(rows)[:20]:
        hits = found.search(question["question"], K)
        asked = [(passages[hit.row]["title"], passages[hit.row]["text"], question["question"]) for hit in hits]
        prompts = [comprehension_prompt(config.prompts, *one) for one in asked]
        read = generator.candidates(prompts, source_length(COMPREHENSION, config), search, SHAPE)
        best = max(range(len(hits)), key=lambda one: hits[one].score + read[one][0].sum_logprob)
        judged = judge(answers[question["answer_id"]], read[best][0].text)
        assert (verdict["predicted_answer"], verdict["kept"], verdict["reason"]) == judged[::2] + judged[3:]
        elsewhere += any(passages[hit.row]["passage_id"] != question["passage_id"] for hit in hits)
    assert elsewhere


def test_workers_and_replayed_bundles_change_nothing(generated: Generated, inputs: FilterInputs, verdicts: ArtifactRef):
    assert _filter(generated, inputs, "open-again", workers=2, bundle_repeat=2).content == verdicts.content


def test_a_stopped_run_asks_and_retrieves_nothing_again(
    generated: Generated, inputs: FilterInputs, verdicts: ArtifactRef, monkeypatch: pytest.MonkeyPatch
):
    made: list[str] = []
    plain: Decode = Generator.decode
    searched = BM25.batch_search

    def decode(self: Generator, batch: Batch, search: Search) -> list[list[Candidate]]:
        if len(made) == 2:
            raise OSError("the plug was pulled")
        made.append("call")
        return plain(self, batch, search)

    with monkeypatch.context() as patch:
        patch.setattr(Generator, "decode", decode)
        with pytest.raises(RuntimeError, match="plug"):
            _filter(generated, inputs, "open-stopped")
    monkeypatch.setattr(Generator, "decode", lambda *given: (made.append("call"), plain(*given))[1])
    monkeypatch.setattr(BM25, "batch_search", lambda *given: (made.append("search"), searched(*given))[1])
    again = _filter(generated, inputs, "open-stopped")
    assert again.content == verdicts.content
    assert made == ["call"] * int(generated.store.row(again).notes["model_calls"])


def test_a_question_is_quarantined_if_a_reading_of_it_fails(
    generated: Generated, inputs: FilterInputs, verdicts: ArtifactRef, monkeypatch: pytest.MonkeyPatch
):
    plain: Decode = Generator.decode
    poisoned = generated.store.open_table(generated.world.passages)["text"][3].as_py().split()[0]

    def decode(self: Generator, batch: Batch, search: Search) -> list[list[Candidate]]:
        if any(poisoned in self._tokenizer.decode(np.asarray(row)) for row in batch.tokens):
            raise ValueError("poison")
        return plain(self, batch, search)

    monkeypatch.setattr(Generator, "decode", decode)
    made = generated.store.row(_filter(generated, inputs, "open-poison"))
    rows = zip(*(generated.store.open_table(ref).to_pylist() for ref in (made.ref, verdicts)), strict=True)
    spared = [row == other for row, other in rows if not row["reason"].startswith(PREFIX)]
    assert all(spared)
    assert made.notes["quarantined"] == made.read - len(spared) > 0
    assert made.read == made.kept + made.rejected


def test_nothing_is_taken_over_when_a_passage_changes(
    generated: Generated, inputs: FilterInputs, verdicts: ArtifactRef
):
    store = generated.store
    passages: list[Row] = store.open_table(generated.world.passages).to_pylist()
    passages[0] |= {"title": "Another"}
    other = register(store, "passages", "retitled", passages, WORLD.shard_rows)
    changed = FilterInputs(other, *list(vars(inputs).values())[1:])
    incremental, full = (_filter(generated, changed, name) for name in ("open", "open-full"))
    assert incremental.content == full.content
    assert store.row(incremental).notes["asked"] == store.row(verdicts).read


def test_verdicts_come_of_all_readings():
    def reading(text: str, logprob: float) -> list[Candidate]:
        return [Candidate(text, logprob, logprob, ended=True)]

    found = [
        ([reading("Mol", -1.0), reading("Dral", -0.1)], [9.0, 2.0]),
        ([reading("Mol", -5.0), reading("Dral", -0.1)], [9.0, 8.0]),
        ([], []),
        ([reading("Mol", -1.0), Quarantined(f"{PREFIX}no")], [9.0, 8.0]),
    ]
    questions = [{"qa_id": str(n), "answer_id": "a", "scores": scores} for n, (_, scores) in enumerate(found)]
    answers = pa.table({"answer_id": ["a"], "text": ["the Mol"]})
    readings = [one for one, _ in found]
    tables = filter_open_domain.sort_out(questions, readings, {"answers": answers}, Source("g", PromptFormat(), "f"))
    assert tables["verdicts"]["reason"].to_pylist() == ["match", "mismatch", "empty", "quarantined: no"]
    assert tables["verdicts"]["predicted_answer"].to_pylist() == ["Mol", "Dral", "", ""]
