"""What a person sees in the terminal: progress with the time left, tables, or JSON for programs."""

import json
import sys
import time
from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn
from rich.table import Table

_PIPE_WIDTH = 160  # columns of a table that goes into a file or another program

console = Console(highlight=False, width=None if sys.stdout.isatty() else _PIPE_WIDTH)
error_console = Console(stderr=True, highlight=False)


class RichProgress:
    """A progress sink on standard error: a bar with the time left for each loop, or plain lines in a log."""

    def __init__(self) -> None:
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(bar_width=30),
            MofNCompleteColumn(),
            TimeRemainingColumn(compact=True),
            TextColumn("{task.fields[note]}", style="dim"),
            console=error_console,
            transient=True,
            disable=not error_console.is_terminal,
        )
        self._begun: dict[int, tuple[str, float]] = {}

    def __enter__(self) -> "RichProgress":
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    def start(self, label: str, total: int | None) -> int:
        """Open a bar."""
        handle = int(self._progress.add_task(label, total=total, note=""))
        self._begun[handle] = (label, time.monotonic())
        return handle

    def advance(self, handle: int, done: int, note: str = "") -> None:
        """Move a bar."""
        self._progress.update(TaskID(handle), completed=done, note=note)

    def finish(self, handle: int) -> None:
        """Take a bar away; where there are no bars, say that it is done and how long it took."""
        self._progress.remove_task(TaskID(handle))
        label, since_s = self._begun.pop(handle)
        if not error_console.is_terminal:
            error_console.print(f"{label}: {time.monotonic() - since_s:.1f} s", markup=False)


def print_json(value: Any) -> None:
    """One JSON document on standard output."""
    sys.stdout.write(json.dumps(value, indent=1, allow_nan=False, default=_plain) + "\n")


def print_table(columns: Sequence[str], rows: Sequence[Sequence[Any]], *, title: str | None = None) -> None:
    """A table on standard output; numbers stand right."""
    table = Table(title=title, title_justify="left", header_style="bold")
    for index, column in enumerate(columns):
        numeric = bool(rows) and all(isinstance(row[index], int | float) for row in rows)
        table.add_column(column, justify="right" if numeric else "left", overflow="fold")
    for row in rows:
        table.add_row(*(cell_text(cell) for cell in row))
    console.print(table)


def cell_text(cell: Any) -> str:
    """A cell as text: floats with four digits, missing values as a dash; nothing in it is markup."""
    from rich.markup import escape

    if cell is None:
        return "-"
    return f"{cell:.4g}" if isinstance(cell, float) else escape(str(cell))


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return dict(value)
    if hasattr(value, "tolist"):
        return value.tolist()
    return str(value)
