"""Record what `transformers`' T5 computes from random weights (needs the extra `parity`).

    python tests/qamat_core/t5/record_reference.py

writes reference/<variant>.npz: weights (random, representable in half precision), inputs with padding, encoder
output, logits, greedy ids, beam sequences with their log-probabilities. The ordinary tests compare with these files;
the tests marked `live` compare with a fresh run of the same functions.
"""

import json
from pathlib import Path
from typing import Any

import numpy as np

VARIANTS = ("1.0", "1.1")
FOLDER = Path(__file__).parent / "reference"
ROWS, SOURCE, TARGET, NEW, BEAMS = 5, 40, 10, 10, 4
SHAPE = {"d_model": 24, "num_heads": 3, "d_ff": 32, "vocab_size": 50}


def our_config(variant: str) -> dict[str, Any]:
    """The fields of the T5Config of a variant."""
    layers = {"num_encoder_layers": 2, "num_decoder_layers": 2}
    return SHAPE | layers | {"variant": variant, "head_dim": 8, "tie_embeddings": variant == "1.0"}


def build(variant: str, seed: int) -> Any:
    """A `transformers` T5 with random weights in every parameter, norms included."""
    import torch  # noqa: PLC0415
    import transformers  # noqa: PLC0415

    torch.manual_seed(seed)
    old = variant == "1.0"
    config = transformers.T5Config(
        **SHAPE,
        d_kv=8,
        num_layers=2,
        feed_forward_proj="relu" if old else "gated-gelu",
        tie_word_embeddings=old,
        dropout_rate=0.0,
        decoder_start_token_id=0,
    )
    model = transformers.T5ForConditionalGeneration(config).eval()
    if not old:  # transformers 5 ties the output layer in every case: give 1.1 its own again
        model.lm_head.weight = torch.nn.Parameter(torch.randn(SHAPE["vocab_size"], SHAPE["d_model"]) * 0.3)
    with torch.no_grad():
        # A small embedding, or the last token decides alone and is repeated for ever; a large end token, or none ends.
        model.shared.weight.mul_(0.4)
        model.shared.weight[1].mul_(3.0)
        model.lm_head.weight[1].mul_(1.0 if old else 2.0)
        for parameter in model.parameters():
            noise = 0.3 * torch.randn_like(parameter) if parameter.ndim == 1 else torch.zeros_like(parameter)
            parameter.copy_((parameter + noise).half().float())
    return model


def record(variant: str, seed: int) -> dict[str, np.ndarray]:
    """Everything that the tests compare with, by name; weights under ``weights/``."""
    import torch  # noqa: PLC0415

    model = build(variant, seed)
    rng = np.random.default_rng(seed)
    source = rng.integers(2, SHAPE["vocab_size"], (ROWS, SOURCE))
    for row, length in enumerate((SOURCE, 31, 17, 5, 1)):
        source[row, length:] = 0
    target = rng.integers(2, SHAPE["vocab_size"], (ROWS, TARGET))
    target[:, 0] = 0
    inputs = {"input_ids": torch.tensor(source), "attention_mask": torch.tensor(source != 0)}
    with torch.no_grad():
        output = model(**inputs, decoder_input_ids=torch.tensor(target))
        greedy = model.generate(**inputs, do_sample=False, num_beams=1, max_new_tokens=NEW)
        beams = model.generate(
            **inputs,
            do_sample=False,
            num_beams=BEAMS,
            num_return_sequences=BEAMS,
            max_new_tokens=NEW,
            length_penalty=0.0,
            early_stopping="never",
            return_dict_in_generate=True,
            output_scores=True,
        )
    return {
        "config": np.asarray(json.dumps(our_config(variant))),
        "source": source.astype(np.int32),
        "target": target.astype(np.int32),
        "encoded": output.encoder_last_hidden_state.numpy(),
        "logits": output.logits.numpy(),
        "greedy": _padded(greedy.numpy()),
        "beam_tokens": _padded(beams.sequences.numpy()).reshape(ROWS, BEAMS, NEW),
        "beam_logprobs": beams.sequences_scores.numpy().reshape(ROWS, BEAMS),
    } | {f"weights/{name}": weight.numpy().astype(np.float16) for name, weight in model.state_dict().items()}


def _padded(sequences: np.ndarray) -> np.ndarray:
    """Drop the start token and pad to NEW tokens."""
    sequences = sequences[:, 1:]
    return np.pad(sequences, ((0, 0), (0, NEW - sequences.shape[1]))).astype(np.int32)


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    for each in VARIANTS:
        np.savez_compressed(FOLDER / f"t5_{each.replace('.', '_')}.npz", **record(each, seed=9))
