"""Asking a generator: what is known is not asked again, what fails is quarantined, what was stopped goes on."""

from collections.abc import Callable, Sequence

import pytest

from qamat_core.generation.batching import Batch
from qamat_core.generation.generator import Candidate, Generator, Search
from schemas.artifacts import ArtifactRef
from schemas.generation import FilterQuestionsConfig, GenerateQuestionsConfig
from schemas.tables import stable_id
from tasks import extract_answers, filter_questions, generate_questions
from tasks.model_stage import group_shards
from tests.tasks.conftest import EXTRACTION, SHAPE, Generated
from tests.tasks.corpus import Row, register

Decode = Callable[[Generator, Batch, Search], list[list[Candidate]]]


def _chain(generated: Generated, passages: ArtifactRef, name: str) -> tuple[ArtifactRef, ...]:
    """Extract, ask and filter; return the three tables."""
    how, generator = generated.resources, generated.generator
    extracted = extract_answers.ExtractionInputs(passages, generator)
    answers = extract_answers.run(EXTRACTION, extracted, name=name, resources=how)
    asked = generate_questions.QuestionInputs(passages, answers, generator)
    questions = generate_questions.run(GenerateQuestionsConfig(shape=SHAPE), asked, name=name, resources=how)
    judged = filter_questions.FilterInputs(passages, answers, questions, generator)
    verdicts = filter_questions.run(FilterQuestionsConfig(shape=SHAPE), judged, name=name, resources=how)
    return answers, questions, verdicts


def _rows(generated: Generated) -> list[Row]:
    return generated.store.open_table(generated.world.passages).to_pylist()


def _changed(row: Row) -> Row:
    text = f"Indeed {row['text']}"
    return row | {"passage_id": stable_id(row["source"], row["source_id"], text), "text": text}


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The rows of every call of the model."""
    made: list[int] = []
    plain: Decode = Generator.decode

    def decode(self: Generator, batch: Batch, search: Search) -> list[list[Candidate]]:
        made.append(len(batch.places))
        return plain(self, batch, search)

    monkeypatch.setattr(Generator, "decode", decode)
    return made


def test_a_changed_corpus_costs_what_changed_and_equals_a_full_run(generated: Generated, calls: list[int]):
    rows = _rows(generated)
    _chain(generated, register(generated.store, "passages", "weekly", rows, 12), "weekly")
    first = sum(calls)
    calls.clear()
    # One passage is changed, one has another title, one is gone, one is new; the shards are cut elsewhere.
    retitled = rows[8] | {"title": "Another"}
    edited = [_changed(rows[0]), *rows[2:8], retitled, *rows[9:], _changed(rows[5])]
    passages = register(generated.store, "passages", "weekly", edited, 10)
    incremental = _chain(generated, passages, "weekly")
    again = sum(calls)
    full = _chain(generated, passages, "weekly-full")
    assert [ref.content for ref in incremental] == [ref.content for ref in full]
    assert 0 < again < 0.2 * first
    notes = generated.store.row(incremental[0]).notes
    assert (notes["asked"], notes["found"]) == (3, len(edited) - 3)
    rejects = [generated.store.newest("rejects", f"{name}-answers").content for name in ("weekly", "weekly-full")]
    assert rejects[0] == rejects[1]


def test_a_run_that_was_stopped_goes_on_at_the_batch_where_it_was(
    generated: Generated, calls: list[int], monkeypatch: pytest.MonkeyPatch
):
    passages = register(generated.store, "passages", "stopped", _rows(generated), 12)
    inputs = extract_answers.ExtractionInputs(passages, generated.generator)
    counting: Decode = Generator.decode

    def stop(self: Generator, batch: Batch, search: Search) -> list[list[Candidate]]:
        if len(calls) == 3:
            raise OSError("the plug was pulled")
        return counting(self, batch, search)

    with monkeypatch.context() as patch:
        patch.setattr(Generator, "decode", stop)
        with pytest.raises(RuntimeError, match="plug"):
            extract_answers.run(EXTRACTION, inputs, name="stopped", resources=generated.resources)
    before = len(calls)
    made = extract_answers.run(EXTRACTION, inputs, name="stopped", resources=generated.resources)
    assert made.content == generated.answers.content
    assert (before, len(calls)) == (3, generated.store.row(made).notes["model_calls"])


def test_a_run_that_was_stopped_starts_over_if_another_run_has_become_its_predecessor(
    generated: Generated, monkeypatch: pytest.MonkeyPatch
):
    rows = _rows(generated)

    def extract(passages: Sequence[Row], name: str) -> ArtifactRef:
        ref = register(generated.store, "passages", name, passages, 12)
        inputs = extract_answers.ExtractionInputs(ref, generated.generator)
        return extract_answers.run(EXTRACTION, inputs, name=name, resources=generated.resources)

    def stop(self: Generator, batch: Batch, search: Search) -> list[list[Candidate]]:
        raise OSError("the plug was pulled")

    wanted = [*rows[:30], _changed(rows[40])]
    extract(rows[:30], "overtaken")
    with monkeypatch.context() as patch:
        patch.setattr(Generator, "decode", stop)
        with pytest.raises(RuntimeError, match="plug"):
            extract(wanted, "overtaken")
    extract(rows[20:40], "overtaken")
    made = extract(wanted, "overtaken")
    assert made.content == extract(wanted, "overtaken-full").content
    notes = generated.store.row(made).notes
    assert (notes["asked"], notes["found"]) == (21, 10)


def test_a_record_that_the_model_fails_for_is_quarantined_and_tried_again_next_time(
    generated: Generated, monkeypatch: pytest.MonkeyPatch
):
    rows = _rows(generated)
    plain: Decode = Generator.decode
    poisoned = generated.store.open_table(generated.world.passages)["text"][3].as_py().split()[0]

    def decode(self: Generator, batch: Batch, search: Search) -> list[list[Candidate]]:
        if any(poisoned in self._tokenizer.decode(row) for row in batch.tokens):
            raise ValueError("poison")
        return plain(self, batch, search)

    def extract(passages: Sequence[Row]) -> ArtifactRef:
        ref = register(generated.store, "passages", "poison", passages, 12)
        inputs = extract_answers.ExtractionInputs(ref, generated.generator)
        return extract_answers.run(EXTRACTION, inputs, name="poison", resources=generated.resources)

    bad = [row["passage_id"] for row in rows if poisoned in row["text"]]
    with monkeypatch.context() as patch:
        patch.setattr(Generator, "decode", decode)
        row = generated.store.row(extract(rows[:-1]))
    rejects = generated.store.open_table(generated.store.newest("rejects", "poison-answers")).to_pylist()
    quarantined = [one for one in rejects if one["reason"] == "quarantined: ValueError: poison"]
    assert 0 < len(bad) < len(rows) / 2
    assert [one["source"] for one in quarantined] == [one for one in bad if one != rows[-1]["passage_id"]]
    assert row.notes["quarantined"] == len(quarantined)
    assert row.read == row.kept + row.rejected
    mended = extract(rows)
    assert mended.content == generated.answers.content
    assert generated.store.row(mended).notes["asked"] == len(quarantined) + 1


def test_shards_with_few_waiting_rows_share_a_group():
    assert group_shards([5, 0, 1, 9, 1], 6) == [[0, 1, 2], [3], [4]]
    assert group_shards([], 6) == []
