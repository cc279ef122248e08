"""What a summary says beside its figures, and the exit code it leads to."""

from schema.records import StageRef
from schema.summary import RunSummary, StageFailure, run_notes


def reference(unit: str, **counts: int) -> StageRef:
    return StageRef(unit, "ingest", "0" * 64, "computed", 1.0, counts)


def test_dropped_frames_are_said() -> None:
    references = [reference("a", frames=9, dropped_frames=2), reference("b", frames=9, dropped_frames=0)]
    assert run_notes(references) == ("a: 2 frames dropped, 9 used",)
    assert run_notes(references[1:]) == ()


def test_exit_codes() -> None:
    def code(*causes: str) -> int:
        failures = tuple(StageFailure("a", "ingest", "x", cause) for cause in causes)
        return RunSummary("r", "now", 1.0, (), failures, None, "page").exit_code()

    assert code() == 0
    assert code("user", "upstream") == 2
    assert code("user", "internal") == 1
