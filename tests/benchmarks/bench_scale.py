"""Whether memory stays flat in the number of passages: 5,000, 10,000 and 20,000 real ones, each in its own process.

`qamat corpus regenerate` makes a corpus of each with a generator of toy's shape trained on SQuAD, 50,000 pairs join
the memory. The figure of a step is the greatest resident memory of the command's process while the step ran (mapped
files and Prefect included, Prefect's server not). Each row compares most with fewest passages: a ratio of 1 is flat.
"""

from pathlib import Path
from tempfile import TemporaryDirectory

from tests.benchmarks import real_text
from tests.benchmarks.corpus_home import prepare, regenerate
from tests.benchmarks.measure import Row, require
from tests.benchmarks.watch import Watched, watch

MODEL = "toy"
"""Its generator is the smallest."""
KIB = 1024


def run(*, quick: bool) -> list[Row]:
    """Return a row for each step."""
    sizes = (100, 200, 400) if quick else (5_000, 10_000, 20_000)
    with TemporaryDirectory(prefix="qamat-bench-") as folder:
        home = Path(folder)
        prepare(home, MODEL, quick=quick)
        made = {size: _make(home, size) for size in sizes}
    return [_row(step, made) for step in made[sizes[0]].steps]


def _make(home: Path, passages: int) -> Watched:
    file = home / f"{passages}.tsv"
    real_text.write_passages(dict(enumerate(real_text.documents(passages))), file)
    return watch(regenerate(home, file, f"of-{passages}"))


def _row(step: str, made: dict[int, Watched]) -> Row:
    sizes = list(made)
    fewest, most = made[sizes[0]].steps[step], made[sizes[-1]].steps[step]
    growth = (most.own - fewest.own) * KIB / (sizes[-1] - sizes[0])
    peaks = ", ".join(f"{made[size].steps[step].peak:.0f}" for size in sizes)
    own = ", ".join(f"{made[size].steps[step].own:.0f}" for size in sizes)
    note = (
        f"peak with {', '.join(f'{size:,}' for size in sizes)} passages: {peaks} MiB; without mapped files {own} MiB: "
        f"{growth:+.2f} KiB a passage"
    )
    versions = require("jax", "apache-beam", "pyarrow", "prefect")
    peer = f"{sizes[0]:,} passages"
    return Row(f"memory: {step}", "MiB", peer, most.peak, fewest.peak, fewest.peak / most.peak, versions, note)
