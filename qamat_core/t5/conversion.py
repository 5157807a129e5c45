"""Weights of a `transformers` T5 as a parameter tree and back: arrays in, arrays out, no torch."""

from collections.abc import Iterator, Mapping, Set
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from flax.traverse_util import flatten_dict, unflatten_dict

from qamat_core.t5.network import T5
from schemas.errors import ConfigError, InputError
from schemas.model import T5Config

Path = tuple[str, ...]
"""Where a parameter stands in the tree."""

ALIASES = frozenset(
    {
        "encoder.embed_tokens.weight",
        "decoder.embed_tokens.weight",
        "decoder.block.0.layer.1.EncDecAttention.relative_attention_bias.weight",
    }
)
"""Names that a state dict may hold beside its weights: ``shared.weight`` again, and a bias of the first checkpoints
that no version of the network reads."""

ATTENTION = {"query": "q", "key": "k", "value": "v", "out": "o"}


def from_transformers(state: Mapping[str, np.ndarray], config: T5Config) -> dict[str, Any]:
    """Give the float32 parameter tree of ``T5(config)`` from the ``state_dict()`` of a T5ForConditionalGeneration.

    ``state`` is asked for one weight at a time, so one that reads lazily is never in memory as a whole.
    Raises ``ConfigError`` for a pointer head (no such weights exist) and ``InputError`` where a weight is missing,
    left over or of another shape than the configuration says.
    """
    if config.pointer_head or config.word_match:
        raise ConfigError(
            "a T5 of `transformers` has no pointer head and no word match: set pointer_head and word_match to false to "
            "load its weights"
        )
    names = dict(_names(config))
    tied = {"lm_head.weight"} if config.tie_embeddings else set[str]()
    _check_names(set(state), set(names.values()), ALIASES | tied)
    weights = {path: _value(path, np.asarray(state[name], np.float32)) for path, name in names.items()}
    return checked_tree(weights, config, names)


def to_transformers(weights: Mapping[str, np.ndarray], config: T5Config) -> Iterator[tuple[str, np.ndarray]]:
    """Yield the weights of a T5ForConditionalGeneration by name, the inverse of ``from_transformers``.

    ``weights`` are the parameters of ``T5(config)`` by their T5X paths (``encoder/layers_0/mlp/wo/kernel``), asked for
    one at a time.
    """
    for path, name in _names(config):
        yield name, _value(path, weights["/".join(path)])


def checked_tree(
    weights: Mapping[Path, np.ndarray], config: T5Config, names: Mapping[Path, str] | None = None
) -> dict[str, Any]:
    """Give weights by path as a tree if they are those of ``T5(config)``.

    Args:
        weights: float32 arrays by path.
        config: the model that they are for.
        names: what the source calls them, for the error.

    Raises:
        InputError: one is missing, left over or of another shape.
    """
    shapes = parameter_shapes(config)
    called = {path: (names or {}).get(path, "/".join(path)) for path in {*shapes, *weights}}
    _check_names({called[path] for path in weights}, {called[path] for path in shapes}, set())
    for path, shape in shapes.items():
        if weights[path].shape != shape:
            as_ours = f" as {'/'.join(path)}" if names else ""
            raise InputError(f"{called[path]!r}{as_ours} is {weights[path].shape}, the configuration has {shape}")
    return unflatten_dict(dict(weights))


def parameter_shapes(config: T5Config) -> dict[Path, tuple[int, ...]]:
    """Give the shape of every parameter of ``T5(config)`` by its path, without computing any."""
    tokens = jnp.zeros((1, 1), jnp.int32)
    variables: Any = jax.eval_shape(T5(config).init, jax.random.key(0), tokens, tokens)
    leaves: dict[Path, Any] = dict(flatten_dict(variables["params"]))
    return {path: leaf.shape for path, leaf in leaves.items()}


def _check_names(have: set[str], need: set[str], aliases: Set[str]) -> None:
    if missing := sorted(need - have):
        raise InputError(f"{len(missing)} weights are missing, the first {missing[0]!r}: does the configuration fit?")
    if unused := sorted(have - need - aliases):
        raise InputError(f"{len(unused)} weights are left over, the first {unused[0]!r}: does the configuration fit?")


def _names(config: T5Config) -> Iterator[tuple[Path, str]]:
    """Yield every parameter's path in our tree and its name in a state dict."""
    yield ("token_embedder", "embedding"), "shared.weight"
    for stack, layers in (("encoder", config.num_encoder_layers), ("decoder", config.num_decoder_layers)):
        relative = f"{stack}.block.0.layer.0.SelfAttention.relative_attention_bias.weight"
        yield (stack, "relpos_bias", "rel_embedding"), relative
        yield (stack, f"{stack}_norm", "scale"), f"{stack}.final_layer_norm.weight"
        for layer in range(layers):
            yield from _layer_names(stack, layer, config.variant)
    if not config.tie_embeddings:
        yield ("decoder", "logits_dense", "kernel"), "lm_head.weight"


def _layer_names(stack: str, layer: int, variant: str) -> Iterator[tuple[Path, str]]:
    here, there = (stack, f"layers_{layer}"), f"{stack}.block.{layer}.layer"
    attentions = (
        [("pre_attention_layer_norm", "attention", "SelfAttention")]
        if stack == "encoder"
        else [
            ("pre_self_attention_layer_norm", "self_attention", "SelfAttention"),
            ("pre_cross_attention_layer_norm", "encoder_decoder_attention", "EncDecAttention"),
        ]
    )
    for number, (norm, attention, theirs) in enumerate(attentions):
        yield (*here, norm, "scale"), f"{there}.{number}.layer_norm.weight"
        for ours, letter in ATTENTION.items():
            yield (*here, attention, ours, "kernel"), f"{there}.{number}.{theirs}.{letter}.weight"
    last = len(attentions)
    yield (*here, "pre_mlp_layer_norm", "scale"), f"{there}.{last}.layer_norm.weight"
    for name in ("wi", "wo") if variant == "1.0" else ("wi_0", "wi_1", "wo"):
        yield (*here, "mlp", name, "kernel"), f"{there}.{last}.DenseReluDense.{name}.weight"


def _value(path: Path, weight: np.ndarray) -> np.ndarray:
    """Turn a linear layer's [out, in] into a kernel [in, out], and the bias table into [heads, buckets]."""
    return weight.T.copy() if path[-1] in {"kernel", "rel_embedding"} else weight
