"""TriviaQA's own JSON (Joshi et al. 2017): ``{"Data": [{"Question", "Answer": {"Value", "Aliases", ...}}, ...]}``.

The unfiltered form is the one of the open-domain papers; its evidence is not read. The test file that its authors give
out has no answers: DPR's test split is taken from their dev file.
"""

from collections.abc import Mapping
from typing import Final, cast

from qamat_core.readers.fields import as_object, as_text, text_field
from qamat_core.readers.json_questions import JsonForm
from qamat_core.readers.lines import BadRecordError
from qamat_core.text import normalize_triviaqa


def _parse(record: Mapping[str, object]) -> tuple[str, tuple[str, ...]]:
    return text_field(record, "Question").strip(), _answers(as_object(record.get("Answer")))


def _answers(answer: Mapping[str, object]) -> tuple[str, ...]:
    """Return the value, the aliases and those normalised aliases that are the form of none of these.

    By the official script the normalised aliases and the human answers count.
    """
    value = text_field(answer, "Value")
    written = [value, *_texts(answer, "Aliases"), *_texts(answer, "HumanAnswers")]
    forms = {normalize_triviaqa(text) for text in written}
    more = [text for text in _texts(answer, "NormalizedAliases") if text not in forms]
    return tuple(dict.fromkeys([*written, *more]))


def _texts(answer: Mapping[str, object], field: str) -> list[str]:
    values = answer.get(field, [])
    if not isinstance(values, list):
        raise BadRecordError(f'field "{field}" is no list')
    return [as_text(value, f'a value of "{field}"') for value in cast("list[object]", values) if value != ""]


TRIVIAQA: Final = JsonForm(_parse, "TriviaQA JSON: give unfiltered-web-dev.json or its like", key="Data")
