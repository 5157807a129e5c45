"""What a weekly regeneration costs after 1 % of the passages changed, and what a kill costs.

10,000 real passages are made into a corpus by `qamat corpus regenerate` with the default preset, its generator trained
on SQuAD; 50,000 imported pairs join the memory. Then 60 passages are edited, 20 are new, 20 gone and 20 under another
title: 100 are to be asked about. The same command runs again, in a process of its own as a schedule would run it, so
that its start and its model are paid again; compiled programs are those that the first run left in the home. At last
everything is made from nothing under another name: the contents must be equal. That run is killed (SIGKILL) when half
of the generation's batches are there, and run again.

Processor seconds are the command's own, not those of Prefect's server. The ratio says how many times less ours is.
"""

from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

from qamat_core.store.registry import RegistryRow
from qamat_core.store.store import Store
from schemas.artifacts import Kind
from tests.benchmarks import real_text
from tests.benchmarks.corpus_home import PRESET, prepare, regenerate
from tests.benchmarks.measure import Row, require
from tests.benchmarks.real_text import Document
from tests.benchmarks.watch import Watched, watch

STEPS: Mapping[str, Kind] = {
    "extract answers": "answers",
    "generate questions": "questions",
    "filter questions": "verdicts",
}
"""Steps that ask the model, and the tables that they make."""
TABLES: tuple[Kind, ...] = (*STEPS.values(), "qa_pairs", "duplicates", "negatives", "pretrain_examples")
BLOCK = 500
"""In each block of so many passages three are edited, one gets another title, one goes; one is new."""

Made = Mapping[Kind, RegistryRow]


def run(*, quick: bool) -> list[Row]:
    """Measure an incremental run against the first one, and a run after a kill against a whole one."""
    passages = BLOCK if quick else 20 * BLOCK
    with TemporaryDirectory(prefix="qamat-bench-") as folder:
        home = Path(folder)
        prepare(home, PRESET, quick=quick)
        before, after = home / "before.tsv", home / "after.tsv"
        given = real_text.documents(passages + passages // BLOCK)
        real_text.write_passages(dict(enumerate(given[:passages])), before)
        real_text.write_passages(_changed(given, passages), after)
        first, then = watch(regenerate(home, before, "weekly")), _made(home, "weekly")
        again, now = watch(regenerate(home, after, "weekly")), _made(home, "weekly")
        kill = _kill_and_resume(home, after, "full", then, now)
    return [*_costs(first, again, passages), *_counts(then, now), kill]


def _changed(given: list[Document], passages: int) -> dict[int, Document]:
    """Return the passages of the week after, by id."""
    kept = dict(enumerate(given))
    for start in range(0, passages, BLOCK):
        for place in (start, start + 90, start + 210):
            kept[place] = kept[place]._replace(text=f"It is said that {kept[place].text}")
        kept[start + 333] = kept[start + 333]._replace(title=f"The {kept[start + 333].title}")
        del kept[start + 400]
    return kept


def _made(home: Path, name: str) -> Made:
    registry = Store(home).registry
    return {kind: registry.newest(kind, name) for kind in TABLES}


def _costs(first: Watched, again: Watched, passages: int) -> list[Row]:
    size = f"{passages:,} passages, 1 % changed; equal to a run from nothing in content"
    each = "; ".join(f"{step} {first.cpu_of(step):.1f} and {again.cpu_of(step):.2f}" for step in STEPS)
    start = (
        f"with imports and ingestion ({first.cpu_of('ingest passages'):.1f} and {again.cpu_of('ingest passages'):.1f})"
    )
    parts = {
        "extraction, generation, filter": (tuple(STEPS), f"{size}; first and again: {each}"),
        "memory": (("build memory",), "deduplication; the first run has nothing to compare with"),
        "negatives": (("mine negatives",), "mined again in full"),
    }
    rows = [
        _row(f"1 % changed: {name}", "CPU s", "first run", again.cpu_of(*steps), first.cpu_of(*steps), note)
        for name, (steps, note) in parts.items()
    ]
    return [*rows, _row("1 % changed: the whole command", "CPU s", "first run", again.cpu, first.cpu, start)]


def _counts(then: Made, now: Made) -> list[Row]:
    """Return rows of what the model was asked and of what was deduplicated anew."""
    asked, calls = ((_sum(now, note), _sum(then, note)) for note in ("asked", "model_calls"))
    touched, keys = (int(now["qa_pairs"].notes[note]) for note in ("keys_touched", "keys"))
    each = "; ".join(f"{kind} {then[kind].notes['asked']} and {now[kind].notes['asked']}" for kind in STEPS.values())
    return [
        _row("1 % changed: records asked about", "records", "first run", *asked, f"first and again: {each}"),
        _row("1 % changed: batches", "model calls", "first run", *calls, "the last batch of each stage is not full"),
        _row("1 % changed: keys deduplicated", "keys", "all keys", touched, keys, "normalised questions"),
    ]


def _sum(made: Made, note: str) -> int:
    return sum(int(made[kind].notes[note]) for kind in STEPS.values())


def _kill_and_resume(home: Path, passages: Path, name: str, then: Made, now: Made) -> Row:
    """Make everything from nothing with a kill at half of the generation; the contents must be those of ``now``.

    ``then`` tells about how many batches there will be.
    """
    half = -(-int(then["questions"].notes["model_calls"]) // 2)
    command = regenerate(home, passages, name)

    def at_half(watched: Watched) -> bool:
        return "extract answers" in watched.steps and _answered(home) >= half

    watch(command, kill_when=at_half)
    before = _answered(home)
    watch(command)
    made = _made(home, name)
    unlike = [kind for kind in TABLES if made[kind].ref.content != now[kind].ref.content]
    assert not unlike, f"unlike the incremental run: {unlike}"
    whole = int(made["questions"].notes["model_calls"])
    note = f"killed with {before} of {whole} batches of the generation there; equal to the incremental run in content"
    return _row("killed at half: batches of the second run", "model calls", "a whole run", whole - before, whole, note)


def _answered(home: Path) -> int:
    """Return how many batches of the job that is under way are there."""
    return sum(1 for _ in home.glob("work/*/results/*/*.parquet"))


def _row(measure: str, unit: str, peer: str, ours: float, theirs: float, note: str) -> Row:
    return Row(measure, unit, peer, ours, theirs, theirs / (ours or 1), require("jax", "apache-beam", "prefect"), note)
