"""The memory is the same however the job runs, loses nothing, and a killed job does only what is left."""

import random
from dataclasses import replace
from pathlib import Path

import pytest

from qamat_core.dedup.survivors import one_per_question
from qamat_core.store.store import Store
from schemas.corpus import MemoryConfig
from schemas.resources import Resources
from tasks import build_memory
from tasks.build_memory import MemoryInputs
from tests.tasks.corpus import Row, pair, register

PASSAGES = 30
SHARD = 8
CONFIG = MemoryConfig(shard_rows=20)


def _generated(store: Store) -> MemoryInputs:
    """Three answers a passage, two questions an answer; every third question is refused; many questions repeat."""
    answers: list[Row] = []
    questions: list[Row] = []
    verdicts: list[Row] = []
    for p in range(PASSAGES):
        for a in range(3):
            scores = {"sum_logprob": -2.0, "mean_logprob": -(1 + (p * 7 + a * 3) % 11) / 8, "generator": "g"}
            answer_id, passage_id = f"a{p}-{a}", f"p{p}"
            answers.append(
                {"answer_id": answer_id, "passage_id": passage_id, "text": f"t{a}", "start": a, "end": a + 2} | scores
            )
            for q in range(2):
                qa_id = f"q{p:02}-{a}-{q}"
                question = f"What is number {(p * a + q) % 17}?"
                questions.append(
                    {"qa_id": qa_id, "answer_id": answer_id, "passage_id": passage_id, "question": question} | scores
                )
                verdict = {
                    "predicted_answer": "",
                    "f1": 1.0,
                    "kept": len(verdicts) % 3 != 0,
                    "reason": "",
                    "filter": "f",
                }
                verdicts.append({"qa_id": qa_id} | verdict)
    return MemoryInputs(
        answers=register(store, "answers", "c", answers, SHARD * 3),
        questions=register(store, "questions", "c", questions, SHARD * 6),
        verdicts=register(store, "verdicts", "c", verdicts, SHARD * 6),
        imported=(register(store, "qa_pairs", "more", [pair("z1", "what is number 3", "x"), pair("z2", "Who?", "y")]),),
    )


def _run(home: Path, **how: int) -> tuple[Store, build_memory.MemoryRefs]:
    store = Store(home)
    return store, build_memory.run(CONFIG, _generated(store), name="m", resources=Resources(home=str(home), **how))


@pytest.fixture(scope="module")
def memory(tmp_path_factory: pytest.TempPathFactory) -> tuple[Store, build_memory.MemoryRefs]:
    return _run(tmp_path_factory.mktemp("home"))


def test_every_question_is_kept_refused_or_a_duplicate(memory: tuple[Store, build_memory.MemoryRefs]):
    store, refs = memory
    row = store.row(refs.qa_pairs)
    refused = PASSAGES * 6 // 3
    duplicates = store.open_table(refs.duplicates)
    assert row.read == PASSAGES * 6 + 2
    assert row.kept == store.open_table(refs.qa_pairs).num_rows
    assert row.rejected == refused + duplicates.num_rows
    assert set(duplicates.column("rule").to_pylist()) == {"answer-span", "question"}


def test_questions_are_unique_over_all_shards(memory: tuple[Store, build_memory.MemoryRefs]):
    store, refs = memory
    pairs = store.open_table(refs.qa_pairs)
    assert len(store.open_shards(refs.qa_pairs)) > 1
    assert one_per_question(pairs)[1].num_rows == 0
    assert len(pairs.column("qa_id").unique()) == pairs.num_rows


def test_every_duplicate_leads_to_an_entry_of_the_memory(memory: tuple[Store, build_memory.MemoryRefs]):
    store, refs = memory
    entries = set(store.open_table(refs.qa_pairs).column("qa_id").to_pylist())
    survivor_of = {row["qa_id"]: row["survivor_id"] for row in store.open_table(refs.duplicates).to_pylist()}
    for survivor in survivor_of.values():
        last = survivor
        while last in survivor_of:
            last = survivor_of[last]
        assert last in entries


def test_imported_pairs_survive_generated_ones(memory: tuple[Store, build_memory.MemoryRefs]):
    store, refs = memory
    assert {"z1", "z2"} <= set(store.open_table(refs.qa_pairs).column("qa_id").to_pylist())


@pytest.mark.parametrize("how", [{"bundle_repeat": 2}, {"workers": 2}])
def test_content_does_not_depend_on_how_it_runs(
    memory: tuple[Store, build_memory.MemoryRefs], tmp_path: Path, how: dict[str, int]
):
    _, refs = memory
    _, again = _run(tmp_path, **how)
    assert again.qa_pairs.content == refs.qa_pairs.content
    assert again.duplicates.content == refs.duplicates.content


def test_a_killed_job_goes_on_with_what_is_left(
    memory: tuple[Store, build_memory.MemoryRefs], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    processed: list[int] = []
    real = build_memory.kept_pairs

    def dies_at_the_third(*tables):  # pyright: ignore
        if len(processed) == 2:
            raise KeyboardInterrupt
        processed.append(1)
        return real(*tables)

    monkeypatch.setattr(build_memory, "kept_pairs", dies_at_the_third)
    with pytest.raises(BaseException):  # noqa: B017, PT011
        _run(tmp_path)
    processed.append(1)
    monkeypatch.setattr(build_memory, "kept_pairs", lambda *tables: processed.append(1) or real(*tables))
    _, again = _run(tmp_path)
    assert len(processed) == 3 + 2  # two before the kill, one that stands for it, two of four shards after it
    assert again.qa_pairs.content == memory[1].qa_pairs.content


WORDS = ("who", "what", "Dral", "Mol", "was", "born", "in", "the", "city", "of")


def _draw(rng: random.Random, number: int) -> Row:
    words = " ".join(rng.choice(WORDS) for _ in range(5))
    return pair(f"i{number:03}", f"{words}?", rng.choice("ab"), score=-rng.randrange(3))


def _imported(store: Store, rows: list[Row], name: str, near: float | None = None) -> build_memory.MemoryRefs:
    """Make a memory of imported pairs alone."""
    none = [register(store, kind, "none", []) for kind in ("answers", "questions", "verdicts")]
    inputs = MemoryInputs(*none, (register(store, "qa_pairs", "given", rows, 30),))
    config, resources = MemoryConfig(shard_rows=40, near_duplicates=near), Resources(home=str(store.home))
    return build_memory.run(config, inputs, name=name, resources=resources)


def _contents(refs: build_memory.MemoryRefs) -> tuple[str, str]:
    return refs.qa_pairs.content, refs.duplicates.content


@pytest.mark.parametrize("near", [None, 0.6])
@pytest.mark.parametrize("seed", range(4))
def test_a_later_version_equals_one_made_anew_and_touches_what_changed(store: Store, near: float | None, seed: int):
    rng = random.Random(seed)
    rows = [_draw(rng, number) for number in range(100)]
    _imported(store, rows, "m", near)
    gone = set(rng.sample(range(100), 3))
    edited = [_draw(rng, number) if rng.random() < 0.03 else row for number, row in enumerate(rows)]
    later = [row for number, row in enumerate(edited) if number not in gone]
    later += [_draw(rng, number) for number in range(100, 103)]
    again = _imported(store, later, "m", near)
    assert _contents(again) == _contents(_imported(store, later, "anew", near))
    notes = store.row(again.qa_pairs).notes
    if near is None:
        assert notes["keys_touched"] < notes["keys"] / 2


def test_a_passage_less_takes_its_pairs_out_and_touches_only_their_keys(store: Store):
    inputs = _generated(store)
    resources = Resources(home=str(store.home))
    build_memory.run(CONFIG, inputs, name="m", resources=resources)
    verdicts = store.open_table(inputs.verdicts).to_pylist()
    refused = [row | {"kept": row["kept"] and not row["qa_id"].startswith("q07")} for row in verdicts]
    fewer = replace(inputs, verdicts=register(store, "verdicts", "c", refused, SHARD * 6))
    again = build_memory.run(CONFIG, fewer, name="m", resources=resources)
    assert _contents(again) == _contents(build_memory.run(CONFIG, fewer, name="anew", resources=resources))
    asked = {(7 * a + q) % 17 for a in range(3) for q in range(2)}
    assert 0 < store.row(again.qa_pairs).notes["keys_touched"] <= len(asked)


@pytest.mark.parametrize("rows", [100, 200])
def test_what_cannot_be_taken_over_is_done_anew(store: Store, rows: int):
    """Of 200 rows there are more partitions; of 100, a shard of the earlier version is lost."""
    drawn = [_draw(random.Random(number), number) for number in range(200)]
    first = _imported(store, drawn[1:101], "m")
    store.open_shards(first.qa_pairs)[0].unlink()
    again = _imported(Store(store.home), drawn[:rows], "m")
    assert _contents(again) == _contents(_imported(store, drawn[:rows], "anew"))
    notes = store.row(again.qa_pairs).notes
    assert notes["keys_touched"] == notes["keys"]
