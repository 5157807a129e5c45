"""Reads docker/Dockerfile as far as the tests need it: stages, what each one copies, runs and starts."""

import json
import re
import shlex
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

PROJECT = Path(__file__).parents[2]
TARGETS = ("trainer", "worker", "server", "serving", "harness", "harness-pool")
"""The images that are published."""


@dataclass
class Stage:
    """A stage; ``parent`` is the stage that it starts from, else None and ``image`` names what it starts from."""

    name: str
    image: str
    parent: "Stage | None"
    steps: list[tuple[str, str]] = field(default_factory=list[Any])
    """Instructions with what follows them, in their order."""

    def all_steps(self) -> list[tuple[str, str]]:
        """Return the steps of the stages that this one starts from, and its own."""
        return (self.parent.all_steps() if self.parent else []) + self.steps

    def copies(self) -> list[tuple[str | None, list[str], str]]:
        """Return the own COPY steps: the stage that is copied from (None: the project), sources, destination."""
        return [copy_step(rest) for name, rest in self.steps if name == "COPY"]

    def files(self) -> set[str]:
        """Return where its COPY steps put single files, and those of the stages that it starts from."""
        found = self.parent.files() if self.parent else set[str]()
        for _, paths, to in self.copies():
            found |= {to + Path(path).name for path in paths} if to.endswith("/") else {to}
        return found

    def last(self, name: str) -> str:
        """Return what follows the last instruction of a name; empty without one."""
        return next((rest for found, rest in reversed(self.all_steps()) if found == name), "")

    def starts(self) -> list[str]:
        """Return the command that a container runs."""
        parts: dict[str, list[str]] = {"ENTRYPOINT": [], "CMD": []}
        for name, rest in self.all_steps():
            if name in parts:
                parts[name] = json.loads(rest)
                if name == "ENTRYPOINT":
                    parts["CMD"] = []
        return parts["ENTRYPOINT"] + parts["CMD"]


def stages() -> dict[str, Stage]:
    """Return the stages of docker/Dockerfile by their names."""
    text = re.sub(r"^\s*#.*\n", "", (PROJECT / "docker" / "Dockerfile").read_text(), flags=re.MULTILINE)
    found: dict[str, Stage] = {}
    arguments: dict[str, str] = {}
    for line in filter(None, map(str.strip, re.sub(r"\\\n\s*", "", text).splitlines())):
        name, rest = line.split(maxsplit=1)
        if name == "FROM":
            image, _, stage = rest.split()
            image = re.sub(r"\$\{(\w+)\}", lambda match: arguments[match[1]], image)
            found[stage] = Stage(stage, image, found.get(image))
        elif found:
            found[next(reversed(found))].steps.append((name, rest))
        else:
            arguments.update([rest.split("=", maxsplit=1)])
    return found


def copy_step(rest: str) -> tuple[str | None, list[str], str]:
    """Return what a COPY step says: the stage that is copied from (None: the project), sources, destination."""
    words = shlex.split(rest)
    source = words.pop(0).removeprefix("--from=") if words[0].startswith("--from=") else None
    return source, words[:-1], words[-1]
