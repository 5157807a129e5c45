"""The flow on real questions: a memory that people wrote, QAMAT from random weights, BM25 beside it, a report.

No passages and no pre-trained weights are needed. The training questions stand in the memory, each banned from what is
retrieved for it.
"""

from dataclasses import dataclass
from pathlib import Path

from flows import steps
from flows.human_rows import Track, bm25, dense, judge, label_of, reading, report
from flows.imports import files_of
from flows.ordered import ordered
from qamat_core.readers.pairs_formats import pair_format
from schemas.artifacts import ArtifactRef, Pretrained
from schemas.corpus import ImportConfig
from schemas.evaluation import OverlapConfig
from schemas.human import HumanPreset
from schemas.human_presets import human_preset
from schemas.order_forms import QuestionsFile
from schemas.resources import Resources
from schemas.study_orders import HumanTrack
from tasks.build_index import IndexInputs
from tasks.gather_pairs import GatheredRefs
from tasks.mine_multihop import MultihopInputs
from tasks.qamat_stage import QuestionStageInputs
from tasks.runner_options import check_runner
from tasks.train_inbatch import InBatchInputs


@dataclass(frozen=True)
class Trained:
    """The models of one seed: after the in-batch stage, and fine-tuned over the memory that it encoded."""

    inbatch: Pretrained
    finetuned: Pretrained


@ordered("answer-from-human-pairs")
def human_track(order: HumanTrack) -> ArtifactRef:
    """Gather the memory, train QAMAT over it, answer the questions, and build the report."""
    numbers, resources = human_preset(order.scale), check_runner(order.resources())
    memory = gather(order, numbers, resources)
    asked = {label_of(file): read(file, f"ask-{label_of(file)}", order, numbers, resources) for file in order.ask}
    overlaps = {
        label: steps.split_overlap(
            OverlapConfig(), memory.qa_examples, ref, name=f"{order.name}-{label}", resources=resources
        )
        for label, ref in asked.items()
    }
    track = Track(order, numbers, resources, memory, asked, overlaps)
    metrics = [bm25(track, file) for file in order.ask]
    models = [train(track, seed) for seed in range(order.seeds)]
    for file in order.ask:
        metrics += [
            dense(track, file, "Dense questions", [model.inbatch for model in models]),
            dense(track, file, "Dense questions Fine-tuned", [model.finetuned for model in models]),
            reading(track, file, "QAMAT Zero-Shot", [model.inbatch for model in models]),
            reading(track, file, "QAMAT Fine-tuned", [model.finetuned for model in models]),
        ]
    return report(track, [*metrics, judge(track)])


def gather(order: HumanTrack, numbers: HumanPreset, resources: Resources) -> GatheredRefs:
    """Read the training questions and the files of pairs, and make one memory of them."""
    learned = [read(file, f"learn-{number}", order, numbers, resources) for number, file in enumerate(order.learn)]
    imported: list[ArtifactRef] = []
    if order.pairs:
        files = files_of(order.pairs)
        form = order.format or pair_format(files[0])
        config = ImportConfig(format=form, origin=form)
        refs = steps.import_pairs(config, files, None, name=f"{order.name}-{form}", resources=resources)
        imported.append(refs.qa_pairs)
    return steps.gather_pairs(numbers.gather, learned, imported, name=order.name, resources=resources)


def read(file: QuestionsFile, label: str, order: HumanTrack, numbers: HumanPreset, resources: Resources) -> ArtifactRef:
    """Return the questions of a file."""
    refs = steps.ingest_questions(
        numbers.ingest,
        Path(file.path),
        dataset=file.dataset,
        split=file.split,
        name=f"{order.name}-{label}",
        resources=resources,
    )
    return refs.qa_examples


def train(track: Track, seed: int) -> Trained:
    """Train the models of a seed."""
    order, memory, resources = track.order, track.memory, track.resources
    stages, name = track.numbers.stages.seeded(seed), f"{track.order.name}-s{seed}"
    tokenizer = steps.train_tokenizer(track.numbers.tokenizer, [memory.qa_pairs], name=order.name, resources=resources)
    examples = steps.mine_questions(track.numbers.examples, memory.qa_pairs, name=order.name, resources=resources)
    start = steps.init_qamat(stages.init, tokenizer, memory.qa_pairs, name=f"{name}-init", resources=resources)
    by_words = InBatchInputs(start=start, memory=memory.qa_pairs, examples=examples)
    words = steps.train_words(stages.words, by_words, name=f"{name}-words", resources=resources)
    inputs = InBatchInputs(start=words, memory=memory.qa_pairs, examples=examples)
    inbatch = steps.train_inbatch(stages.inbatch, inputs, name=f"{name}-inbatch", resources=resources)
    encoded = IndexInputs(memory.qa_pairs, inbatch)
    index = steps.build_index(stages.index, encoded, name=f"{name}-inbatch", resources=resources)
    mining = MultihopInputs(memory.qa_examples, memory.qa_pairs)
    mined = steps.mine_multihop(track.numbers.mining, mining, name=order.name, resources=resources).multihop_examples
    asked = QuestionStageInputs(start=inbatch, index=index, questions=memory.qa_examples, mined=mined)
    tuned = steps.train_finetune(stages.finetune, asked, name=f"{name}-finetune", resources=resources)
    return Trained(Pretrained(checkpoint=inbatch, index=index), Pretrained(checkpoint=tuned, index=index))
