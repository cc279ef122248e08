"""A finished student from its files, and its features for the points of scenes of any size.

Training is ``distill``'s, cutting scenes into tiles ``tiles``'s, comparing features with text ``predict``'s
and the evaluation's.
"""

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Int
from pydantic import TypeAdapter, ValidationError

from models.sparse.catalog import load_engine
from models.student.minkunet import ARCHITECTURES, MinkUNet, Planes, build_network
from ops.voxelize import voxelize
from schema.errors import ConfigError, InputError, WeightsError
from schema.progress import track
from storage.layout import STUDENT_FILE, STUDENT_JSON
from training.checkpoint import read_student
from training.precision import Precision, autocast
from training.tiles import Tile, cut, layout_of

WASTEFUL = 3
"""Passes a voxel may take part in, in the mean, before someone is told."""
COARSEST = 16
"""Edge of the largest cells, voxels: moving a scene by a multiple changes nothing."""

log = logging.getLogger(__name__)

_PLANES: TypeAdapter[Planes | None] = TypeAdapter(Planes | None)
_REMEDY = "train the student again (teach3d run)"


@dataclass(frozen=True)
class Student:
    """A finished student and what its files say about it.

    Attributes:
        network: in evaluation mode, on a device.
        architecture: its name.
        voxel_m: edge of the voxels it was trained with, m; None where the files do not say.
        text_space: where its features live; None where the files do not say.
    """

    network: MinkUNet
    architecture: str
    voxel_m: float | None
    text_space: str | None


def load_student(folder: Path, device: str = "cpu", engine: str = "torch") -> MinkUNet:
    """The network of ``open_student``."""
    return open_student(folder, device, engine).network


def open_student(folder: Path, device: str = "cpu", engine: str = "torch") -> Student:
    """The student that ``distill`` or ``import-checkpoint`` left in ``folder``.

    Args:
        folder: holds student.safetensors and student.json.
        device: where it is put.
        engine: name of the sparse engine that computes it.

    Raises:
        WeightsError: a file is missing or damaged, or the weights do not fit their description.
        ConfigError: no engine has that name, or there is no such device.
        MissingPartError: the engine's library is not installed.
    """
    load_engine(engine)
    about, tensors = read_student(folder)
    network = _network(about, folder)
    network.engine = engine
    try:
        network.load_state_dict(tensors)
    except RuntimeError as error:
        raise WeightsError(
            f"the weights do not fit {about['architecture']}: {error}",
            file=folder / STUDENT_FILE,
            remedy=_REMEDY,
        ) from error
    try:
        network = network.to(device).eval()
    except (AssertionError, RuntimeError) as error:  # torch without CUDA asserts
        raise ConfigError(
            f"the device cannot be used ({error})", field="device", value=device, remedy="choose auto or cpu"
        ) from error
    return Student(network, str(about["architecture"]), about.get("voxel_m"), about.get("text_space"))


def _network(about: dict[str, Any], folder: Path) -> MinkUNet:
    architecture, channels = about.get("architecture"), about.get("channels")
    voxel_m, text_space = about.get("voxel_m"), about.get("text_space")
    fine = {
        "architecture": architecture in ARCHITECTURES,
        "channels": isinstance(channels, int) and channels >= 1,
        "planes": _are_planes(about.get("planes")),
        "voxel_m": voxel_m is None or (isinstance(voxel_m, int | float) and voxel_m > 0),
        "text_space": text_space is None or isinstance(text_space, str),
    }
    for field, ok in fine.items():
        if not ok:
            raise WeightsError(
                "is not a student's description",
                file=folder / STUDENT_JSON,
                field=field,
                value=about.get(field),
                remedy=_REMEDY,
            )
    return build_network(str(architecture), _PLANES.validate_python(about.get("planes")), int(channels or 0))


def _are_planes(value: Any) -> bool:
    try:
        _PLANES.validate_python(value)
    except ValidationError:
        return False
    return True


def student_features(
    student: MinkUNet,
    points_world: Float[np.ndarray, "N 3"],
    *,
    voxel_m: float,
    device: str = "cpu",
    max_voxels: int | None = None,
    precision: Precision = "float32",
    dtype: type[np.floating] = np.float32,
) -> Float[np.ndarray, "N C"]:
    """The feature of each point's voxel, not normalised; the same whether the scene is cut or not.

    Args:
        student: in evaluation mode.
        points_world: metres.
        voxel_m: edge of the voxels the student was trained with, m.
        device: where the student is.
        max_voxels: larger scenes are cut into tiles of at most so many voxels; None: never.
        precision: arithmetic of the network.
        dtype: of the result; ``np.float16`` halves the memory of large scenes.

    Raises:
        InputError: there is no point, one is not finite, or ``max_voxels`` is too small for the network.
    """
    voxels = voxelize(points_world, voxel_m)
    features = np.empty((len(points_world), student.channels), dtype=dtype)
    row_in_tile = np.full(len(voxels.voxel_coords), -1)
    tiles = feature_tiles(
        student, voxels.voxel_coords, device=device, max_voxels=max_voxels, precision=precision
    )
    for rows, feat in tiles:
        row_in_tile[rows] = np.arange(len(rows))
        row_of_point = row_in_tile[voxels.point_to_voxel]
        inside = np.flatnonzero(row_of_point >= 0)
        features[inside] = feat[row_of_point[inside]]
        row_in_tile[rows] = -1
    return features


def feature_tiles(
    student: MinkUNet,
    voxel_coords: Int[np.ndarray, "V 3"],
    *,
    device: str = "cpu",
    max_voxels: int | None = None,
    precision: Precision = "float32",
) -> Iterator[tuple[Int[np.ndarray, "c"], Float[np.ndarray, "c C"]]]:
    """Rows of a scene's voxels and their features, float32, tile by tile; each voxel comes once.

    Arguments and errors as for ``student_features``.
    """
    assert not student.training, "batch statistics would depend on how the scene is cut"
    limit = len(voxel_coords) if max_voxels is None else max_voxels
    tiles = cut(voxel_coords, layout_of(student), limit)
    computed = sum(len(tile.context) for tile in tiles)
    if computed > WASTEFUL * len(voxel_coords):
        log.warning(
            "tiles overlap so much that %s voxels are computed for %s; a larger max_voxels is faster",
            f"{computed:,}",
            f"{len(voxel_coords):,}",
        )
    for tile in track(tiles, "student"):
        cells = voxel_coords[tile.context].astype(np.int64)
        try:
            with autocast(precision, device):
                feat = _pass(student, cells, tile, device)
        except torch.OutOfMemoryError as error:
            raise InputError(
                f"the device's memory does not hold a pass over {len(cells):,} voxels",
                field="runtime.max_voxels",
                value=max_voxels,
                remedy=f"set it to {len(cells) // 2} (--max-voxels of predict), or use the CPU",
            ) from error
        yield tile.core, feat


@torch.inference_mode()
def _pass(
    student: MinkUNet, cells: Int[np.ndarray, "t 3"], tile: Tile, device: str
) -> Float[np.ndarray, "c C"]:
    """Features of a tile's core."""
    cells = cells - cells.min(axis=0) // COARSEST * COARSEST  # some engines know small numbers only
    feat = student(torch.from_numpy(np.insert(cells, 0, 0, axis=1)).to(device))
    if len(tile.core) < len(tile.context):
        feat = feat[torch.from_numpy(tile.core_in_context).to(device)]
    features: Float[np.ndarray, "c C"] = feat.float().cpu().numpy()
    return features
