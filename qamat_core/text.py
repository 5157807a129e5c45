"""Normal forms of answers and questions, and the word tokens that overlap measures count."""

import re
import string
import unicodedata

_ARTICLES = re.compile(r"\b(a|an|the)\b")
_PUNCTUATION = str.maketrans("", "", string.punctuation)
_WORD = re.compile(r"\w+")


def normalize_answer(text: str) -> str:
    """Return the form in which answers are compared (ORQA's: NFD, then SQuAD's steps).

    Lower case, ASCII punctuation dropped, the words a, an, the dropped, white space squeezed.
    """
    lowered = unicodedata.normalize("NFD", text).lower()
    return " ".join(_ARTICLES.sub(" ", lowered.translate(_PUNCTUATION)).split())


def normalize_question(text: str) -> str:
    """Return the form in which questions are duplicates: NFD, lower case, white space squeezed, no closing mark."""
    return " ".join(unicodedata.normalize("NFD", text).lower().split()).rstrip(" ?.!")


def word_tokens(text: str) -> list[str]:
    """Split into lower-cased words (letters, digits and underscores), in order, with repeats."""
    return _WORD.findall(unicodedata.normalize("NFC", text).lower())
