"""What the generator reads and writes for each task, as text. Pure functions of a ``PromptFormat``."""

from schemas.generation import PromptFormat


def extraction_prompt(prompts: PromptFormat, title: str, passage: str) -> str:
    """Ask for an answer span of a passage."""
    return _squeeze(prompts.extraction.format(title=title, passage=passage))


def generation_prompt(prompts: PromptFormat, title: str, passage: str, start: int, end: int) -> str:
    """Ask for a question whose answer is ``passage[start:end]``."""
    before, answer, after = passage[:start], passage[start:end], passage[end:]
    return _squeeze(prompts.generation.format(title=title, passage=passage, before=before, answer=answer, after=after))


def comprehension_prompt(prompts: PromptFormat, title: str, passage: str, question: str) -> str:
    """Ask a question about a passage."""
    return _squeeze(prompts.comprehension.format(title=title, passage=passage, question=question))


def _squeeze(text: str) -> str:
    return " ".join(text.split())
