"""Configuration of QAMAT and of its training stages (paper sections 3, 4 and 5.1)."""

from typing import Literal

from pydantic import Field, model_validator

from schemas.base import Frozen
from schemas.model import T5Config
from schemas.training import TrainingConfig

VectorType = Literal["float32", "bfloat16"]


Backend = Literal["exact", "int8", "scann"]
"""What searches the keys of a memory: ``exact`` all, ``int8`` all in eight bits, ``scann`` an approximate tree."""
Integration = Literal["both", "neural", "discrete"]
"""Which memory representations the decoder reads (sections 3.3 and 3.4)."""


class QamatConfig(Frozen):
    """The shape of QAMAT: a T5, the lengths of what it reads, and how the memory is integrated."""

    t5: T5Config
    passage_length: int = Field(default=256, gt=0)
    """Pieces of a masked passage (pre-training input); not given by the paper."""
    question_length: int = Field(default=64, gt=0)
    """Pieces of a question with its [MASK] (fine-tuning input); not given by the paper."""
    target_length: int = Field(default=32, gt=0)
    """Pieces of the target; not given by the paper."""
    key_length: int = Field(default=32, gt=1)
    """Pieces of a memory key: [CLS] question (section 5.1)."""
    value_length: int = Field(default=40, gt=1)
    """Pieces of a memory value (section 5.1)."""
    value_order: Literal["answer-question", "question-answer"] = "answer-question"
    """What stands first in a memory value, behind [CLS]. Section 5.1 puts the answer first, which is never cut then;
    section 3.2 says "question-answer concatenation"."""
    value_end: bool = False
    """</s> stands behind what comes first in a memory value, so that a pointer head copies an answer's end like its
    pieces. An aid for small models trained from scratch, not in the paper."""
    temperature: float = Field(default=1.0, gt=0)
    """Divides the inner products; 1 is the paper, sqrt(d_model) helps models trained from scratch."""
    balance: float = Field(default=1.0, ge=0)
    """The factor lambda of equation 2 on the discrete part; not given by the paper."""
    rank_marks: bool = False
    """Write the rank r of a retrieved entry into its tokens: [CLS] becomes ``<extra_id_(99-r)>``. An aid for small
    models trained from scratch, not in the paper, where the order alone tells the rank."""
    integration: Integration = "both"
    """Which memory representations the decoder reads while training (sections 3.3 and 3.4)."""
    drop_neural: bool = True
    """Answer from the discrete part alone after training with both: section 3.4 says that the neural part can be
    dropped then, not whether it is in the tables. A model that was trained with one part answers from that part."""

    @property
    def answering(self) -> Integration:
        """Which memory representations are read where questions are answered."""
        return "discrete" if self.integration == "both" and self.drop_neural else self.integration

    @model_validator(mode="after")
    def _check(self) -> "QamatConfig":
        if self.t5.dropout:
            raise ValueError(f"dropout is {self.t5.dropout:g}: QAMAT trains without, set it to 0")
        return self


class InitConfig(Frozen):
    """Random weights."""

    model: QamatConfig
    seed: int = 0


class StageConfig(Frozen):
    """One training stage of QAMAT."""

    model: QamatConfig
    training: TrainingConfig
    top_k: int = Field(default=4, gt=0)
    """Memory slots K that the reader gets."""
    vary_k: bool = False
    """Hide slots at random so that one model serves every k up to K; not in the paper (it trains one K)."""
    retrieval_loss_weight: float = Field(default=0.0, ge=0)
    """Weight of a contrastive term on the known entry of each mask; 0 is the paper's purely latent objective."""


class PretrainingConfig(StageConfig):
    """A stage that learns from masked passages."""

    question_share: float = Field(default=0.0, ge=0, lt=1)
    """Share of the examples whose input is ``[MASK] question``, the generated question of their pair, in the place of
    the passage. 0 is the paper, which starts from a T5 that reads questions; one trained from scratch has to see them
    to answer zero-shot."""
    example_share: float = Field(default=1.0, gt=0, le=1)
    """Share of the masked passages that are learned from, drawn by ``seed`` of ``training``; a larger share holds all
    of a smaller one (Table 7)."""


class InBatchConfig(PretrainingConfig):
    """Stage one: the batch's own entries are the memory, everything is updated (section 4.2)."""

    positives_per_example: int | None = Field(default=None, ge=1)
    """Entries made of an example's passage in the batch's memory: those of its masks first, then others of the passage,
    random entries where it has fewer. None for as many as the examples have masks. The paper gives two numbers: 1, with
    7 negatives (section 5.1), and K, with K negatives (section 4.2). Where it is less than the masks, the later ones
    have to be filled without their entry. What is "right" for a mask is its own entry alone."""
    negatives_per_example: int = Field(default=7, ge=0)
    """BM25 hard negatives of each example in the batch's memory; 7 in section 5.1, K in section 4.2."""
    latent_gradient: bool = True
    """Whether equation 2's p(m|X) carries gradient, as in the paper; without, the contrastive term alone teaches
    retrieval (an ablation)."""

    @model_validator(mode="after")
    def _check(self) -> "InBatchConfig":
        if self.training.accumulate > 1:
            raise ValueError(
                f"accumulate is {self.training.accumulate}: the batch is the memory of this stage and cannot be cut; "
                "set model.t5.remat to save memory"
            )
        return self


class WordsConfig(Frozen):
    """Before stage one, for a model that matches by words (``T5Config.word_match``): they learn alone.

    Not in the paper. An entry of the batch that has the answer of an example's own is no negative of it."""

    model: QamatConfig
    training: TrainingConfig
    negatives_per_example: int = Field(default=7, ge=0)
    """BM25 hard negatives of each example in the batch's memory."""
    dropped: float = Field(default=0.15, ge=0, lt=1)
    """Share of an input's pieces that is left out, drawn anew each time: no one word is relied on."""


class GlobalConfig(PretrainingConfig):
    """Stage two: the memory is frozen, query encoder and decoder are updated (section 4.2)."""

    top_k: int = Field(default=16, gt=0)
    ban_own_entries: bool = False
    """Mask the entries that an example's passage was masked by, and all that ask the same questions, before selection:
    then no known entry is left for ``retrieval_loss_weight``. Not given by the paper, whose in-batch memory holds them:
    they are what a masked passage is to retrieve."""

    @model_validator(mode="after")
    def _check(self) -> "GlobalConfig":
        if self.ban_own_entries and self.retrieval_loss_weight:
            raise ValueError(
                f"retrieval_loss_weight is {self.retrieval_loss_weight:g}: ban_own_entries leaves no known entry, drop "
                "one of them"
            )
        return self


class FinetuneConfig(StageConfig):
    """Fine-tuning on the questions of a data set, by the recipe of stage two (section 4.2)."""

    top_k: int = Field(default=32, gt=0)
    ban_own_entries: bool = True
    """Mask the entries that ask an example's own question (normalised) before selection, but for a question that is
    made of the memory (``own_share``). Not given by the paper: a memory that holds the data set's training questions
    would give their answers away."""
    answered_only: bool = False
    """Learn the answer only where the mined entry that gives it is among those that are read. Not in the paper, whose
    T5 knows answers by heart: a model from random weights would learn to guess what the entries do not say."""
    own_share: float = Field(default=0.0, ge=0, lt=1)
    """Share of the examples that are questions made of the memory itself (``compose_questions``). 0 is the paper. The
    keys are frozen while the encoder moves on: an entity that no training question names drifts away from its keys
    unless the memory's own questions hold it there."""


class MultihopConfig(FinetuneConfig):
    """QAMAT+: two rounds of retrieval, ``top_k`` entries each (sections 3.5 and 4.3)."""

    top_k: int = Field(default=16, gt=0)
    """Of each round; not given by the paper."""
    first_hop_weight: float = Field(default=1.0, ge=0)
    """Weight of -log p(m1|X), the supervision of the first round; not given by the paper. The second round is
    supervised by ``retrieval_loss_weight``, in the paper not at all."""


class ClosedBookConfig(Frozen):
    """The closed-book baseline: the same T5 without a memory, on the same passages and questions."""

    model: QamatConfig
    passages: TrainingConfig
    """Span filling on the masked passages."""
    questions: TrainingConfig
    """Answering the training questions."""


class IndexConfig(Frozen):
    """Encoding a memory with a checkpoint's encoder."""

    batch_size: int = Field(default=512, gt=0)
    dtype: VectorType = "float32"
    """The type of keys and values; not given by the paper."""


class ScannConfig(Frozen):
    """A searcher of ScaNN; the defaults give a recall of .95 and more of 10 neighbours on clustered vectors."""

    leaves: int | None = Field(default=None, gt=0)
    """Of the tree; None for the root of the number of entries."""
    spherical: bool = False
    """Centres of leaves have length 1: for keys that are all about equally long."""
    leaves_searched: int = Field(default=20, gt=0)
    """For ``neighbours`` entries; in proportion for more."""
    neighbours: int = Field(default=10, gt=0)
    """The number of entries that leaves_searched and rescored are for."""
    rescored: int = Field(default=80, gt=0)
    """Entries with the best codes, which are scored again exactly."""
    code_width: int = Field(default=2, gt=0)
    """Dimensions of a vector that share a code of four bits."""
    threshold: float = Field(default=0.2, gt=0, lt=1)
    """Of anisotropic quantisation: errors along a vector count more the greater this is."""
    soar: float | None = Field(default=None, gt=0)
    """Lambda of SOAR, which puts every entry into a second leaf; None for one leaf each."""
    sample: int = Field(default=100_000, gt=0)
    """Entries at most that tree and codes are trained on."""


class SearchConfig(Frozen):
    """What searches an index, and how its recall is measured."""

    backend: Literal["int8", "scann"]
    """Exact search over keys in eight bits, or approximate search."""
    scann: ScannConfig = ScannConfig()
    sample: int = Field(default=1000, gt=0)
    """Questions of the memory, drawn by ``seed``, that recall is measured with."""
    seed: int = 0
    batch_size: int = Field(default=128, gt=0)
    """Questions that are encoded at once."""


class EvaluationConfig(Frozen):
    """Answering the questions of a data set from a memory."""

    top_k: int = Field(default=4, gt=0)
    """Slots that the model has; each ``ks`` is at most this."""
    ks: tuple[int, ...] = (1, 2, 4)
    """Every k for which answers are given: slots beyond it are hidden."""
    recall_at: tuple[int, ...] = (1, 2, 4)
    """Every k for which recall is measured."""
    rounds: Literal[0, 1, 2] = 1
    """Rounds of retrieval; 0 is closed-book."""
    batch_size: int = Field(default=128, gt=0)
    seed: int = 0
    memory_share: float = Field(default=1.0, ge=0, le=1)
    """Share of the memory that is kept, drawn by ``seed`` (Figure 7)."""
    integration: Integration | None = None
    """What the decoder reads; None for what the model answers from (``drop_neural``)."""
    questions: int | None = Field(default=None, ge=1)
    """At most so many questions, a sample drawn by ``seed``; None for all."""

    @model_validator(mode="after")
    def _check(self) -> "EvaluationConfig":
        if self.rounds and max(self.ks) > self.top_k:
            raise ValueError(f"k = {max(self.ks)} is more than the model's {self.top_k} slots: lower ks or raise top_k")
        return self
