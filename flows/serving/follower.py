"""Following a tag: when it is moved, the new bundle is opened and warmed beside the old one, then takes its place.

A bundle that cannot be opened leaves the old one where it is; it is tried again, less and less often, until it can be
opened or the tag is moved on.
"""

import asyncio
import logging
from collections.abc import Callable, Sequence
from threading import Event, Thread
from typing import Final

from flows.asking import BATCH_SIZES, find_bundle, open_bundle
from flows.lookup import open_home
from flows.serving.current import Current
from schemas.artifacts import ArtifactRef
from schemas.base import Frozen
from schemas.errors import QamatError
from tasks.answering import Engine

_LOG: Final = logging.getLogger("qamat.serving")
_LONGEST_PAUSE: Final = 300.0


class Following(Frozen):
    """Which tag is followed, and how that goes."""

    tag: str
    bundle: str
    """What answers."""
    opening: str | None = None
    """What is being opened to take its place."""
    refused: str | None = None
    """What the tag names, but cannot be opened: the log says why."""
    lost: bool = False
    """Whether the tag could not be looked up lately."""


class Follower:
    """Looks at a tag now and then, in a thread of its own."""

    def __init__(
        self,
        tag: str,
        bundle: ArtifactRef,
        find: Callable[[], ArtifactRef],
        open_bundle: Callable[[ArtifactRef], Engine],
        seconds: float = 5.0,
    ) -> None:
        """Follow a tag.

        Args:
            tag: its name.
            bundle: what answers already.
            find: returns the bundle that the tag names now.
            open_bundle: opens and warms one.
            seconds: between two looks.
        """
        self.state = Following(tag=tag, bundle=str(bundle))
        self._serves, self._find, self._open, self._seconds = bundle, find, open_bundle, seconds
        self._refused: ArtifactRef | None = None
        self._pause = self._seconds
        self._ended = Event()

    def start(self, current: Current) -> None:
        """Begin to look; called on the event loop that answers."""
        self._current, self._loop = current, asyncio.get_running_loop()
        self._thread = Thread(target=self._work, name="follower", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End; what is being opened is left behind."""
        self._ended.set()

    def _work(self) -> None:
        while not self._ended.wait(self._pause):
            self._look()

    def _look(self) -> None:
        try:
            bundle = self._find()
        except Exception as error:
            self._fail(f"the tag {self.state.tag} cannot be looked up", error, lost=True)
            return
        if bundle.key == self._serves.key:
            self._settle(self._serves)
            return
        if bundle != self._refused:
            _LOG.warning("%s names %s now: it is opened beside %s", self.state.tag, bundle, self._serves)
        self.state = self.state.model_copy(update={"opening": str(bundle), "lost": False})
        try:
            engine = self._open(bundle)
        except Exception as error:
            self._fail(f"{bundle} cannot be opened, {self._serves} goes on answering", error, refused=bundle)
            return
        if not self._ended.is_set():
            self._take(engine, bundle)

    def _take(self, engine: Engine, bundle: ArtifactRef) -> None:
        before, self._serves = self._serves, bundle
        asyncio.run_coroutine_threadsafe(self._current.swap(engine), self._loop).result()
        self._settle(bundle)
        _LOG.warning("%s answers in the place of %s", bundle, before)

    def _settle(self, bundle: ArtifactRef) -> None:
        self._refused, self._pause = None, self._seconds
        self.state = Following(tag=self.state.tag, bundle=str(bundle))

    def _fail(self, what: str, error: Exception, *, refused: ArtifactRef | None = None, lost: bool = False) -> None:
        """Tell of a fault when it is new, and try again later."""
        again = (refused is not None and refused == self._refused) or (lost and self.state.lost)
        if not again:
            known = isinstance(error, QamatError)
            _LOG.warning("%s: %s", what, error, exc_info=None if known else error)
        self._refused = refused or self._refused
        self._pause = min(2 * self._pause, _LONGEST_PAUSE) if again else self._seconds
        told = str(refused) if refused else self.state.refused
        self.state = self.state.model_copy(update={"opening": None, "refused": told, "lost": lost})


def follow(
    home: str,
    tag: str,
    *,
    top_k: int | None = None,
    min_confidence: float = 0.0,
    batch_sizes: Sequence[int] = BATCH_SIZES,
    seconds: float = 5.0,
) -> tuple[Engine, Follower]:
    """Open and warm the bundle that a tag names; return it with what follows the tag.

    Raises:
        MissingArtifactError: there is no such tag, or a part of the bundle is registered no more.
        IncompatibleArtifactError: the tag names something else.
        CorruptArtifactError: a file of the bundle is damaged.
    """
    store = open_home(home)

    def opened(bundle: ArtifactRef) -> Engine:
        engine = open_bundle(home, bundle, top_k=top_k, min_confidence=min_confidence, batch_sizes=batch_sizes)
        engine.warm()
        return engine

    bundle = find_bundle(store, tag)
    return opened(bundle), Follower(tag, bundle, lambda: find_bundle(store, tag), opened, seconds)
