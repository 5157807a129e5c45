"""The words of the synthetic world: sentences of passages, questions of annotations, questions of the data set.

In sentences ``{s}``, ``{p}`` and ``{m}`` are the subject as subject, possessive and object (the name or a pronoun)
and ``{o}`` is the answer; in questions ``{s}`` is the subject's full name. Annotations (and the gold memory) ask by
``ANNOTATION_QUESTIONS``, data sets by ``DATASET_QUESTIONS``; the two never share a template. A two-hop question is a
template of the data set whose subject is described by a ``BRIDGES`` phrase.

Frozen before any tuning: a change here changes every figure measured on this corpus.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

_Templates = Mapping[str, tuple[str, ...]]

SENTENCES: Final[_Templates] = MappingProxyType(
    {
        "birthplace": (
            "{s} was born in {o}.",
            "{s} came from {o}.",
            "{s} was a native of {o}.",
            "{p} birthplace was {o}.",
            "{p} home town was {o}.",
        ),
        "birth_year": (
            "{s} was born in {o}.",
            "{p} birth year was {o}.",
            "{p} life began in {o}.",
            "{s} came into the world in {o}.",
        ),
        "profession": (
            "{s} worked as a {o}.",
            "{s} was a {o}.",
            "{s} earned a living as a {o}.",
            "{p} profession was {o}.",
        ),
        "employer": (
            "{s} worked for {o}.",
            "{p} employer was {o}.",
            "{s} was employed by {o}.",
            "{o} employed {m}.",
            "{s} had a job at {o}.",
        ),
        "country": (
            "{s} is a city in {o}.",
            "{s} lies in {o}.",
            "{s} belongs to {o}.",
            "{s} is part of {o}.",
            "{p} country is {o}.",
        ),
        "river": (
            "{s} stands on the river {o}.",
            "The river {o} flows through {m}.",
            "The river {o} crosses {m}.",
            "{p} river is the {o}.",
        ),
        "capital": (
            "{p} capital is {o}.",
            "{s} is governed from {o}.",
            "{s} has its capital in {o}.",
            "{p} government sits in {o}.",
        ),
        "currency": (
            "{p} currency is the {o}.",
            "{s} uses the {o} as money.",
            "{s} pays with the {o}.",
            "{p} coin is the {o}.",
        ),
        "founder": (
            "{s} was founded by {o}.",
            "{o} founded {m}.",
            "{p} founder was {o}.",
            "{s} was set up by {o}.",
            "{o} started {m}.",
        ),
        "headquarters": (
            "{s} is based in {o}.",
            "{p} head office is in {o}.",
            "{s} has its headquarters in {o}.",
            "{s} is run from {o}.",
        ),
        "author": (
            "{s} was written by {o}.",
            "{o} wrote {m}.",
            "{p} author is {o}.",
            "{s} is a book by {o}.",
            "{s} is the work of {o}.",
        ),
        "publication_year": (
            "{s} was published in {o}.",
            "{s} came out in {o}.",
            "{s} first appeared in {o}.",
            "{s} was printed in {o}.",
        ),
    }
)

ANNOTATION_QUESTIONS: Final[_Templates] = MappingProxyType(
    {
        "birthplace": (
            "where was {s} born?",
            "which city did {s} come from?",
            "what was the birthplace of {s}?",
        ),
        "birth_year": (
            "when was {s} born?",
            "what year was {s} born?",
            "what was the birth year of {s}?",
        ),
        "profession": (
            "what was the profession of {s}?",
            "what did {s} work as?",
            "what was {s} by trade?",
        ),
        "employer": (
            "who did {s} work for?",
            "what company employed {s}?",
            "who was the employer of {s}?",
        ),
        "country": (
            "what country is {s} in?",
            "where is {s} located?",
            "which country does {s} belong to?",
        ),
        "river": (
            "which river flows through {s}?",
            "what river is {s} on?",
            "on what river does {s} stand?",
        ),
        "capital": (
            "what is the capital of {s}?",
            "which city is the capital of {s}?",
            "where is {s} governed from?",
        ),
        "currency": (
            "what is the currency of {s}?",
            "what money does {s} use?",
            "which currency does {s} have?",
        ),
        "founder": (
            "who founded {s}?",
            "who was the founder of {s}?",
            "who set up {s}?",
        ),
        "headquarters": (
            "where is {s} based?",
            "where is the head office of {s}?",
            "what city is {s} run from?",
        ),
        "author": (
            "who wrote {s}?",
            "who is the author of {s}?",
            "who was {s} written by?",
        ),
        "publication_year": (
            "when was {s} published?",
            "what year did {s} come out?",
            "when did {s} first appear?",
        ),
    }
)
"""Templates A: annotations of this and other worlds, and the gold memory."""

DATASET_QUESTIONS: Final[_Templates] = MappingProxyType(
    {
        "birthplace": (
            "in which city was {s} born?",
            "what was the home town of {s}?",
            "of which place was {s} a native?",
            "{s} was born in what city?",
        ),
        "birth_year": (
            "in which year was {s} born?",
            "what was the year of birth of {s}?",
            "in what year did the life of {s} begin?",
            "{s} came into the world in what year?",
        ),
        "profession": (
            "what did {s} do for a living?",
            "which occupation did {s} have?",
            "what job did {s} do?",
            "what kind of worker was {s}?",
        ),
        "employer": (
            "for which company did {s} work?",
            "at which firm did {s} have a job?",
            "what firm gave work to {s}?",
            "{s} was paid by which company?",
        ),
        "country": (
            "in which country does {s} lie?",
            "{s} is part of which nation?",
            "what nation holds {s}?",
            "to what land does {s} belong?",
        ),
        "river": (
            "what is the name of the river in {s}?",
            "which waterway crosses {s}?",
            "by which river was {s} built?",
            "{s} stands on which river?",
        ),
        "capital": (
            "which town is the seat of government of {s}?",
            "what city serves {s} as capital?",
            "in which city does the government of {s} sit?",
            "{s} has its capital in which city?",
        ),
        "currency": (
            "what coin is used in {s}?",
            "with what do people pay in {s}?",
            "what is the money of {s} called?",
            "{s} pays with which coin?",
        ),
        "founder": (
            "which person started {s}?",
            "by whom was {s} created?",
            "who established {s}?",
            "{s} was set up by whom?",
        ),
        "headquarters": (
            "in which city are the headquarters of {s}?",
            "which town is home to {s}?",
            "in what place does {s} have its main office?",
            "{s} has its seat in which city?",
        ),
        "author": (
            "which writer produced {s}?",
            "by whom is the book {s}?",
            "whose work is {s}?",
            "what is the name of the writer of {s}?",
        ),
        "publication_year": (
            "in which year was {s} printed?",
            "what is the year of publication of {s}?",
            "{s} was released in which year?",
            "in what year could people first read {s}?",
        ),
    }
)
"""Templates B: the data set's paraphrases. They fit a name as well as a described entity."""

BRIDGES: Final[_Templates] = MappingProxyType(
    {
        "birthplace": ("the city where {s} was born", "the birthplace of {s}"),
        "employer": ("the company that employed {s}", "the employer of {s}"),
        "country": ("the country where {s} lies", "the country of {s}"),
        "capital": ("the capital of {s}", "the city that governs {s}"),
        "founder": ("the founder of {s}", "the person who founded {s}"),
        "headquarters": ("the city where {s} is based", "the home city of {s}"),
        "author": ("the author of {s}", "the person who wrote {s}"),
    }
)
"""Relation to an entity -> descriptions of its object that do not name it."""
