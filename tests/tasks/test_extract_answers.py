"""Extracted answers stand in their passages, everything else in the rejects, however the job is run."""

import pytest

from schemas.errors import IncompatibleArtifactError
from schemas.tables import stable_id
from tasks import extract_answers
from tests.tasks.conftest import EXTRACTION, Generated


def test_answers_stand_in_their_passages(generated: Generated):
    texts = {row["passage_id"]: row["text"] for row in generated.store.open_table(generated.world.passages).to_pylist()}
    answers = generated.store.open_table(generated.answers).to_pylist()
    assert answers
    for row in answers:
        assert texts[row["passage_id"]][row["start"] : row["end"]] == row["text"]
        assert row["answer_id"] == stable_id(row["passage_id"], row["start"], row["end"])
        assert row["generator"] == generated.generator.content[:12]
    assert len({row["answer_id"] for row in answers}) == len(answers)


def test_every_candidate_is_kept_or_rejected(generated: Generated):
    store, passages = generated.store, generated.store.row(generated.world.passages)
    row = store.row(generated.answers)
    rejects = store.newest("rejects", "tiny-answers")
    assert row.read == row.kept + row.rejected == passages.rows * EXTRACTION.beam_size
    assert row.rows == row.kept
    assert store.row(rejects).rows == row.rejected
    reasons = set(store.open_table(rejects)["reason"].to_pylist())
    assert reasons <= {"empty", "too long", "not in the passage", "not at a word's boundary", "repeated"}


def test_shards_are_aligned_with_the_passages(generated: Generated):
    store = generated.store
    assert len(store.open_shards(generated.answers)) == len(store.open_shards(generated.world.passages)) > 1


def test_workers_and_replayed_bundles_change_nothing(generated: Generated):
    faulty = generated.resources.model_copy(update={"workers": 2, "bundle_repeat": 2})
    inputs = extract_answers.ExtractionInputs(generated.world.passages, generated.generator)
    again = extract_answers.run(EXTRACTION, inputs, name="tiny-again", resources=faulty)
    assert again.key != generated.answers.key
    assert again.content == generated.answers.content


def test_what_is_no_generator_is_refused(generated: Generated):
    inputs = extract_answers.ExtractionInputs(generated.world.passages, generated.tokenizer)
    with pytest.raises(IncompatibleArtifactError, match="no checkpoint; give a generator's"):
        extract_answers.run(EXTRACTION, inputs, name="wrong", resources=generated.resources)
