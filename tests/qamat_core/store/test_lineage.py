"""What an artifact was made of."""

import pytest

from qamat_core.store.lineage import lineage
from qamat_core.store.store import Store
from schemas.errors import MissingArtifactError
from tests.qamat_core.store.jobs import make_table


def test_lineage_is_a_tree_of_labelled_inputs_down_to_the_sources(store: Store):
    passages = make_table(store, "p", "passages")
    answers = make_table(store, "a", "answers", passages=passages)
    memory = make_table(store, "m", "memory", answers=answers, passages=passages)
    tree = lineage(store, memory)
    assert tree.row.ref == memory
    assert list(tree.inputs) == ["answers", "passages"]
    assert tree.inputs["answers"].inputs["passages"].row.ref == passages
    assert tree.inputs["passages"].inputs == {}
    assert [row.ref for row in tree.ancestors()] == [answers, passages]


def test_a_deep_web_of_shared_inputs_is_walked_once(store: Store):
    newest = older = make_table(store, "0", "node")
    for depth in range(1, 30):
        newest, older = make_table(store, str(depth), "node", left=newest, right=older), newest
    assert len(lineage(store, newest).ancestors()) == 29


def test_an_ancestor_that_was_removed_is_named(store: Store):
    passages = make_table(store, "p", "passages")
    answers = make_table(store, "a", "answers", passages=passages)
    store.registry.remove([passages.key])
    with pytest.raises(MissingArtifactError, match="rejects/passages@0 is not registered"):
        lineage(store, answers)
