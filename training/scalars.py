"""TensorBoard scalars of a training: ``tensorboard --logdir`` on the student's training folder shows them.

The log that the project itself reads is ``metrics_log``'s.
"""

import shutil
from pathlib import Path
from typing import Self

from torch.utils.tensorboard import SummaryWriter

TENSORBOARD_FOLDER = "tensorboard"
FLUSH_S = 10


class Scalars:
    """Event files; use as a context manager.

    Args:
        folder: of the training.
        first_step: the step that comes next; what an earlier run wrote from it on is hidden by TensorBoard.
    """

    def __init__(self, folder: Path, first_step: int) -> None:
        place = folder / TENSORBOARD_FOLDER
        if first_step == 0:
            shutil.rmtree(place, ignore_errors=True)
        self._writer = SummaryWriter(str(place), purge_step=first_step, flush_secs=FLUSH_S)

    def add(self, step: int, **values: float) -> None:
        """Write one value a name."""
        for name, value in values.items():
            self._writer.add_scalar(name.replace("_", "/", 1), value, step)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._writer.close()
