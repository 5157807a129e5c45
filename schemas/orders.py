"""What a flow is asked to do: the parameters of deployments and of the command line."""

from pydantic import Field

from schemas.artifacts import Name
from schemas.base import Frozen
from schemas.presets import PresetName


class RegenerateCorpus(Frozen):
    """Make a memory of passages anew: of the embedded world corpus, or of files."""

    preset: PresetName = "mini"
    name: Name = "world"
    """Names every artifact of the corpus."""
    passages: tuple[str, ...] = ()
    """Files of passages (DPR TSV, JSONL, SQuAD JSON; .gz too); none for the embedded world corpus."""
    squad: str | None = None
    """A SQuAD JSON that generators are trained on; None for the annotations that stand in ``passages``."""
    home: str = "qamat-home"
    workers: int = Field(default=2, ge=1)
    """Worker threads of the Beam jobs."""
