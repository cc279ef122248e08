"""What a posed RGB-D capture must fulfil before anything is computed from it, and the errors if it does not.

Finding the files is ``rgbd_naming.py``'s and ``tum.py``'s business.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float

from ops.cameras import intrinsics_problem, pose_problem, world_from_cam_opencv
from schema.config_source import RgbdFolderConfig
from schema.errors import ConfigError, InputError
from schema.records import DroppedFrame
from storage.images import check_file, depth_in_metres, read_depth
from storage.sources.rgbd_naming import FrameFiles, inside

PLAUSIBLE_DEPTH_M = (0.1, 100.0)
_NUM_DEPTH_SAMPLES = 5


@dataclass(frozen=True)
class PosedFrames:
    """Frames with a usable pose, and those without.

    Attributes:
        files: the usable frames.
        world_from_cam: their poses, OpenCV axes, metres.
        dropped: the others, with the reason.
    """

    files: tuple[FrameFiles, ...]
    world_from_cam: Float[np.ndarray, "F 4 4"]
    dropped: tuple[DroppedFrame, ...]


def read_poses(frames: Sequence[FrameFiles], config: RgbdFolderConfig, folder: Path) -> PosedFrames:
    """Read all poses; frames without a usable one are dropped, or refused if the configuration says so.

    Raises:
        InputError: ``invalid_pose`` is ``refuse`` and a pose is bad, more than ``max_dropped_share`` of
            the frames are bad, or all are.
    """
    kept: list[tuple[FrameFiles, np.ndarray]] = []
    bad: list[tuple[FrameFiles, str]] = []
    for frame in frames:
        matrix, problem = _pose(frame)
        if matrix is None or problem is not None:
            bad.append((frame, problem or "the pose is missing"))
        else:
            kept.append((frame, matrix))
    if bad and (
        config.invalid_pose == "refuse" or not kept or len(bad) > config.max_dropped_share * len(frames)
    ):
        raise _too_many_bad(bad, len(frames), config, folder)
    poses = [
        world_from_cam_opencv(
            matrix, inverse=config.pose_direction == "cam_from_world", opengl=config.camera_axes == "opengl"
        )
        for _, matrix in kept
    ]
    return PosedFrames(
        files=tuple(frame for frame, _ in kept),
        world_from_cam=np.stack(poses),
        dropped=tuple(DroppedFrame(frame.name, problem) for frame, problem in bad),
    )


def read_intrinsics(
    folder: Path, config: RgbdFolderConfig, image_hw: tuple[int, int]
) -> Float[np.ndarray, "3 3"]:
    """The camera matrix of the capture's colour images.

    Raises:
        ConfigError: neither a file nor numbers are configured, or both.
        InputError: the matrix is not one of a camera with images of this size.
    """
    if (config.intrinsics_file is None) == (config.intrinsics_px is None):
        found = [path.name for path in sorted(folder.glob("*intrinsic*")) if path.is_file()]
        hint = f" (found: {', '.join(found)})" if found else ""
        raise ConfigError(
            "give either source.intrinsics_file or source.intrinsics_px",
            field="source.intrinsics_file",
            value=config.intrinsics_file,
            remedy=f"set one of them{hint}",
        )
    if config.intrinsics_px is not None:
        fx, fy, cx, cy = config.intrinsics_px
        return _usable_intrinsics(
            np.array([[fx, 0, cx], [0, fy, cy], [0, 0, 1]]), image_hw, None, config.intrinsics_px
        )
    assert config.intrinsics_file is not None
    path = inside(folder, config.intrinsics_file, "source.intrinsics_file")
    check_file(path, "intrinsics file")
    return _usable_intrinsics(_read_matrix(path), image_hw, path, None)


def check_depth_unit(
    frames: Sequence[FrameFiles], config: RgbdFolderConfig, image_hw: tuple[int, int]
) -> None:
    """Look at the depths of a few frames spread over the capture and refuse an implausible unit.

    Raises:
        InputError: the median of the depths is outside 0.1-100 m, or a depth image cannot be read.
    """
    spread = np.unique(np.linspace(0, len(frames) - 1, _NUM_DEPTH_SAMPLES).round().astype(int))
    values = []
    for frame in (frames[i] for i in spread):
        if frame.depth is not None:
            raw = read_depth(frame.depth, image_hw)
            depth_m = depth_in_metres(raw, config.depth_units_per_m, config.depth_invalid)
            values.append(depth_m[depth_m > 0])
    known_m = np.concatenate(values) if values else np.zeros(0, dtype=np.float32)
    if len(known_m) == 0:
        return
    median_m = float(np.median(known_m))
    if not PLAUSIBLE_DEPTH_M[0] <= median_m <= PLAUSIBLE_DEPTH_M[1]:
        raise InputError(
            f"the median depth is {median_m:.4g} m, outside 0.1-100 m: the unit is wrong",
            file=frames[0].depth,
            field="source.depth_units_per_m",
            value=config.depth_units_per_m,
            remedy="set it to the depth image's value of one metre (millimetres: 1000, TUM: 5000)",
        )


def _pose(frame: FrameFiles) -> tuple[np.ndarray | None, str | None]:
    if frame.problem is not None:
        return None, frame.problem
    if frame.pose is None:
        return frame.matrix, None if frame.matrix is None else pose_problem(frame.matrix)
    if not frame.pose.is_file():
        return None, "the pose file is missing"
    numbers = _numbers(frame.pose)
    if numbers is None or numbers.size != 16:
        return None, "the pose file is not a matrix of 4 x 4 numbers"
    matrix = numbers.reshape(4, 4)
    return matrix, pose_problem(matrix)


def _numbers(path: Path) -> Float[np.ndarray, "L"] | None:
    try:
        return np.array(path.read_text(encoding="utf-8").split(), dtype=np.float64)
    except ValueError:  # also UnicodeDecodeError
        return None


def _read_matrix(path: Path) -> Float[np.ndarray, "3 3"]:
    numbers = _numbers(path)
    if numbers is not None and numbers.size == 9:
        return numbers.reshape(3, 3)
    if numbers is not None and numbers.size == 16:
        matrix: np.ndarray = numbers.reshape(4, 4)[:3, :3]
        return matrix
    found = "text" if numbers is None else f"{numbers.size} numbers"
    raise InputError(
        f"the intrinsics are {found}, not a 3 x 3 (or 4 x 4) matrix",
        file=path,
        remedy="write fx 0 cx / 0 fy cy / 0 0 1 in px of the colour image, or set source.intrinsics_px",
    )


def _usable_intrinsics(
    matrix: Float[np.ndarray, "3 3"], image_hw: tuple[int, int], path: Path | None, value: object
) -> Float[np.ndarray, "3 3"]:
    problem = intrinsics_problem(matrix, image_hw)
    if problem is None:
        return matrix
    if path is None:
        raise InputError(problem[0], field="source.intrinsics_px", value=value, remedy=problem[1])
    raise InputError(problem[0], file=path, remedy=problem[1])


def _too_many_bad(
    bad: list[tuple[FrameFiles, str]], total: int, config: RgbdFolderConfig, folder: Path
) -> InputError:
    frame, problem = bad[0]
    file = frame.pose or (frame.color if frame.matrix is None else folder / "groundtruth.txt")
    if config.invalid_pose == "refuse":
        remedy = "mend it, or set source.invalid_pose to 'drop'"
    elif len(bad) == total:
        remedy = "mend the poses, or check source.pose_direction and how they were exported"
    else:
        remedy = (
            f"mend the poses, or raise source.max_dropped_share (now {config.max_dropped_share:g}, "
            f"needed {len(bad) / total:.3g})"
        )
    return InputError(
        f"{len(bad)} of {total} frames cannot be used, the first is {frame.name}: {problem}",
        file=file,
        remedy=remedy,
    )
