"""What every source of raw captures offers, and the prefetching that all of them share.

Reading one kind of capture is its own module's business; which kinds exist is ``catalog.py``'s.
"""

from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Protocol

from schema.records import Cloud, DroppedFrame, FrameTable, View


class Capture(Protocol):
    """One scene, opened: its frames are known and checked, their images are read when asked for."""

    @property
    def scene_id(self) -> str:
        """The scene's name in the store."""
        ...

    @property
    def frames(self) -> FrameTable:
        """The usable frames, in the order of the capture."""
        ...

    @property
    def dropped(self) -> tuple[DroppedFrame, ...]:
        """Frames that are not used, each with the reason."""
        ...

    def geometry(self) -> Cloud | None:
        """The scene's surface, points in Morton order; None where it is to be made from the depths.

        A capture with geometry has no frames of its own.
        """
        ...

    def view(self, index: int) -> View:
        """Read (or render) the frame at a position of ``frames``; the same to the bit each time.

        Raises:
            InputError: an image is missing, damaged or of the wrong size; names the file.
        """
        ...

    def views(self) -> Iterator[View]:
        """All frames in order, the next one being read while the caller works on the current one."""
        ...


class Source(Protocol):
    """A set of captures, as one configuration describes it."""

    def scene_ids(self) -> list[str]:
        """Names of the scenes, in a fixed order; unique."""
        ...

    def identity(self, scene_id: str) -> Mapping[str, Any]:
        """What tells this scene's raw data from any other, as JSON values; cheap, reads no pixels.

        Does not depend on where the data lies.
        """
        ...

    def open(self, scene_id: str) -> Capture:
        """Check the scene and open it.

        Raises:
            InputError: the scene cannot be used; names the file and the remedy.
        """
        ...


def prefetched(load: Callable[[int], View], count: int) -> Iterator[View]:
    """Yield ``load(0) .. load(count - 1)``; one thread loads the next item, never more than one ahead.

    An exception of ``load`` is raised at the item it belongs to. Closing the iterator early waits for the
    item under way and leaves no thread behind.
    """
    with ThreadPoolExecutor(max_workers=1, thread_name_prefix="read-view") as pool:
        pending = pool.submit(load, 0) if count else None
        for index in range(count):
            assert pending is not None
            view = pending.result()
            pending = pool.submit(load, index + 1) if index + 1 < count else None
            yield view
