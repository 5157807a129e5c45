"""The world corpus: splits, templates, answers in passages, chains, determinism."""

import hashlib
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from qamat_core.world.facts import PROFESSIONS, RELATIONS
from qamat_core.world.generate import annotations, build_world
from qamat_core.world.templates import ANNOTATION_QUESTIONS, BRIDGES, DATASET_QUESTIONS, SENTENCES
from qamat_core.world.world import World
from schemas.world import Split, WorldConfig

SMOKE = WorldConfig(persons=100, cities=50, countries=15, companies=30, books=35, annotation_worlds=2)
SPLITS: tuple[Split, ...] = ("train", "dev", "test")
ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def world() -> World:
    return build_world(SMOKE)


@st.composite
def configs(draw: st.DrawFn) -> WorldConfig:
    size = st.integers(1, 15)
    countries = draw(size)
    return WorldConfig(
        seed=draw(st.integers(0, 2**32)),
        persons=draw(size),
        cities=countries + draw(size),
        countries=countries,
        companies=draw(size),
        books=draw(size),
        annotation_worlds=draw(st.integers(0, 2)),
        train_questions_per_fact=draw(st.integers(1, 4)),
        held_out_questions_per_fact=draw(st.integers(1, 4)),
    )


def check_passages(world: World) -> None:
    """Every fact stands exactly once in its passage, at its start; the first sentence names the subject."""
    passages = {passage.passage_id: passage for passage in world.passages}
    assert len(passages) == len(world.passages) == len({passage.title for passage in world.passages})
    for fact in world.facts:
        passage = passages[fact.passage_id]
        assert passage.title == fact.subject
        assert passage.text[fact.start : fact.start + len(fact.answer)] == fact.answer
        assert len(re.findall(rf"\b{re.escape(fact.answer)}\b", passage.text)) == 1
        assert fact.subject in passage.text.partition(".")[0]


def check_splits(world: World) -> None:
    """A question's split is its fact's; train questions, single-hop or two-hop, rest on train facts only."""
    facts = {fact.fact_id: fact for fact in world.facts}
    assert len(facts) == len(world.facts)
    for split in SPLITS:
        asked = {world.fact_of[example.example_id] for example in world.questions(split)}
        assert asked == {fact.fact_id for fact in world.facts if fact.split == split}
        for example in world.questions(split):
            assert example.answers == (facts[world.fact_of[example.example_id]].answer,)
        for chain in world.two_hop(split):
            assert facts[chain.final_fact].split == split
            assert facts[chain.first_fact].split in ("train", split)


def check_chains(world: World) -> None:
    """A two-hop question names its subject, not the bridge, and its answer follows from its two facts."""
    answer_of = {(fact.subject, fact.relation): fact.answer for fact in world.facts}
    facts = {fact.fact_id: fact for fact in world.facts}
    for split in SPLITS:
        for chain in world.two_hop(split):
            first, final = facts[chain.first_fact], facts[chain.final_fact]
            bridge = answer_of[first.subject, first.relation]
            assert chain.example.answers == (answer_of[bridge, final.relation],)
            assert first.subject in chain.example.question
            assert bridge not in chain.example.question
            assert final.answer not in chain.example.question


def check_annotations(config: WorldConfig, world: World) -> None:
    """Annotations are spans of their passages; of this world they ask for train facts only, in words of their own."""
    passages, asked = annotations(config)
    texts = {passage.passage_id: passage.text for passage in passages}
    assert len(texts) == len(passages)
    assert {annotation.passage_id for annotation in asked} == set(texts)
    for annotation in asked:
        (answer,) = annotation.answers
        assert texts[annotation.passage_id][annotation.start :].startswith(answer)
    places = {(annotation.passage_id, annotation.start) for annotation in asked}
    assert {fact.split for fact in world.facts if (fact.passage_id, fact.start) in places} <= {"train"}
    data_set = {example.question for split in SPLITS for example in world.questions(split)}
    chains = {chain.example.question for split in SPLITS for chain in world.two_hop(split)}
    assert not {annotation.question for annotation in asked} & (data_set | chains)


@settings(max_examples=25, deadline=None)
@given(configs())
def test_any_world_holds_its_promises(config: WorldConfig) -> None:
    world = build_world(config)
    assert len(world.passages) == config.entities
    check_passages(world)
    check_splits(world)
    check_chains(world)
    check_annotations(config, world)


def test_smoke_world_is_of_the_size_asked(world: World) -> None:
    assert (len(world.passages), len(world.facts)) == (230, 660)
    assert all(2 <= passage.text.count(".") <= 5 for passage in world.passages)


def test_split_shares_hold_in_every_relation(world: World) -> None:
    for relation in set(RELATIONS) - {"country"}:  # a capital's country goes with the country's capital
        splits = [fact.split for fact in world.facts if fact.relation == relation]
        assert splits.count("test") == round(0.4 * len(splits))
        assert splits.count("dev") == round(0.1 * len(splits))


def test_a_capital_s_two_facts_share_a_split(world: World) -> None:
    split_of = {(fact.subject, fact.relation, fact.answer): fact.split for fact in world.facts}
    capitals = [(s, o) for s, relation, o in split_of if relation == "capital"]
    assert len(capitals) == SMOKE.countries
    assert all(split_of[s, "capital", o] == split_of[o, "country", s] for s, o in capitals)


def test_gold_memory_has_one_pair_a_fact(world: World) -> None:
    assert [pair.fact_id for pair in world.gold_pairs] == [fact.fact_id for fact in world.facts]
    assert len({pair.question for pair in world.gold_pairs}) == len(world.facts)
    for pair, fact in zip(world.gold_pairs, world.facts, strict=True):
        assert fact.subject in pair.question
        assert (pair.answer, pair.passage_id, pair.start) == (fact.answer, fact.passage_id, fact.start)


def test_every_chain_type_is_asked(world: World) -> None:
    facts = {fact.fact_id: fact for fact in world.facts}
    first = {facts[chain.first_fact].relation for chain in world.two_hop("test")}
    assert first == set(BRIDGES) == {relation for relation, (_, kind) in RELATIONS.items() if kind}


def test_templates_of_annotations_and_data_set_are_disjoint() -> None:
    annotation = [t for templates in ANNOTATION_QUESTIONS.values() for t in templates]
    data_set = [t for templates in DATASET_QUESTIONS.values() for t in templates]
    assert len(set(annotation + data_set)) == len(annotation + data_set)
    assert all("{s}" in template and template.endswith("?") for template in annotation + data_set)


@pytest.mark.parametrize(("templates", "least"), [(SENTENCES, 4), (ANNOTATION_QUESTIONS, 3), (DATASET_QUESTIONS, 4)])
def test_every_relation_has_templates(templates: dict[str, tuple[str, ...]], least: int) -> None:
    assert set(templates) == set(RELATIONS)
    assert all(len(set(choices)) >= least for choices in templates.values())


def test_template_words_are_no_answers() -> None:
    words = {word for choices in SENTENCES.values() for t in choices for word in re.findall(r"\w+", t)}
    assert not words & set(PROFESSIONS)


def test_worlds_of_other_seeds_share_no_subject_facts() -> None:
    ours = {fact.fact_id for fact in build_world(SMOKE).facts}
    assert not ours & {fact.fact_id for fact in build_world(SMOKE.model_copy(update={"seed": 1})).facts}


def test_annotation_worlds_have_names_of_their_own(world: World) -> None:
    passages, _ = annotations(SMOKE)
    titles = [passage.title for passage in passages]
    assert len(set(titles)) == len(titles) > 2 * SMOKE.entities
    others = {passage.title for passage in passages if passage.source != "world"}
    assert not others & {fact.subject for fact in world.facts}
    assert not others & {fact.answer for fact in world.facts}


def test_same_bytes_under_any_hash_seed() -> None:
    program = (
        "import hashlib; from qamat_core.world.generate import *; "
        f"c = WorldConfig(**{SMOKE.model_dump()!r}); "
        "print(hashlib.sha256(repr((build_world(c), annotations(c))).encode()).hexdigest())"
    )
    digests = {_run(program, hash_seed) for hash_seed in ("1", "2")}
    here = hashlib.sha256(repr((build_world(SMOKE), annotations(SMOKE))).encode()).hexdigest()
    assert digests == {here}


def _run(program: str, hash_seed: str) -> str:
    environment = {**os.environ, "PYTHONHASHSEED": hash_seed}
    done = subprocess.run(
        [sys.executable, "-c", program], env=environment, cwd=ROOT, check=True, capture_output=True, text=True
    )
    return done.stdout.strip()


@pytest.mark.parametrize("wrong", [{"train_share": 0.9}, {"cities": 3, "countries": 4}, {"persons": 0}, {"towns": 3}])
def test_impossible_configurations_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ValidationError):
        WorldConfig.model_validate(wrong)
