"""A home that is ready for passages: a small generator trained on SQuAD, and real pairs that join the memory."""

from pathlib import Path

from schemas.corpus import ImportConfig
from schemas.preset_models import PresetName
from schemas.presets import preset
from schemas.resources import Resources
from tasks import import_pairs, ingest_passages, train_generator, train_tokenizer
from tests.benchmarks import real_text

PRESET: PresetName = "mini"
"""The command's default."""
GENERATOR = "real"
IMPORTED = "trivia"
STEPS = 350
"""Of the generator's training: enough for about three answers a passage."""
QUICK_STEPS = 5


def prepare(home: Path, model: PresetName, *, quick: bool) -> None:
    """Train a generator with the model of one preset, all else being mini's, and import the pairs."""
    numbers, resources = preset(PRESET).corpus, Resources(home=str(home), workers=2)
    given = ingest_passages.run(numbers.ingest, [real_text.squad_file()], name=GENERATOR, resources=resources)
    texts = [given.passages, given.annotations]
    tokenizer = train_tokenizer.run(numbers.tokenizer, texts, name=GENERATOR, resources=resources)
    training = numbers.generator.training.model_copy(update={"steps": QUICK_STEPS if quick else STEPS})
    shape = preset(model).corpus.generator.model
    config = numbers.generator.model_copy(update={"training": training, "model": shape})
    inputs = train_generator.GeneratorInputs(given.passages, given.annotations, tokenizer)
    train_generator.run(config, inputs, name=GENERATOR, resources=resources)
    importing = ImportConfig(format="opentriviaqa", origin="opentriviaqa")
    import_pairs.run(importing, real_text.trivia_files(), None, name=IMPORTED, resources=resources)


def regenerate(home: Path, passages: Path, name: str) -> list[str]:
    """Return the arguments of the command that makes a corpus of passages."""
    generators = [word for task in ("extraction", "generation", "comprehension") for word in (f"--{task}", GENERATOR)]
    options = ["--preset", PRESET, "--home", str(home), "--passages", str(passages), "--name", name]
    return ["corpus", "regenerate", *options, *generators, "--imported", IMPORTED]
