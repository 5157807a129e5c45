"""What is swept: the pre-training examples of Table 7, the memory of Figure 7."""

from flows import steps
from flows.study import Study, ask_finetuned, ask_largest, largest_k, single_hop
from flows.training import train_global, train_inbatch, with_index
from schemas.artifacts import ArtifactRef, Memory, Pretrained
from schemas.corpus import ReverseConfig
from schemas.preset_models import TrainingPreset
from tasks.mine_negatives import NegativesInputs
from tasks.reverse_questions import ReverseInputs


def table7(study: Study) -> list[ArtifactRef]:
    """Pre-train equally long on a share of the examples, and on the data set's own questions; fine-tune as ever."""
    return [dpr_reverse(study)] + [of_examples(study, share) for share in study.numbers.study.example_shares]


def of_examples(study: Study, share: float) -> ArtifactRef:
    """Measure the model whose two stages of pre-training saw a share of the examples; with all it is Table 2's."""
    percent = 100 * share
    label = f"examples-{percent:g}".replace(".", "-")

    def change(stages: TrainingPreset) -> TrainingPreset:
        return stages.everywhere("example_share", share)

    def answers(seed: int) -> ArtifactRef:
        if share == 1:
            return ask_finetuned(study, "generated", seed)[largest_k(study)]
        model = study.model("generated", seed, label, change).finetuned
        return ask_largest(study, model, f"{study.name}-{label}-s{seed}")

    return _measure(study, "QAMAT Fine-tuned", label, percent, [answers(seed) for seed in study.seeds])


def dpr_reverse(study: Study) -> ArtifactRef:
    """Measure the model that was pre-trained on the data set's own questions, each as what its passage retrieves."""
    memory, label = reversed_memory(study), "dpr-reverse"
    runs = [
        ask_largest(study, _pretrained_on(study, memory, seed), f"{study.name}-{label}-s{seed}") for seed in study.seeds
    ]
    return _measure(study, "DPR-reverse", label, None, runs)


def reversed_memory(study: Study) -> Memory:
    """Return the training questions as pairs of passages, with the pre-training examples made of them."""
    name, questions = f"{study.name}-reversed", study.world.questions["train"]
    inputs = ReverseInputs(questions, study.world.passages)
    pairs = steps.reverse_questions(ReverseConfig(), inputs, name=name, resources=study.resources).qa_pairs
    masked = NegativesInputs(study.world.passages, pairs)
    mined = steps.mine_negatives(study.numbers.corpus.negatives, masked, name=name, resources=study.resources)
    return Memory(qa_pairs=pairs, examples=mined.pretrain_examples)


def figure7(study: Study) -> list[ArtifactRef]:
    """Leave out a share of the generated memory; no model is trained anew for it."""
    return [of_memory(study, share) for share in study.numbers.evaluation.memory_shares]


def of_memory(study: Study, share: float) -> ArtifactRef:
    """Measure the fine-tuned model over a share of its memory."""
    k, percent = largest_k(study), round(100 * share)
    runs = [
        ask_largest(
            study,
            study.model("generated", seed).finetuned,
            f"{study.name}-generated-s{seed}-{percent}",
            memory_share=share,
        )
        for seed in study.seeds
    ]
    place = single_hop(study, "figure7", "QAMAT Fine-tuned", "generated", k=k, x=float(percent))
    return study.summarise([place], runs, f"{study.name}-figure7-{percent}")


def _pretrained_on(study: Study, memory: Memory, seed: int) -> Pretrained:
    """Pre-train on a memory of its own, fine-tune over the generated one."""
    config, name = study.numbers.training.seeded(seed), f"{study.name}-reversed-s{seed}"
    inbatch = train_inbatch(config, study.start(seed), memory, name=name, resources=study.resources)
    pretrained = train_global(config.global_, inbatch, memory, name=name, resources=study.resources)
    generated = study.memory("generated")
    index = with_index(config, inbatch.checkpoint, generated, name=f"{name}-generated", resources=study.resources).index
    start = Pretrained(checkpoint=pretrained.checkpoint, index=index)
    return study.finetune(config.finetune, start, "generated", name)


def _measure(study: Study, row: str, label: str, percent: float | None, runs: list[ArtifactRef]) -> ArtifactRef:
    place = single_hop(study, "table7", row, "generated", k=largest_k(study), x=percent)
    return study.summarise([place], runs, f"{study.name}-table7-{label}")
