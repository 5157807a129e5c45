"""The tokenizer job reads the texts of tables, evenly thinned where they are many."""

import pytest

from qamat_core.tokenizer import SENTINELS, Tokenizer
from qamat_core.world.generate import build_world
from schemas.errors import ConfigError
from schemas.generation import TrainTokenizerConfig
from schemas.training import TokenizerConfig
from tasks import train_tokenizer
from tests.tasks.conftest import WORLD, Generated


def test_it_knows_the_corpus(generated: Generated):
    tokenizer = Tokenizer.load(generated.store.open_directory(generated.tokenizer))
    assert tokenizer.vocab_size == 400 + SENTINELS
    for passage in build_world(WORLD.world).passages:
        assert tokenizer.decode(tokenizer.encode(passage.text)) == passage.text


def test_texts_are_thinned_evenly(generated: Generated):
    passages = generated.world.passages
    texts = [text for row in generated.store.open_table(passages).to_pylist() for text in (row["title"], row["text"])]
    assert list(train_tokenizer.sample_texts(generated.store, passages, 10_000)) == texts
    few = list(train_tokenizer.sample_texts(generated.store, passages, 25))
    assert few == texts[:: -(-len(texts) // 25)]
    assert len(few) <= 25


def test_a_table_without_texts_is_refused(generated: Generated):
    config = TrainTokenizerConfig(tokenizer=TokenizerConfig(vocab_size=100))
    with pytest.raises(ConfigError, match="answers/tiny@0: no table of texts; give one of passages"):
        train_tokenizer.run(config, [generated.answers], name="other", resources=generated.resources)
