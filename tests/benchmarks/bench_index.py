"""Whether memory stays flat in the number of entries: 50,000, 100,000 and 400,000 encoded, each in its own process.

Rows are made, tokenised, encoded and written batch by batch by an encoder of one narrow layer (256 wide), in bfloat16.
The figure is the greatest resident memory of the process without mapped files, from its start. The row compares most
with fewest entries: a ratio of 1 is flat.
"""

import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import psutil
import pyarrow as pa

from qamat_core.qamat.entries import tokenise_entries
from qamat_core.qamat.index import encode_entries
from qamat_core.qamat.reader import Reader
from qamat_core.t5.initialize import fit_vocabulary, init_params
from qamat_core.t5.network import T5
from qamat_core.tokenizer import Tokenizer, train_sentencepiece
from schemas.model import T5Config
from schemas.qamat import IndexConfig, QamatConfig
from schemas.training import TokenizerConfig
from tests.benchmarks.measure import Row, require

MIB, BATCH = 2**20, 4096
TEXT = "Who founded the town of Number {0} on the river {1}, and in which year was that?"
T5_SHAPE = T5Config(d_model=256, num_heads=2, head_dim=16, d_ff=64, num_encoder_layers=1, num_decoder_layers=1)


def run(*, quick: bool) -> list[Row]:
    """Return the row."""
    sizes = (5_000, 20_000) if quick else (50_000, 100_000, 400_000)
    peaks = {size: _peak_of(size) for size in sizes}
    fewest, most = peaks[sizes[0]], peaks[sizes[-1]]
    said = ", ".join(f"{size:,}: {peak:.0f} MiB" for size, peak in peaks.items())
    held = sizes[-1] * T5_SHAPE.d_model * 2 * 2 / MIB
    note = f"{said}; keys and values of the most take {held:.0f} MiB"
    versions = require("jax", "pyarrow", "numpy")
    return [Row("memory: build index", "MiB", f"{sizes[0]:,} entries", most, fewest, fewest / most, versions, note)]


def _peak_of(entries: int) -> float:
    command = [sys.executable, "-m", "tests.benchmarks.bench_index", str(entries)]
    ended = subprocess.run(command, cwd=Path(__file__).parents[2], check=True, text=True, capture_output=True)
    return float(ended.stdout)


def pairs(count: int) -> Iterator[pa.RecordBatch]:
    """Yield rows of a memory."""
    for start in range(0, count, BATCH):
        rows = range(start, min(start + BATCH, count))
        columns = {"question": [TEXT.format(row, row % 97) for row in rows], "answer": [f"Mr {row}" for row in rows]}
        yield pa.RecordBatch.from_pydict(columns)


def encode(entries: int, directory: Path) -> None:
    """Write the index of so many entries."""
    texts = [TEXT.format(row, row % 97) for row in range(500)]
    tokenizer = Tokenizer(train_sentencepiece(texts, TokenizerConfig(vocab_size=120)))
    config = QamatConfig(t5=fit_vocabulary(T5_SHAPE, tokenizer))
    reader, half = Reader(config, tokenizer.sentinel(0)), IndexConfig(batch_size=1024, dtype="bfloat16")
    tokens = tokenise_entries(pairs(entries), entries, tokenizer, config, directory / "tokens", lambda *_: None)
    encode_entries(reader, init_params(T5(config.t5), 0), tokens, half, directory / "index", lambda *_: None)


class _Meter:
    """Looks at this process's memory without mapped files, in a thread."""

    def __init__(self) -> None:
        self.peak, self._ended = 0.0, threading.Event()
        self._thread = threading.Thread(target=self._look)

    def __enter__(self) -> "_Meter":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    def _look(self) -> None:
        while not self._ended.wait(0.02):
            memory = psutil.Process().memory_info()
            self.peak = max(self.peak, (memory.rss - memory.shared) / MIB)


if __name__ == "__main__":
    with TemporaryDirectory() as folder, _Meter() as meter:
        encode(int(sys.argv[1]), Path(folder))
    sys.stdout.write(f"{meter.peak}\n")
