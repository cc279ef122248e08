"""One process of a training: ``torchrun ... -m training.worker ORDER.json``.

Orders are written by ``launch``, which also starts the processes of one machine; on several machines
torchrun is called by hand, or by the cluster's scheduler, with the same order on each.
"""

import logging
import os
import sys
import threading
from pathlib import Path

from schema.config import PipelineConfig
from schema.errors import ConfigError, Teach3dError
from storage.disk import read_json, write_json
from training.from_store import TrainingOrder, train_from_store
from training.launch import ERROR_FILE, LEAVE_WITH_PARENT, told_error
from training.parallel import leave_world


def read_order(path: Path) -> TrainingOrder:
    """The order in a file.

    Raises:
        ConfigError: it is none.
    """
    values = read_json(path)
    if not isinstance(values, dict) or not {"config", "train", "validate", "fingerprint"} <= values.keys():
        raise ConfigError("is not a training order", file=path, remedy="run the recipe again")
    return TrainingOrder(
        config=PipelineConfig.model_validate(values["config"]),
        train=tuple(values["train"]),
        validate=tuple(values["validate"]),
        folder=path.parent,
        fingerprint=str(values["fingerprint"]),
    )


def main(path: Path) -> int:
    """Train; a user's error is left beside the order for whoever gave it."""
    logging.basicConfig(level=logging.INFO)
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # before cuBLAS is first called
    if os.environ.get(LEAVE_WITH_PARENT):
        threading.Thread(target=_leave_with_parent, daemon=True).start()
    try:
        train_from_store(read_order(path))
    except Teach3dError as error:
        write_json(path.parent / ERROR_FILE, told_error(error))
        return 2
    leave_world()
    return 0


def _leave_with_parent() -> None:
    """The other end of standard input belongs to whoever gave the order; it closes however that one ends."""
    while os.read(0, 1024):  # not through sys.stdin: its lock would be held when the process ends
        pass
    os._exit(1)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
