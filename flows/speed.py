"""How many questions a second QAMAT answers, and FiD: both trained from the same in-batch checkpoint."""

from flows import steps
from flows.passage_baselines import by_words, reading_inputs
from flows.study import Study, single_hop
from schemas.artifacts import ArtifactRef
from schemas.evaluation import SpeedConfig
from schemas.passages import RetrievePassagesConfig
from tasks.measure_speed import SpeedInputs
from tasks.retrieve_passages import RetrievalInputs


def speed(study: Study) -> list[ArtifactRef]:
    """Time the first seed's fine-tuned QAMAT over the generated memory beside FiD over what BM25 finds."""
    numbers, questions = study.numbers.training.seeded(0).passages, study.world.questions[study.split]
    config = SpeedConfig(place=single_hop(study, "speed", "", "generated"))
    inputs = reading_inputs(study, 0, by_words(study))
    fid = steps.train_fid(numbers.fid, inputs, name=f"{study.name}-s0-bm25-fid", resources=study.resources)
    index = steps.index_passages(numbers.index, inputs.passages, name=study.shared, resources=study.resources)
    more = RetrievePassagesConfig(passages=config.passages)
    asked = RetrievalInputs(index, questions)
    name = f"{study.name}-speed-{study.split}"
    found = steps.retrieve_passages(more, asked, name=name, resources=study.resources)
    model = study.model("generated", 0).finetuned
    timed = SpeedInputs(model.checkpoint, model.index, questions, fid, inputs.passages, found)
    return [steps.measure_speed(config, timed, name=name, resources=study.resources)]
