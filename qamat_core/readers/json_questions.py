"""Questions out of one JSON list, record by record; how a record holds question and answers is the data set's."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import IO

from qamat_core.readers.examples import Examples
from qamat_core.readers.fields import as_json, as_object
from qamat_core.readers.json_elements import json_elements
from qamat_core.readers.lines import BadRecordError, reject
from schemas.records import QAExample, Reject

Parse = Callable[[Mapping[str, object]], tuple[str, tuple[str, ...]]]
"""A record -> its question and answers; raises ``BadRecordError`` with the reason why it is refused."""


@dataclass(frozen=True, slots=True)
class JsonForm:
    """A form of questions in JSON."""

    parse: Parse
    wanted: str
    """What a file of this form is, for errors."""
    key: str | None = None
    """The field that is the list of records; None: the list is the whole file."""


def read_json_questions(
    stream: IO[bytes], name: str, form: JsonForm, dataset: str, split: str
) -> Iterator[QAExample | Reject]:
    """Read the questions in file order; a reject's source is ``name:[3]`` or ``name:Data[3]``.

    Raises ``BadFileError`` for a file that is no such list.
    """
    examples = Examples(dataset, split)
    for number, record in enumerate(json_elements(stream, name, form.key, form.wanted)):
        try:
            yield examples.make(*form.parse(as_object(record)))
        except BadRecordError as error:
            yield reject(f"{name}:{form.key or ''}[{number}]", as_json(record), str(error))
