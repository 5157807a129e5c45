"""Before stage one: pretrain_examples, qa_pairs, a checkpoint that matches by words -> checkpoint.

The words of queries and keys learn alone (``T5Config.word_match``); all else stays as it is.
"""

from functools import partial
from pathlib import Path

from qamat_core.qamat.entries import MemoryEntries
from qamat_core.qamat.words import words_batch, words_loss
from qamat_core.store.store import Store
from qamat_core.training.loop import Trained, train
from schemas.artifacts import ArtifactRef, Name
from schemas.errors import ConfigError
from schemas.qamat import WordsConfig
from schemas.resources import Resources
from tasks.qamat_examples import open_passages, pack_passages
from tasks.qamat_stage import OpenCheckpoint, open_checkpoint, produce_checkpoint
from tasks.train_inbatch import InBatchInputs


def run(config: WordsConfig, inputs: InBatchInputs, *, name: Name, resources: Resources) -> ArtifactRef:
    """Train the words and return the checkpoint.

    Raises:
        ConfigError: the model does not match by words.
    """
    if not config.model.t5.word_match:
        raise ConfigError("word_match is false: there are no words to train, leave this stage out")
    store = Store(resources.home)

    def learn(work: Path) -> tuple[OpenCheckpoint, Trained]:
        shards, training = open_passages(store, inputs.examples), config.training
        start = open_checkpoint(store, inputs.start, config.model)
        entries = MemoryEntries(store.open_table(inputs.memory), start.tokenizer, start.reader.config)
        examples = pack_passages(shards, entries, start, work, question_share=0.0, seed=training.seed)
        batches = partial(words_batch, examples, entries, config)
        return start, train("words", training, start.params, words_loss(start.reader), batches, work)

    return produce_checkpoint(
        store, __name__, config, vars(inputs), name, learn, resources=resources, frozen_encoder=False
    )
