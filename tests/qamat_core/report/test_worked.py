import pyarrow as pa

from qamat_core.report.worked import work_out
from schemas.tables import PASSAGES, PREDICTIONS, QA_PAIRS

TEXT = "Dorholm lies in Varia."


def prediction(example_id: str, ids: list[str]) -> dict[str, object]:
    row = {"example_id": example_id, "question": "q", "answers": ["Varia"], "prediction": "Varia"}
    weights = [1 / (1 + rank) for rank in range(len(ids))]
    return row | {"retrieved_ids": ids, "weights": weights, "exact_match": True, "f1": 1.0, "first_hit": 0}


def pair(qa_id: str, passage_id: str | None, start: int | None) -> dict[str, object]:
    row = {"qa_id": qa_id, "question": f"{qa_id}?", "answer": "Varia", "aliases": [], "passage_id": passage_id}
    return row | {"start": start, "origin": "generated", "generator": None, "score": 0.0}


def test_the_first_questions_by_id_with_their_passages() -> None:
    predictions = [prediction(name, ["m1", "m2", "m3", "m4"]) for name in ("c", "a", "b")]
    pairs = [pair("m1", "p1", 16), pair("m2", None, None), pair("m3", "p1", 3), pair("m4", "elsewhere", 0)]
    passages = [{"passage_id": "p1", "source": "s", "source_id": "1", "title": "Dorholm", "text": TEXT}]
    shown = work_out(
        pa.Table.from_pylist(predictions, schema=PREDICTIONS),
        pa.Table.from_pylist(pairs, schema=QA_PAIRS),
        [pa.Table.from_pylist(passages, schema=PASSAGES)],
        questions=2,
        entries=4,
    )
    assert len(shown) == 2
    first, imported, misplaced, unknown = shown[0].entries
    assert (first.before, first.span, first.after, first.title) == ("Dorholm lies in ", "Varia", ".", "Dorholm")
    assert (imported.before, imported.title) == ("", "")
    assert (misplaced.before, misplaced.span) == (TEXT, ""), "an answer that does not stand there is not marked"
    assert unknown.before == ""
    assert [entry.weight for entry in shown[0].entries][:2] == [1.0, 0.5]
