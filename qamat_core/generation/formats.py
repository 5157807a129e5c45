"""What the generator reads and writes for each task, as text. Pure functions of a ``PromptFormat``."""

import re

from schemas.generation import PromptFormat

_SENTENCE_END = re.compile(
    r"""(?<!\b[A-Z])(?<!\b(?:Mr|Ms|Dr|St|Jr|Sr|No|vs))(?<!\bMrs)[.!?]["')\]]*\s+(?=["'(\[]?[A-Z0-9])"""
)
"""A full stop and white space before a capital or a digit; not after an initial or a title."""


def extraction_prompts(prompts: PromptFormat, title: str, passage: str) -> list[str]:
    """Ask for the answer spans of a passage: in one prompt, or in one for each sentence that the format marks."""
    if "{sentence}" not in prompts.extraction:
        return [extraction_prompt(prompts, title, passage)]
    return [extraction_prompt(prompts, title, passage, start, end) for start, end in sentences(passage)]


def extraction_prompt(prompts: PromptFormat, title: str, passage: str, start: int = 0, end: int | None = None) -> str:
    """Ask for an answer span of a passage, in ``passage[start:end]`` if the format marks a sentence."""
    before, sentence, after = passage[:start], passage[start:end], passage[len(passage) if end is None else end :]
    return _squeeze(
        prompts.extraction.format(title=title, passage=passage, before=before, sentence=sentence, after=after)
    )


def generation_prompt(prompts: PromptFormat, title: str, passage: str, start: int, end: int) -> str:
    """Ask for a question whose answer is ``passage[start:end]``."""
    before, answer, after = passage[:start], passage[start:end], passage[end:]
    return _squeeze(prompts.generation.format(title=title, passage=passage, before=before, answer=answer, after=after))


def comprehension_prompt(prompts: PromptFormat, title: str, passage: str, question: str) -> str:
    """Ask a question about a passage."""
    return _squeeze(prompts.comprehension.format(title=title, passage=passage, question=question))


def sentences(passage: str) -> list[tuple[int, int]]:
    """Return where the sentences of a passage start and end, white space around them left out."""
    ends = [match.end() for match in _SENTENCE_END.finditer(passage)]
    parts = zip([0, *ends], [*ends, len(passage)], strict=True)
    return [_strip(passage, start, end) for start, end in parts if passage[start:end].strip()]


def _strip(passage: str, start: int, end: int) -> tuple[int, int]:
    text = passage[start:end]
    return end - len(text.lstrip()), start + len(text.rstrip())


def _squeeze(text: str) -> str:
    return " ".join(text.split())
