"""Progress of loops: counted, closed when a loop ends early, and kept from one sink to the next."""

from collections.abc import Iterator

import pytest

from schema.progress import Tracker, show_progress_on, track


class Recorder:
    def __init__(self) -> None:
        self.said: list[tuple[object, ...]] = []

    def start(self, label: str, total: int | None) -> int:
        self.said.append(("start", label, total))
        return 7

    def advance(self, handle: int, done: int, note: str = "") -> None:
        self.said.append(("advance", handle, done, note))

    def finish(self, handle: int) -> None:
        self.said.append(("finish", handle))


@pytest.fixture
def recorder() -> Iterator[Recorder]:
    recorder = Recorder()
    show_progress_on(recorder)
    yield recorder
    show_progress_on(None)


def test_a_loop_says_how_far_it_is(recorder: Recorder) -> None:
    assert list(track("ab", "letters")) == ["a", "b"]
    assert recorder.said == [
        ("start", "letters", 2),
        ("advance", 7, 1, ""),
        ("advance", 7, 2, ""),
        ("finish", 7),
    ]


def test_a_generator_has_no_total_unless_told(recorder: Recorder) -> None:
    list(track((i for i in range(2)), "a"))
    list(track((i for i in range(2)), "b", 2))
    assert [said[1:] for said in recorder.said if said[0] == "start"] == [("a", None), ("b", 2)]


def test_a_loop_that_breaks_closes_its_line(recorder: Recorder) -> None:
    def fail() -> None:
        with Tracker("steps", 5) as tracker:
            tracker.advance(2, "loss 0.5")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert recorder.said[1:] == [("advance", 7, 2, "loss 0.5"), ("finish", 7)]


def test_nobody_need_listen(recorder: Recorder) -> None:
    show_progress_on(None)
    assert list(track([1], "silent")) == [1]
    assert recorder.said == []
