"""What an entry shows: its span where the answer stands there, who wrote it, and what is not known as null."""

import pytest

from qamat_core.store.store import Store
from schemas.answers import Entry
from schemas.errors import MissingArtifactError
from tasks.entry_lookup import EntryLookup
from tests.tasks.corpus import pair, passage, register


@pytest.mark.parametrize(
    ("of", "start", "span"),
    [("p0", 2, (2, 6)), ("p0", 0, None), ("p0", 99, None), ("p0", None, None), ("p9", 2, None), (None, None, None)],
)
def test_a_span_is_where_the_answer_stands(
    store: Store, of: str | None, start: int | None, span: tuple[int, int] | None
):
    texts = register(store, "passages", "t", [passage(0, "\N{GRINNING FACE} Dorf")])
    memory = register(store, "qa_pairs", "m", [pair("q", "Where?", "Dorf", of, start, generator="0123456789ab")])
    lookup = EntryLookup.open(store, memory, [texts])
    entry = Entry(**lookup.shown(lookup.row("q")))
    assert entry.span == span
    assert (entry.title, entry.passage) == (("T0", "\N{GRINNING FACE} Dorf") if of == "p0" else (None, None))
    assert entry.generator == "0123456789ab"
    with pytest.raises(MissingArtifactError, match="entry 'p' is not in qa_pairs/m@0"):
        lookup.row("p")
