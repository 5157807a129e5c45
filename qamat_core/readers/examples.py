"""Examples of one data set and split, made from what the readers of questions find."""

from qamat_core.patterns import check_pattern
from qamat_core.readers.lines import BadRecordError, Distinct
from schemas.datasets import data_set
from schemas.records import QAExample


class Examples:
    """Makes a file's examples; refuses a repeated question and, where answers are patterns, one that is none."""

    def __init__(self, dataset: str, split: str) -> None:
        self._dataset, self._split = dataset, split
        self._patterns = data_set(dataset).script == "patterns"
        self._ids = Distinct()

    def make(self, question: str, answers: tuple[str, ...]) -> QAExample:
        """Return the example. Raises ``BadRecordError`` with the reason why it is refused."""
        if self._patterns:
            for answer in answers:
                _check(answer)
        example = QAExample.of(question, answers, self._dataset, self._split)
        self._ids.check(example.example_id)
        return example


def _check(answer: str) -> None:
    try:
        check_pattern(answer)
    except ValueError as error:
        raise BadRecordError(f"no regular expression ({error}): {answer[:60]}") from error
