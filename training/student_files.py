"""The files that make up a finished student; writing each is left to the modules named here."""

import os
import shutil
from pathlib import Path

from storage.layout import STUDENT_FILE, STUDENT_JSON
from training.metrics_log import METRICS_FILE


def training_folder(unit: Path) -> Path:
    """Where a student's training keeps its checkpoint and log; made if it is not there."""
    folder = unit / "training"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def stage_student(folder: Path, target: Path) -> list[Path]:
    """Bring a finished student from the folder it was trained in to one from which it is committed.

    The log is copied, for the next training goes on writing into it; the others are only ever replaced as
    whole files, so a link is enough where the file system has links.

    Args:
        folder: what ``distill`` wrote into.
        target: existing, empty folder.

    Returns:
        Weights, their description and the log of the training, in ``target``.
    """
    for name in (STUDENT_FILE, STUDENT_JSON):
        try:
            os.link(folder / name, target / name)
        except OSError:
            shutil.copy2(folder / name, target / name)
    shutil.copy2(folder / METRICS_FILE, target / METRICS_FILE)
    return [target / name for name in (STUDENT_FILE, STUDENT_JSON, METRICS_FILE)]
