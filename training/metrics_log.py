"""metrics.jsonl: one line of numbers per training step, never two for the same step, and one per validation.

What is measured is ``distill``'s business.
"""

import json
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Self

from storage.disk import write_atomically

METRICS_FILE = "metrics.jsonl"
TAIL_BYTES = 4096


class MetricsLog:
    """Appends lines; use as a context manager.

    Args:
        folder: where ``metrics.jsonl`` is.
        first_step: the step that comes next; lines from it on (written after the state a training resumes
            from) and a torn last line are dropped.
    """

    def __init__(self, folder: Path, first_step: int) -> None:
        self._path = folder / METRICS_FILE
        kept = [line for line in read_metrics(folder) if line["step"] < first_step]
        write_atomically(self._path, "".join(_line(values) for values in kept).encode())
        self._file = self._path.open("a", encoding="utf-8")

    def add(self, **values: int | float | str) -> None:
        """Write one line."""
        self._file.write(_line(values))
        self._file.flush()

    def sync(self) -> None:
        """Make all lines so far survive a power failure, as the state written next will."""
        os.fsync(self._file.fileno())

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.flush()
        self.sync()
        self._file.close()


def _line(values: dict[str, Any]) -> str:
    return json.dumps(values) + "\n"


def step_lines(lines: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """The lines of steps, without those of validations."""
    return [line for line in lines if "kind" not in line]


def last_step(folder: Path) -> dict[str, Any] | None:
    """The line of the last step that is among the log's last few lines; reads no more than these."""
    path = folder / METRICS_FILE
    if not path.exists():
        return None
    with path.open("rb") as file:
        file.seek(max(path.stat().st_size - TAIL_BYTES, 0))
        tail = file.read().decode(errors="replace").splitlines()
    for text in reversed(tail):
        try:
            values = json.loads(text)
        except ValueError:
            continue
        if isinstance(values, dict) and isinstance(values.get("step"), int) and "kind" not in values:
            return values
    return None


def read_metrics(folder: Path) -> list[dict[str, Any]]:
    """All whole lines; a torn one ends the list."""
    path = folder / METRICS_FILE
    lines: list[dict[str, Any]] = []
    if not path.exists():
        return lines
    for text in path.read_text(encoding="utf-8", errors="replace").splitlines():
        try:
            values = json.loads(text)
        except ValueError:
            break
        if not isinstance(values, dict) or not isinstance(values.get("step"), int):
            break
        lines.append(values)
    return lines
