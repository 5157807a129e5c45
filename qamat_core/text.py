"""Normal forms of answers and questions, and the word tokens that overlap measures count."""

import re
import string
import unicodedata

_ARTICLES = re.compile(r"\b(a|an|the)\b")
_PUNCTUATION = str.maketrans("", "", string.punctuation)
_MARKS_TO_SPACES = {ord(mark): " " for mark in string.punctuation + "\u2018\u2019\u00b4"}
_WORD = re.compile(r"\w+")


def normalize_answer(text: str) -> str:
    """Return the form in which answers are compared (ORQA's: NFD, then SQuAD's steps).

    Lower case, ASCII punctuation dropped, the words a, an, the dropped, white space squeezed.
    """
    lowered = unicodedata.normalize("NFD", text).lower()
    return " ".join(_ARTICLES.sub(" ", lowered.translate(_PUNCTUATION)).split())


def normalize_squad(text: str) -> str:
    """Return the form in which SQuAD's, HotpotQA's and MuSiQue's scripts compare answers: as ORQA's, without NFD."""
    return " ".join(_ARTICLES.sub(" ", text.lower().translate(_PUNCTUATION)).split())


def normalize_triviaqa(text: str) -> str:
    """Return the form in which TriviaQA's script compares answers: punctuation becomes spaces.

    Punctuation is ASCII's, _ and ` with it, the curly single quotes and the acute accent.
    """
    return " ".join(_ARTICLES.sub(" ", text.lower().translate(_MARKS_TO_SPACES)).split())


def normalize_question(text: str) -> str:
    """Return the form in which questions are duplicates: NFD, lower case, white space squeezed, no closing mark."""
    return " ".join(unicodedata.normalize("NFD", text).lower().split()).rstrip(" ?.!")


def word_tokens(text: str) -> list[str]:
    """Split into lower-cased words (letters, digits and underscores), in order, with repeats."""
    return _WORD.findall(unicodedata.normalize("NFC", text).lower())
