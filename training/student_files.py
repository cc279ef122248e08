"""The files that make up a finished student; writing each is left to the modules named here."""

from pathlib import Path

from training.checkpoint import STUDENT_FILE, STUDENT_JSON
from training.metrics_log import METRICS_FILE


def student_files(folder: Path) -> list[Path]:
    """Weights, their description and the log of the training."""
    return [folder / name for name in (STUDENT_FILE, STUDENT_JSON, METRICS_FILE)]
