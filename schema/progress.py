"""Progress of long work: loops say how far they are, whoever runs the process decides what is shown.

Like logging, the sink is process-wide: code below the command line never knows who listens. Without a
sink, tracking costs one call per item and shows nothing.
"""

from collections.abc import Iterable, Iterator, Sized
from typing import Protocol, TypeVar

T = TypeVar("T")


class ProgressSink(Protocol):
    """Where progress is shown."""

    def start(self, label: str, total: int | None) -> int:
        """Open a line and return its handle."""
        ...

    def advance(self, handle: int, done: int, note: str = "") -> None:
        """Say that ``done`` items are finished in all; ``note`` is a short text beside the bar."""
        ...

    def finish(self, handle: int) -> None:
        """Close the line."""
        ...


class _Silent:
    def start(self, label: str, total: int | None) -> int:
        return 0

    def advance(self, handle: int, done: int, note: str = "") -> None:
        return None

    def finish(self, handle: int) -> None:
        return None


_sinks: list[ProgressSink] = [_Silent()]


def show_progress_on(sink: ProgressSink | None) -> None:
    """Send all progress of this process to ``sink``; None silences it."""
    _sinks[0] = sink if sink is not None else _Silent()


class Tracker:
    """A line of progress for loops whose count is not a plain iteration; use as a context manager."""

    def __init__(self, label: str, total: int | None) -> None:
        self._sink = _sinks[0]
        self._handle = self._sink.start(label, total)
        self._done = 0

    def advance(self, amount: int = 1, note: str = "") -> None:
        """Say that ``amount`` more items are finished."""
        self._done += amount
        self._sink.advance(self._handle, self._done, note)

    def __enter__(self) -> "Tracker":
        return self

    def __exit__(self, *_: object) -> None:
        self._sink.finish(self._handle)


def track(items: Iterable[T], label: str, total: int | None = None) -> Iterator[T]:
    """Yield ``items`` while showing how many are done; ``total`` defaults to ``len(items)``."""
    if total is None and isinstance(items, Sized):
        total = len(items)
    with Tracker(label, total) as tracker:
        for item in items:
            yield item
            tracker.advance()
