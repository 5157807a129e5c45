"""Prompt formats by name: ours, and those that public T5 checkpoints were trained with."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, Literal

from schemas.generation import PromptFormat

PromptsName = Literal["sentinel", "plain", "highlight", "paq"]

PLAIN: Final = PromptFormat(
    extraction="extract answers: {passage}",
    generation="generate question: answer: {answer} context: {passage}",
    comprehension="question: {question} context: {passage}",
)
"""Tasks named by words, the answer in front of the passage: T5's own style (Raffel et al. 2020, Appendix D)."""

HIGHLIGHT: Final = PromptFormat(
    extraction="extract answers: {before} <hl> {sentence} <hl> {after}",
    generation="generate question: {before} <hl> {answer} <hl> {after}",
    comprehension="question: {question} context: {passage}",
    answer_separator="<sep>",
)
"""The answer marked in the passage by ``<hl>`` (Chan and Fan 2019, section 4.3), as the valhalla checkpoints
(patil-suraj/question_generation, `pipelines.py`) and lmqg (Ushio et al. 2022) read it; extraction marks one sentence,
and the former end each answer by ``<sep>``. Both marks are added tokens of the checkpoint."""

PAQ: Final = PromptFormat(
    extraction="extract answers: {passage}",
    generation="answer: {answer} | title: {title} | context: {before}** {answer} **{after}",
    comprehension="question: {question} title: {title} context: {passage}",
)
"""Question generation as PAQ's generator reads it: the answer in front, and again in the passage between ``**``
(facebookresearch/PAQ, `question_generator/generator.py`). Its filter is a FiD, whose input comprehension has; its
extractor is a span classifier and no T5: extraction is that of ``plain``."""

PROMPTS: Final[Mapping[PromptsName, PromptFormat]] = MappingProxyType(
    {"sentinel": PromptFormat(), "plain": PLAIN, "highlight": HIGHLIGHT, "paq": PAQ}
)
"""What a prompt format may be called on the command line."""
