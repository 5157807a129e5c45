"""Tags: names, such as ``production``, for the version that is in use now. Moving one is a registry row.

A row of kind ``tag`` has the tag's name, a number that counts its moves from 0, and what it names as the input
``target``; its key is made of name and number, so of two processes that make the same move one wins. A tag never
enters the key of an artifact: it is looked up before a job.
"""

import re
from typing import Final

from pydantic import AwareDatetime

from qamat_core.store.fingerprint import digest_json
from qamat_core.store.provenance import flow_run_id, git_commit, pins_digest
from qamat_core.store.registry import ATTEMPTS, Registry, RegistryRow, now
from schemas.artifacts import NAME, ArtifactRef
from schemas.base import Frozen
from schemas.errors import ArtifactError, ConfigError, MissingArtifactError, PromotionError

NOBODY: Final = -1
"""The number before a tag's first move: it names nothing yet."""
_NAME: Final = re.compile(NAME)


class Tag(Frozen):
    """What a tag names since one of its moves."""

    name: str
    number: int
    """Counts the moves of the tag from 0."""
    target: ArtifactRef
    before: int
    """The move that a rollback goes back to; ``NOBODY`` if there is none."""
    why: str
    """What moved it: tag, promote, rollback."""
    verdict: ArtifactRef | None
    """Of the gate that it passed."""
    created: AwareDatetime

    def __str__(self) -> str:
        return f"{self.name} ({self.target})"


def history(registry: Registry, name: str) -> list[Tag]:
    """Return every move of a tag, oldest first."""
    tags = [_tag(row) for row in registry.tags() if row.ref.name == name]
    return sorted(tags, key=lambda tag: tag.number)


def current_tags(registry: Registry) -> dict[str, Tag]:
    """Return what every tag names now, by name."""
    tags = sorted(map(_tag, registry.tags()), key=lambda tag: tag.number)
    return dict(sorted({tag.name: tag for tag in tags}.items()))


def find_tag(registry: Registry, name: str) -> Tag:
    """Return what a tag names now.

    Raises:
        MissingArtifactError: there is no such tag; lists those that there are.
    """
    tags = current_tags(registry)
    if name not in tags:
        raise MissingArtifactError(f"there is no tag {name[:64]!r}; tags: {', '.join(tags) or 'none'}")
    return tags[name]


def move_tag(
    registry: Registry,
    name: str,
    target: ArtifactRef,
    *,
    why: str = "tag",
    expected: int | None = None,
    verdict: ArtifactRef | None = None,
) -> Tag:
    """Let a tag name a registered version; where it does already, nothing is written.

    Args:
        registry: of the home.
        name: of the tag.
        target: what it is to name.
        why: what moves it.
        expected: the number that it has to have still (``NOBODY`` for none); None for whichever.
        verdict: of the gate that the target passed.

    Raises:
        ConfigError: the name is none.
        MissingArtifactError: the target is not registered.
        PromotionError: it does not have the expected number any more.
    """
    if not _NAME.fullmatch(name):
        raise ConfigError(f"tag {name[:80]!r}: 1 to 64 lower-case letters, digits and hyphens, first no hyphen")
    found = registry.by_key(target.key)
    if found is None or found.ref.content != target.content:
        raise MissingArtifactError(f"{target} is not registered here: a tag names what is")
    for _ in range(ATTEMPTS):
        tag = current_tags(registry).get(name)
        number = tag.number if tag else NOBODY
        if expected not in (None, number):
            raise PromotionError(f"{tag or name} was moved by another meanwhile: look at it and run it again")
        if tag and tag.target.key == target.key:
            return tag
        if made := _append(registry, name, number + 1, target, before=number, why=why, verdict=verdict):
            return made
    raise ArtifactError(f"tag {name}: {ATTEMPTS} other moves got in between; run it again")


def roll_back(registry: Registry, name: str) -> Tag:
    """Let a tag name what it named before; a second time, what it named before that.

    Raises:
        MissingArtifactError: there is no such tag, or it never named anything else.
        PromotionError: another moved it meanwhile.
    """
    tag = find_tag(registry, name)
    if tag.before == NOBODY:
        raise MissingArtifactError(f"{tag} has named nothing before: there is nothing to go back to")
    earlier = history(registry, name)[tag.before]
    if registry.by_key(earlier.target.key) is None:
        raise MissingArtifactError(f"{name} named {earlier.target} before, which is registered no more: name another")
    made = _append(
        registry,
        name,
        tag.number + 1,
        earlier.target,
        before=earlier.before,
        why="rollback",
        verdict=earlier.verdict,
    )
    if made is None:
        raise PromotionError(f"{tag} was moved by another meanwhile: look at it and run it again")
    return made


def _append(
    registry: Registry,
    name: str,
    number: int,
    target: ArtifactRef,
    *,
    before: int,
    why: str,
    verdict: ArtifactRef | None,
) -> Tag | None:
    """Make the move of this number; None if another made it first."""
    ref = ArtifactRef(
        kind="tag",
        name=name,
        version=number,
        key=digest_json({"tag": name, "number": number}),
        content=target.content,
        uri="",
    )
    row = RegistryRow(
        ref=ref,
        files=(),
        inputs={"target": target} | ({"verdict": verdict} if verdict else {}),
        config="{}",
        module=__name__,
        git_commit=git_commit(),
        pins=pins_digest(),
        flow_run_id=flow_run_id.get(),
        seconds=0,
        notes={"before": before, "why": why},
        created=now(),
    )
    (registered,) = registry.append([row])
    return _tag(row) if registered.created == row.created and registered.inputs == row.inputs else None


def _tag(row: RegistryRow) -> Tag:
    return Tag(
        name=row.ref.name,
        number=row.ref.version,
        target=row.inputs["target"],
        before=int(row.notes["before"]),
        why=str(row.notes["why"]),
        verdict=row.inputs.get("verdict"),
        created=row.created,
    )
