"""Worker processes run the code that an artifact's key stands for, or are refused.

The process that makes an artifact leaves a note of its code in the work directory, and workers elsewhere compare.
"""

import json
import platform
from functools import cache
from pathlib import Path
from typing import Final

from qamat_core.store.fingerprint import code_of
from schemas.errors import ConfigError

_NOTE: Final = "code.json"


def note_code(module: str, work: Path) -> None:
    """Note which sources and libraries ``module`` has in this process."""
    temporary = work / f".{_NOTE}.tmp"
    temporary.write_text(json.dumps({"module": module, **code_of(module)}))
    temporary.replace(work / _NOTE)


@cache
def check_code(work: Path) -> None:
    """Compare the code of this process with the noted one, once; without a note there is nothing to compare.

    Raises:
        ConfigError: names the first library or module that is another one here.
    """
    if not (work / _NOTE).exists():
        return
    noted = json.loads((work / _NOTE).read_text())
    own = code_of(noted["module"])
    for part in ("libraries", "sources"):
        for name in sorted(noted[part].keys() | own[part].keys()):
            there, here = noted[part].get(name, "missing"), own[part].get(name, "missing")
            if there != here:
                raise ConfigError(
                    f"worker on {platform.node()}: {name} is {here[:12]} here and {there[:12]} where the command runs; "
                    "install the same commit and the same constraints.txt on both"
                )
