"""Warm-up examples: annotated pairs as memory entries, and the inputs that they answer."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from jaxtyping import Int32

from qamat_core.qamat.examples import passage_inputs
from qamat_core.tokenizer import CLS, MASK, Tokenizer
from schemas.errors import TrainingError
from schemas.qamat import QamatConfig


@dataclass(frozen=True)
class ReadingExamples:
    """E examples; the value tokens of example e answer its input."""

    inputs: Int32[np.ndarray, "E L"]
    targets: Int32[np.ndarray, "E T"]
    value_tokens: Int32[np.ndarray, "E V"]

    def __len__(self) -> int:
        return len(self.inputs)


def reading_examples(
    passages: pa.Table,
    annotations: pa.Table,
    tokenizer: Tokenizer,
    config: QamatConfig,
    question_share: float,
    rng: np.random.Generator,
) -> ReadingExamples:
    """Build an example of every annotation.

    Args:
        passages: the passages that the annotations stand in.
        annotations: SQuAD-style annotations.
        tokenizer: makes the tokens.
        config: gives the lengths.
        question_share: share of the examples whose input is ``[MASK] question``; the others' is the passage with
            the answer masked.
        rng: draws which is which.
    """
    if not annotations.num_rows:
        raise TrainingError("no annotations to warm up on: give a SQuAD-style file")
    texts = dict(zip(passages.column("passage_id").to_pylist(), passages.column("text").to_pylist(), strict=True))
    inputs: list[np.ndarray] = []
    answers: list[str] = []
    values: list[str] = []
    for row in annotations.to_pylist():
        answer, start, text = row["answers"][0], row["start"], texts[row["passage_id"]]
        masked = text[:start] + MASK + text[start + len(answer) :]
        asked = rng.random() < question_share
        inputs.append(passage_inputs(f"{MASK} {row['question']}" if asked else masked, tokenizer, config))
        answers.append(f"{MASK} {answer}")
        values.append(f"{CLS} {answer} {row['question']}")
    return ReadingExamples(
        np.stack(inputs),
        tokenizer.encode_batch(answers, config.target_length, eos=True),
        tokenizer.encode_batch(values, config.value_length),
    )
