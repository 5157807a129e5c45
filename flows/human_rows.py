"""The rows of the track on real questions, what the claims say of them, and their report."""

import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from flows import steps
from flows.exhibits import show_report
from qamat_core.claims import comparisons
from schemas.artifacts import ArtifactRef, Pretrained
from schemas.evaluation import Bm25Config, JudgeConfig, Place, ReportConfig, SummaryConfig
from schemas.human import HumanPreset
from schemas.order_forms import QuestionsFile
from schemas.resources import Resources
from schemas.study_orders import HumanTrack
from tasks.build_report import ReportInputs, Shown, copy_report
from tasks.evaluate import EvaluateInputs
from tasks.evaluate_repaq import RepaqInputs
from tasks.gather_pairs import GatheredRefs

TABLE: Final = "human"


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
        label = f"{row.lower().replace(' ', '-')}-{label_of(file)}"
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
            overlaps=self.overlaps[label_of(file)],
            name=f"{self.order.name}-{label}",
            resources=self.resources,
        )


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
        track.asked[label_of(file)],
        track.memory.qa_pairs,
        name=f"{track.order.name}-bm25-{label_of(file)}",
        resources=track.resources,
    )
    return track.summarise("BM25 questions", file, [found.predictions])


def dense(track: Track, file: QuestionsFile, row: str, models: list[Pretrained]) -> ArtifactRef:
    """Measure the answer of the nearest entry by a model's vectors."""
    runs = [
        steps.evaluate_repaq(
            track.numbers.nearest,
            RepaqInputs(model.checkpoint, model.index, track.asked[label_of(file)]),
            name=f"{model.checkpoint.name}-nearest-{label_of(file)}",
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
            EvaluateInputs(model.checkpoint, track.asked[label_of(file)], model.index),
            name=f"{model.checkpoint.name}-{label_of(file)}",
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
    show_report(ref, order.name, order.home)
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


def label_of(file: QuestionsFile) -> str:
    """Return what names the artifacts of a file of questions."""
    return f"{file.dataset}-{file.split}"


def _named(place: Place, row: str, file: QuestionsFile) -> bool:
    return (place.row, place.dataset, place.split) == (row, file.dataset, file.split)
