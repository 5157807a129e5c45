"""Table 6: one recipe over several memories.

"Ours 60M" is the memory of Table 2, generated from all passages; "PAQ 65M" an imported one, more precise and of fewer
passages; "Both" joins the imported pairs with pairs generated from what they leave uncovered, as the paper's 60M do.
Stage one, which makes the encoder, is Table 2's in every row; each memory is encoded with it, and pre-trained and
fine-tuned over, so that the memory alone tells the rows apart.
"""

from flows import steps
from flows.corpus import Sources, ask_passages
from flows.study import Study, ask_finetuned, ask_largest, largest_k, single_hop
from flows.training import finetune, train_global, with_index
from schemas.artifacts import ArtifactRef, Memory, Pretrained
from schemas.corpus import ComplementConfig
from schemas.evaluation import MemoryName
from tasks.complement_passages import ComplementInputs
from tasks.import_drawn import DrawnInputs
from tasks.import_pairs import ImportRefs
from tasks.mine_negatives import NegativesInputs


def table6(study: Study) -> list[ArtifactRef]:
    """Fine-tune and ask over the generated memory, an imported one, and both."""
    others: dict[str, tuple[MemoryName, Memory]] = {
        "PAQ 65M": ("imported", imported_memory(study)),
        "Both": ("joined", joined_memory(study)),
    }
    return [_ours(study)] + [_over(study, row, *other) for row, other in others.items()]


def import_drawn(study: Study) -> ImportRefs:
    """Import what stands in for PAQ."""
    inputs = DrawnInputs(study.world.passages, study.world.gold_pairs)
    config = study.numbers.study.imported
    return steps.import_drawn(config, inputs, name=f"{study.name}-imported", resources=study.resources)


def imported_memory(study: Study) -> Memory:
    """Return the imported pairs with the pre-training examples made of them."""
    pairs = import_drawn(study).qa_pairs
    inputs = NegativesInputs(study.world.passages, pairs)
    name = f"{study.name}-imported"
    mined = steps.mine_negatives(study.numbers.corpus.negatives, inputs, name=name, resources=study.resources)
    return Memory(qa_pairs=pairs, examples=mined.pretrain_examples)


def joined_memory(study: Study) -> Memory:
    """Return the imported pairs joined with what is generated from the passages that they leave uncovered."""
    imported, name = import_drawn(study), f"{study.name}-joined"
    spans = ComplementInputs(study.world.passages, (imported.pair_spans,))
    left = steps.complement_passages(
        ComplementConfig(), spans, name=f"{study.name}-complement", resources=study.resources
    )
    corpus = study.corpus
    sources = Sources(
        passages=left,
        annotated_passages=corpus.sources.annotated_passages,
        annotations=corpus.sources.annotations,
    )
    made = ask_passages(
        study.numbers.corpus,
        sources,
        corpus.tokenizer,
        corpus.generators,
        imported=(imported.qa_pairs,),
        examples_from=study.world.passages,
        name=name,
        resources=study.resources,
    )
    return Memory(qa_pairs=made.memory, examples=made.pretrain_examples)


def _ours(study: Study) -> ArtifactRef:
    k = largest_k(study)
    runs = [ask_finetuned(study, "generated", seed)[k] for seed in study.seeds]
    place = single_hop(study, "table6", "Ours 60M", "generated", k=k)
    return study.summarise([place], runs, f"{study.name}-table6-ours", (1, k))


def _over(study: Study, row: str, kind: MemoryName, memory: Memory) -> ArtifactRef:
    k, names = largest_k(study), [f"{study.name}-{kind}-s{seed}" for seed in study.seeds]
    models = [_train(study, memory, seed, name) for seed, name in zip(study.seeds, names, strict=True)]
    runs = [ask_largest(study, model, name) for model, name in zip(models, names, strict=True)]
    return study.summarise([single_hop(study, "table6", row, kind, k=k)], runs, f"{study.name}-table6-{kind}", (1, k))


def _train(study: Study, memory: Memory, seed: int, name: str) -> Pretrained:
    config = study.numbers.training.seeded(seed)
    encoder = study.model("generated", seed).inbatch.checkpoint
    start = with_index(config, encoder, memory, name=name, resources=study.resources)
    pretrained = train_global(config.global_, start, memory, name=name, resources=study.resources)
    questions = study.world.questions["train"]
    return finetune(config.finetune, pretrained, memory, questions, name=name, resources=study.resources)
