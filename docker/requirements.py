"""Prints what pyproject.toml depends on, one line a package, or the part of it that an image needs.

    requirements.py                             all
    requirements.py --accelerator gpu           and what JAX needs for that: an extra of pyproject.toml
    requirements.py --without prefect typer     all but these
    requirements.py --only prefect sqlalchemy   these alone

pip can add to a project's dependencies, by extras, but leave none out.
"""

import argparse
import re
import sys
import tomllib
from pathlib import Path

ACCELERATORS = ("cpu", "gpu", "tpu")


def main() -> None:
    """Print the lines."""
    parser = argparse.ArgumentParser(description="What pyproject.toml of this directory depends on, or a part of it.")
    parser.add_argument("--accelerator", choices=ACCELERATORS, default="cpu")
    part = parser.add_mutually_exclusive_group()
    part.add_argument("--without", nargs="+", default=[], metavar="NAME")
    part.add_argument("--only", nargs="+", default=[], metavar="NAME")
    given = parser.parse_args()
    project = tomllib.loads(Path("pyproject.toml").read_text())["project"]
    lines = {_name(line): line for line in project["dependencies"]}
    if unknown := sorted({*given.without, *given.only} - lines.keys()):
        parser.error(f"pyproject.toml does not depend on {', '.join(unknown)}")
    kept = given.only or [name for name in lines if name not in given.without]
    extra = [] if given.accelerator == "cpu" else project["optional-dependencies"][given.accelerator]
    sys.stdout.writelines(f"{line}\n" for line in [*(lines[name] for name in kept), *extra])


def _name(line: str) -> str:
    return re.split(r"[^A-Za-z0-9._-]", line, maxsplit=1)[0].lower()


if __name__ == "__main__":
    main()
