"""Progress on a terminal and in a log."""

import io

import pytest
from rich.console import Console

from flows import console
from flows.console import RichProgress
from schema.progress import show_progress_on, track


def show(monkeypatch: pytest.MonkeyPatch, *, terminal: bool) -> str:
    printed = io.StringIO()
    monkeypatch.setattr(
        console, "error_console", Console(file=printed, force_terminal=terminal, width=100, highlight=False)
    )
    with RichProgress() as progress:
        show_progress_on(progress)
        for _ in track(range(3), "lift [bold]room[/]"):
            progress._progress.refresh()
        show_progress_on(None)
    return printed.getvalue()


def test_a_terminal_shows_a_bar_with_counts_and_the_time_left(monkeypatch: pytest.MonkeyPatch) -> None:
    shown = show(monkeypatch, terminal=True)
    assert "2/3" in shown
    assert "━" in shown
    assert "--:--" in shown or "00:0" in shown


def test_a_log_gets_one_line_a_loop(monkeypatch: pytest.MonkeyPatch) -> None:
    lines = show(monkeypatch, terminal=False).splitlines()
    assert len(lines) == 1
    assert lines[0].startswith("lift [bold]room[/]: ")
    assert lines[0].endswith(" s")
