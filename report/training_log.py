"""The log of a student's training, read back: columns of numbers, and what each stage did in a sentence.

Writing the log is the training's business, drawing it ``report.training``'s.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from jaxtyping import Float

from report.charts import number_text
from report.tables import seconds_text
from storage.unit import Unit

LOG_FILE = "metrics.jsonl"
_STAGE_WORDS = {1: "stage one, distillation", 2: "stage two, self-distillation"}


@dataclass(frozen=True)
class StageFacts:
    """One stage of the training.

    Attributes:
        stage: 1 or 2.
        epochs: passes over the training scenes.
        steps: updates of the weights.
        first_loss: mean loss of the first epoch.
        last_loss: mean loss of the last epoch.
        first_lr: learning rate of the first step.
        last_lr: learning rate of the last step.
        seconds: spent on its steps.
    """

    stage: int
    epochs: int
    steps: int
    first_loss: float
    last_loss: float
    first_lr: float
    last_lr: float
    seconds: float

    def line(self) -> str:
        """All of it in a line for a person."""
        name = _STAGE_WORDS.get(self.stage, f"stage {self.stage}")
        return (
            f"{name}: {_counted(self.epochs, 'epoch')}, {_counted(self.steps, 'step')}, "
            f"{seconds_text(self.seconds)}; mean loss {self.first_loss:.4f} in the first epoch, "
            f"{self.last_loss:.4f} in the last; "
            f"learning rate {number_text(self.first_lr)} to {number_text(self.last_lr)}"
        )


@dataclass(frozen=True)
class TrainingLog:
    """Lines of a log.

    Attributes:
        steps: one a step, ascending.
        validations: one a validation.
    """

    steps: tuple[Mapping[str, Any], ...]
    validations: tuple[Mapping[str, Any], ...]

    def column(self, *keys: str) -> tuple[Float[np.ndarray, "n"], Float[np.ndarray, "n"]]:
        """Steps that have all these keys as numbers, and the keys' sum at each."""
        return _columns(self.steps, keys)

    def validation(self) -> tuple[Float[np.ndarray, "n"], Float[np.ndarray, "n"]]:
        """Steps after which was validated, and the loss."""
        return _columns(self.validations, ("validation_loss",))

    @property
    def boundary(self) -> float | None:
        """Where stage two begins, half a step before its first one; None without it."""
        first = next((line["step"] for line in self.steps if _stage(line) == 2), None)
        return None if first is None else first - 0.5

    @property
    def steps_per_epoch(self) -> int:
        """Steps of the first epoch."""
        return sum(line.get("epoch") == self.steps[0].get("epoch") for line in self.steps)

    def stages(self) -> list[StageFacts]:
        """The stages that have a step, in order."""
        numbers = sorted({_stage(line) for line in self.steps})
        return [_facts(stage, [line for line in self.steps if _stage(line) == stage]) for stage in numbers]

    def validation_line(self) -> str:
        """What was validated, for a person; empty where nothing was."""
        _, losses = self.validation()
        if not len(losses):
            return ""
        lines = [line for line in self.validations if _is_number(line.get("validation_loss"))]
        best = lines[int(np.argmin(losses))]
        return (
            f"validation: distillation loss {losses[0]:.4f} at first, {losses[-1]:.4f} at the end; lowest "
            f"{losses.min():.4f} after epoch {int(best.get('epoch', 0)) + 1} (without labels)"
        )

    def to_json(self) -> dict[str, Any]:
        """The stages' facts and the validation losses, JSON without NaN."""
        stages = [asdict(facts) for facts in self.stages()]
        x, losses = self.validation()
        return {
            "stages": [{key: _json(value) for key, value in facts.items()} for facts in stages],
            "validation": [
                {"step": int(step), "loss": _json(loss)}
                for step, loss in zip(x, losses.tolist(), strict=True)
            ],
        }

    def lines(self) -> list[str]:
        """The whole training, a line for each stage and one for validation."""
        found = [*(facts.line() for facts in self.stages()), self.validation_line()]
        return [line for line in found if line]


def read_training_log(unit: Unit) -> TrainingLog | None:
    """The log that was committed with a student; None where there is no student or no step in its log."""
    entry = unit.entry("distill")
    if entry is None or LOG_FILE not in entry.files:
        return None
    return parse_log(unit.file("distill", LOG_FILE).read_text("utf-8", errors="replace"))


def parse_log(text: str) -> TrainingLog | None:
    """A log from its text, one JSON object a line; what is no such line is passed over."""
    lines = [line for row in text.splitlines() if (line := _parsed(row)) is not None]
    steps = tuple(line for line in lines if "kind" not in line)
    if not steps:
        return None
    return TrainingLog(steps, tuple(line for line in lines if line.get("kind") == "validation"))


def _parsed(text: str) -> dict[str, Any] | None:
    try:
        line = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return line if isinstance(line, dict) and _is_number(line.get("step")) else None


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _columns(
    lines: Sequence[Mapping[str, Any]], keys: Sequence[str]
) -> tuple[Float[np.ndarray, "n"], Float[np.ndarray, "n"]]:
    used = [line for line in lines if all(_is_number(line.get(key)) for key in keys)]
    x = np.array([line["step"] for line in used], dtype=np.float64)
    return x, np.array([sum(line[key] for key in keys) for line in used], dtype=np.float64)


def _json(value: float) -> float | None:
    return value if np.isfinite(value) else None


def _stage(line: Mapping[str, Any]) -> int:
    """Logs from before there were two stages know one."""
    return int(line["stage"]) if _is_number(line.get("stage")) else 1


def _facts(stage: int, lines: Sequence[Mapping[str, Any]]) -> StageFacts:
    epochs = list(dict.fromkeys(line.get("epoch") for line in lines))
    rates = [float(line["lr"]) for line in lines if _is_number(line.get("lr"))] or [float("nan")]
    return StageFacts(
        stage=stage,
        epochs=len(epochs),
        steps=len(lines),
        first_loss=_mean_loss(lines, epochs[0]),
        last_loss=_mean_loss(lines, epochs[-1]),
        first_lr=rates[0],
        last_lr=rates[-1],
        seconds=float(sum(line["seconds"] for line in lines if _is_number(line.get("seconds")))),
    )


def _mean_loss(lines: Sequence[Mapping[str, Any]], epoch: object) -> float:
    losses = [line["loss"] for line in lines if line.get("epoch") == epoch and _is_number(line.get("loss"))]
    return float(np.mean(losses)) if losses else float("nan")


def _counted(number: int, word: str) -> str:
    return f"{number:,}".replace(",", " ") + f" {word}{'' if number == 1 else 's'}"
