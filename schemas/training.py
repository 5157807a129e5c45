"""Configuration of tokenizers, optimisers and the training loop."""

from typing import Literal, get_args

from pydantic import Field, model_validator

from schemas.base import Frozen


class TokenizerConfig(Frozen):
    """A SentencePiece model; 100 sentinels are added on top of its pieces, as T5 does."""

    vocab_size: int = Field(default=1000, gt=16)
    """Pieces, without the sentinels."""
    model_type: Literal["bpe", "unigram"] = "bpe"
    fold_case: bool = False
    """Read all letters as small ones: for questions of many sources, some of which have no capitals."""
    own_pieces: tuple[str, ...] = (".", "?", ",", "'")
    """Strings that are always a piece of their own, so that a copied span never drags them along."""


class OptimizerConfig(Frozen):
    """An optax optimiser with its learning-rate schedule."""

    name: Literal["adamw", "adafactor"] = "adamw"
    """Not given by the paper; Adafactor is T5X's, which the paper's presets take."""
    learning_rate: float = Field(default=1e-3, gt=0)
    schedule: Literal["constant", "cosine", "rsqrt"] = "constant"
    """``cosine`` falls to 0 at the last step; ``rsqrt`` is T5's 1/sqrt(max(step, warmup)). The paper gives one rate a
    stage and no schedule: constant."""
    warmup_steps: int = Field(default=0, ge=0)
    clip_norm: float | None = Field(default=None, gt=0)
    """Clips gradients by their global norm; None for T5X's own setting (Adafactor clips updates)."""
    weight_decay: float = Field(default=0.0, ge=0)


Part = Literal["encoder", "decoder", "embeddings"]
"""A part of a T5: layers of the encoder; layers of the decoder, its own output layer among them; the embedding of
tokens, which encoder and decoder share."""


class MeshShape(Frozen):
    """How the devices of all processes stand: it changes a result no more than rounding does."""

    data: int | None = Field(default=None, ge=1, title="Parts of a batch")
    """Parts that a batch is divided into; None for all devices."""
    model: int = Field(default=1, ge=1, title="Parts of wide layers")
    """Parts that wide layers are divided into."""


class TrainingConfig(Frozen):
    """How long, how large, how fast one stage trains."""

    steps: int = Field(gt=0)
    """100K in-batch and 100K global (section 5.1); those of fine-tuning and of QAMAT+ are not given by the paper."""
    batch_size: int = Field(gt=0)
    """512 in-batch, 32 global (section 5.1); those of fine-tuning and of QAMAT+ are not given by the paper."""
    optimizer: OptimizerConfig = OptimizerConfig()
    accumulate: int = Field(default=1, ge=1)
    """So many micro-batches, one after the other, make up the gradient of a batch."""
    frozen: tuple[Part, ...] = ()
    """Parts that stay as they are, bit for bit; the optimiser keeps nothing for them. None by default: in-batch updates
    "all the modules" (section 5.1), global and fine-tuning "the query encoder and decoder"; whether the embedding of
    tokens moves with these is not given. Their memory is frozen in any case: it was encoded before."""
    seed: int = 0
    z_loss: float = Field(default=0.0, ge=0)
    """Weight of log(Z)^2; not given by the paper (T5X: 1e-4, as in the paper's presets)."""
    log_every: int = Field(default=20, gt=0)
    """Steps between two points of the training curve."""
    save_every: int = Field(default=200, gt=0)
    """Steps between two resumable checkpoints."""
    divergence: float = Field(default=10.0, gt=1)
    """A loss above so many times (1 + the lowest of the curve) stops the training."""

    @model_validator(mode="after")
    def _check(self) -> "TrainingConfig":
        if set(get_args(Part)) <= set(self.frozen):
            raise ValueError(f"frozen is {', '.join(self.frozen)}: nothing is left to train")
        return self
