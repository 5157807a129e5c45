"""The flow on real questions: a memory that people wrote, QAMAT from random weights, BM25 beside it, a report.

No passages and no pre-trained weights are needed. The training questions stand in the memory, each banned from what is
retrieved for it.
"""

import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from prefect import flow

from flows import steps
from flows.imports import files_of
from flows.published import publish
from qamat_core.claims import comparisons
from qamat_core.readers.pairs_formats import pair_format
from qamat_core.store.store import Store
from schemas.artifacts import ArtifactRef, Pretrained
from schemas.corpus import ImportConfig
from schemas.evaluation import Bm25Config, JudgeConfig, OverlapConfig, Place, ReportConfig, SummaryConfig
from schemas.human import HumanPreset
from schemas.human_presets import human_preset
from schemas.orders import HumanTrack, QuestionsFile
from schemas.resources import Resources
from tasks.build_index import IndexInputs
from tasks.build_report import ReportInputs, Shown, copy_report
from tasks.evaluate import EvaluateInputs
from tasks.evaluate_repaq import RepaqInputs
from tasks.gather_pairs import GatheredRefs
from tasks.mine_multihop import MultihopInputs
from tasks.qamat_stage import QuestionStageInputs
from tasks.runner_options import check_runner
from tasks.train_inbatch import InBatchInputs

TABLE: Final = "human"


@dataclass(frozen=True)
class Trained:
    """The models of one seed: after the in-batch stage, and fine-tuned over the memory that it encoded."""

    inbatch: Pretrained
    finetuned: Pretrained


@dataclass
class Track:
    """What all rows have in common."""

    order: HumanTrack
    numbers: HumanPreset
    resources: Resources
    memory: GatheredRefs
    asked: Mapping[str, ArtifactRef]
    """Questions by ``dataset-split``."""
    overlaps: Mapping[str, ArtifactRef]
    runs: dict[Place, tuple[ArtifactRef, ...]] = field(default_factory=dict[Place, tuple[ArtifactRef, ...]])
    """The predictions of every row, one run a seed."""

    def summarise(self, row: str, file: QuestionsFile, runs: list[ArtifactRef], k: int | None = None) -> ArtifactRef:
        """Turn one run a seed into figures, those of each kind of overlap among them."""
        label = f"{row.lower().replace(' ', '-')}-{_label(file)}"
        place = Place(
            table=TABLE,
            row=row,
            dataset=file.dataset,
            split=file.split,
            memory="human",
            model_size=self.order.scale,
            k=k,
        )
        self.runs[place] = tuple(runs)
        return steps.summarise(
            SummaryConfig(places=(place,), ks=self.numbers.reading.recall_at),
            runs,
            overlaps=self.overlaps[_label(file)],
            name=f"{self.order.name}-{label}",
            resources=self.resources,
        )


@flow(name="answer-from-human-pairs", persist_result=False)
def human_track(order: HumanTrack) -> ArtifactRef:
    """Gather the memory, train QAMAT over it, answer the questions, and build the report."""
    numbers, resources = human_preset(order.scale), check_runner(order.resources())
    memory = gather(order, numbers, resources)
    asked = {_label(file): read(file, f"ask-{_label(file)}", order, numbers, resources) for file in order.ask}
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


def bm25(track: Track, file: QuestionsFile) -> ArtifactRef:
    """Measure the nearest question by words."""
    place = Place(
        table=TABLE,
        row="BM25 questions",
        dataset=file.dataset,
        split=file.split,
        memory="human",
        model_size=track.order.scale,
    )
    found = steps.evaluate_bm25(
        Bm25Config(places=(place,), ks=track.numbers.reading.recall_at),
        track.asked[_label(file)],
        track.memory.qa_pairs,
        name=f"{track.order.name}-bm25-{_label(file)}",
        resources=track.resources,
    )
    return track.summarise("BM25 questions", file, [found.predictions])


def dense(track: Track, file: QuestionsFile, row: str, models: list[Pretrained]) -> ArtifactRef:
    """Measure the answer of the nearest entry by a model's vectors."""
    runs = [
        steps.evaluate_repaq(
            track.numbers.nearest,
            RepaqInputs(model.checkpoint, model.index, track.asked[_label(file)]),
            name=f"{model.checkpoint.name}-nearest-{_label(file)}",
            resources=track.resources,
        )
        for model in models
    ]
    return track.summarise(row, file, runs)


def reading(track: Track, file: QuestionsFile, row: str, models: list[Pretrained]) -> ArtifactRef:
    """Measure a model that reads as many entries as it has slots."""
    k = max(track.numbers.reading.ks)
    runs = [
        steps.evaluate(
            track.numbers.reading,
            EvaluateInputs(model.checkpoint, track.asked[_label(file)], model.index),
            name=f"{model.checkpoint.name}-{_label(file)}",
            resources=track.resources,
        )[k]
        for model in models
    ]
    return track.summarise(row, file, runs, k)


def judge(track: Track) -> ArtifactRef:
    """Compare the rows that claims name, over the same questions."""
    places = tuple(dict.fromkeys(place for _, *sides in comparisons(track.runs) for place in sides))
    runs = [track.runs[place] for place in places]
    config, name = JudgeConfig(places=places), f"{track.order.name}-claims"
    return steps.judge_claims(config, runs, name=name, resources=track.resources)


def report(track: Track, metrics: list[ArtifactRef]) -> ArtifactRef:
    """Build the report, show its table in the UI, and copy it where it is wanted."""
    order, first = track.order, track.order.ask[0]
    shown = next(runs[0] for place, runs in track.runs.items() if _named(place, "QAMAT Fine-tuned", first))
    config = ReportConfig(
        title="Real questions, a memory that people wrote",
        preset=order.scale,
        rerun=command(order),
        aids=track.numbers.aids,
        tables=(TABLE,),
    )
    inputs = ReportInputs(metrics=tuple(metrics), shown=Shown(shown, track.memory.qa_pairs))
    ref = steps.build_report(config, inputs, name=order.name, resources=track.resources)
    publish(Store(order.home).open_directory(ref), order.name, (TABLE,))
    if order.out is not None:
        copy_report(ref, Path(order.out), resources=track.resources)
    return ref


def command(order: HumanTrack) -> str:
    """Return the command that makes this report again; of the files it says the names."""
    words = ["qamat", "human", "--scale", order.scale, "--seeds", str(order.seeds)]
    for file in order.learn:
        words += ["--learn", f"{file.dataset}={Path(file.path).name}"]
    for path in order.pairs:
        words += ["--pairs", Path(path).name]
    for file in order.ask:
        words += ["--ask", f"{file.dataset}/{file.split}={Path(file.path).name}"]
    return shlex.join(words)


def _label(file: QuestionsFile) -> str:
    return f"{file.dataset}-{file.split}"


def _named(place: Place, row: str, file: QuestionsFile) -> bool:
    return (place.row, place.dataset, place.split) == (row, file.dataset, file.split)
