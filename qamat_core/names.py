"""The names that a question says, told by their capitals: what it compares (Appendix D gives no rule)."""

import re
from typing import Final

from qamat_core.text import normalize_answer

_WORD: Final = r"[A-Z0-9][\w'\u2019.&-]*"
_NAME: Final = re.compile(rf"(?<!\w){_WORD}(?: (?:(?:of|the|in|de|von|van|for|on|&) ){{0,2}}{_WORD})*")
_ASKING: Final = {"are", "is", "was", "were", "do", "does", "did", "has", "have", "had", "can", "could"} | {
    *("who", "whose", "what", "when", "where", "which", "how", "in", "of", "between", "both", "the")
}
"""Words with which a question begins, in capitals, and which are no part of a name."""


def names_in(question: str) -> list[str]:
    """Return the normalised names in order, each once: runs of capitalised words and numbers, joined by of, the, in."""
    names: dict[str, None] = {}
    for match in _NAME.finditer(question):
        words = match.group().split()
        while words and words[0].lower() in _ASKING:
            words.pop(0)
        if name := normalize_answer(" ".join(words)):
            names[name] = None
    return list(names)
