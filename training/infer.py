"""A finished student from its files, and its features for the points of a scene.

Training is ``distill``'s, comparing features with text ``ops``'s and the evaluation's.
"""

from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from pydantic import TypeAdapter, ValidationError

from models.student.minkunet import ARCHITECTURES, MinkUNet, Planes, build_network
from ops.voxelize import voxelize
from schema.errors import WeightsError
from training.checkpoint import STUDENT_FILE, STUDENT_JSON, read_student

_PLANES: TypeAdapter[Planes | None] = TypeAdapter(Planes | None)


def load_student(folder: Path, device: str = "cpu") -> MinkUNet:
    """The student that ``distill`` left in ``folder``, in evaluation mode.

    Raises:
        WeightsError: a file is missing or damaged, or the weights do not fit their description.
    """
    about, tensors = read_student(folder)
    network = _network(about, folder)
    try:
        network.load_state_dict(tensors)
    except RuntimeError as error:
        raise WeightsError(
            f"the weights do not fit {about['architecture']}: {error}",
            file=folder / STUDENT_FILE,
            remedy="train the student again (teach3d run)",
        ) from error
    return network.to(device).eval()


def _network(about: dict[str, Any], folder: Path) -> MinkUNet:
    architecture, channels = about.get("architecture"), about.get("channels")
    problem = None
    if architecture not in ARCHITECTURES:
        problem = ("architecture", architecture)
    elif not isinstance(channels, int) or channels < 1:
        problem = ("channels", channels)
    try:
        planes = _PLANES.validate_python(about.get("planes"))
    except ValidationError:
        problem = ("planes", about.get("planes"))
    if problem is not None:
        raise WeightsError(
            "is not a student's description",
            file=folder / STUDENT_JSON,
            field=problem[0],
            value=problem[1],
            remedy="train the student again (teach3d run)",
        )
    return build_network(str(architecture), planes, int(channels or 0))


def student_features(
    student: MinkUNet, points_world: Float[np.ndarray, "N 3"], *, voxel_m: float, device: str = "cpu"
) -> Float[np.ndarray, "N C"]:
    """The feature of each point's voxel, float32, not normalised; the whole scene in one pass.

    Args:
        student: in evaluation mode.
        points_world: metres.
        voxel_m: edge of the voxels the student was trained with, m.
        device: where the student is.

    Raises:
        InputError: there is no point, or one is not finite.
    """
    voxels = voxelize(points_world, voxel_m)
    coords = np.insert(voxels.voxel_coords.astype(np.int64), 0, 0, axis=1)
    with torch.inference_mode():
        feat = student(torch.from_numpy(coords).to(device)).cpu().numpy()
    features: Float[np.ndarray, "N C"] = feat[voxels.point_to_voxel]
    return features
