r"""WebQuestions (Berant et al. 2013), both forms of JSON that go around.

The official one has ``utterance`` and ``targetValue``, a list in Lisp: ``(list (description "New York City")
(description Bahamas))``. The other one, split further for development, has ``qText`` and ``answers``.
"""

import re
from collections.abc import Mapping
from typing import Final

from qamat_core.readers.fields import as_answers, as_text, text_field
from qamat_core.readers.json_questions import JsonForm
from qamat_core.readers.lines import BadRecordError

_VALUE: Final = r'\(\s*description\s+(?:"((?:[^"\\]|\\.)*)"|([^()"\s]+))\s*\)'
_VALUES: Final = re.compile(_VALUE)
_LIST: Final = re.compile(rf"\s*\(\s*list(?:\s+{_VALUE})*\s*\)\s*")


def _official(record: Mapping[str, object]) -> tuple[str, tuple[str, ...]]:
    return text_field(record, "utterance").strip(), _descriptions(text_field(record, "targetValue"))


def _descriptions(text: str) -> tuple[str, ...]:
    if not _LIST.fullmatch(text):
        raise BadRecordError('field "targetValue" is no (list (description ...) ...)')
    values = [found[1] if found[1] is not None else found[2] for found in _VALUES.finditer(text)]
    return as_answers([as_text(re.sub(r"\\(.)", r"\1", value), "an answer") for value in values])


def _other(record: Mapping[str, object]) -> tuple[str, tuple[str, ...]]:
    return text_field(record, "qText").strip(), as_answers(record.get("answers"))


WEBQUESTIONS: Final = JsonForm(_official, "WebQuestions JSON: give webquestions.examples.train.json or its like")
WEBQUESTIONS_SPLIT: Final = JsonForm(_other, "WebQuestions JSON: a list of objects with qText and answers")
