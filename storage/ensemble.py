"""The ensemble of a training's earlier answers: class scores per scene and generation, in the store.

What the scores are made of and learned for is ``training.self_distillation``'s business.
"""

import json
import zlib
from pathlib import Path

import numpy as np
from jaxtyping import Float32
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from schema.errors import StoreError
from storage.disk import write_atomically


class EnsembleFolder:
    """Scores of each scene's points, one file a scene and generation.

    A visit of a scene reads one generation and writes the next beside it, so that a training that goes on
    from an earlier step finds what it had read then. ``forget`` deletes what no state can need any more.

    Args:
        folder: made when the first scene is written.
        fingerprint: names the training; files of another one are refused.
    """

    def __init__(self, folder: Path, fingerprint: str) -> None:
        self._folder = folder
        self._fingerprint = fingerprint

    def _path(self, scene_id: str, generation: int) -> Path:
        return self._folder / f"{scene_id}~{generation}.safetensors"

    def write(self, scene_id: str, generation: int, scores: Float32[np.ndarray, "N K"]) -> None:
        """Write one scene's scores atomically."""
        scores = np.ascontiguousarray(scores, dtype=np.float32)
        about = {"fingerprint": self._fingerprint, "crc32": zlib.crc32(scores.data)}
        data = save({"scores": scores}, {"teach3d": json.dumps(about, sort_keys=True)})
        write_atomically(self._path(scene_id, generation), data)

    def read(self, scene_id: str, generation: int) -> Float32[np.ndarray, "N K"]:
        """One scene's scores.

        Raises:
            StoreError: the file is missing, damaged or of another training.
        """
        path = self._path(scene_id, generation)
        try:
            with safe_open(path, framework="np") as file:
                about = json.loads(file.metadata()["teach3d"])
                scores: Float32[np.ndarray, "N K"] = file.get_tensor("scores")
        except (SafetensorError, OSError, ValueError, KeyError, TypeError) as error:
            raise self._unusable(path, str(error)) from error
        if about.get("fingerprint") != self._fingerprint:
            raise self._unusable(path, "it belongs to another training")
        if about.get("crc32") != zlib.crc32(np.ascontiguousarray(scores).data):
            raise self._unusable(path, "its checksum differs")
        return scores

    def has(self, scene_id: str, generation: int) -> bool:
        """Whether the file is there; whether it is whole, reading tells."""
        return self._path(scene_id, generation).is_file()

    def forget(self, before: int) -> None:
        """Delete every generation below ``before``."""
        for path in self._folder.glob("*~*.safetensors"):
            generation = path.stem.rpartition("~")[2]
            if generation.isdecimal() and int(generation) < before:
                path.unlink(missing_ok=True)

    @staticmethod
    def _unusable(path: Path, why: str) -> StoreError:
        return StoreError(
            f"the ensemble of earlier answers is unusable: {why}",
            file=path,
            remedy="delete the folder `training` of the student in the store and run again",
        )
