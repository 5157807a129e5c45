import pyarrow as pa

from qamat_core.report.attributed import attributed
from schemas.tables import ATTRIBUTIONS, QA_PAIRS
from tests.tasks.corpus import pair


def case(example_id: str, taken: str, *ids: str) -> dict[str, object]:
    row = {"example_id": example_id, "question": f"{example_id}?", "taken": taken, "taken_ids": list(ids)}
    row |= {"prediction": "Varia", "prediction_then": "Oslo", "changed": True}
    return row | {"exact_match": True, "exact_match_then": False}


def test_the_first_answers_by_id_with_the_entry_that_each_rested_on() -> None:
    cases = [
        *(case("c", "holder", "m1"), case("b", "other", "m2"), case("b", "holders", "m1", "m2")),
        *(case("b", "first", "m2"), case("a", "holder", "m1")),
    ]
    memory = [pair("m1", "where?", "Varia"), pair("m2", "who?", "she")]
    shown = attributed(
        pa.Table.from_pylist(cases, schema=ATTRIBUTIONS), pa.Table.from_pylist(memory, schema=QA_PAIRS), 2
    )
    assert [(one.question, one.entry_question) for one in shown] == [("a?", "where?"), ("b?", "who?")]
    assert (shown[0].prediction, shown[0].then, shown[0].right, shown[0].right_then) == ("Varia", "Oslo", True, False)
