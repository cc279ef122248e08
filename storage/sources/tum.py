"""Frames of a folder in the TUM RGB-D format: lists of time stamps, joined by nearest time.

Checking what the files hold is ``rgbd_checks.py``'s business.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float

from ops.cameras import rotation_from_quaternion
from schema.errors import InputError
from storage.images import check_file
from storage.sources.rgbd_naming import FrameFiles, inside


@dataclass(frozen=True)
class _Stamped:
    stamps_s: Float[np.ndarray, "L"]
    fields: list[list[str]]


def tum_frames(folder: Path, max_time_gap_s: float) -> list[FrameFiles]:
    """Frames listed in ``rgb.txt``, each with the depth and the pose nearest in time.

    A colour image without a depth or a pose within ``max_time_gap_s`` is a frame that cannot be used and
    carries the reason; so is one whose nearest depth is nearer to another colour image. Poses are
    ``groundtruth.txt``'s ``tx ty tz qx qy qz qw``.

    Raises:
        InputError: a list is missing or has a line that cannot be read.
    """
    color = _read_list(folder / "rgb.txt", num_fields=1)
    depth = _read_list(folder / "depth.txt", num_fields=1)
    poses = _read_list(folder / "groundtruth.txt", num_fields=7)
    depth_of = _nearest(color.stamps_s, depth.stamps_s)
    pose_of = _nearest(color.stamps_s, poses.stamps_s)
    frames = []
    for i, (relative,) in enumerate(color.fields):
        problem = _depth_problem(i, color.stamps_s, depth.stamps_s, depth_of, max_time_gap_s)
        gap_s = abs(poses.stamps_s[pose_of[i]] - color.stamps_s[i])
        if problem is None and gap_s > max_time_gap_s:
            problem = f"no pose within {max_time_gap_s:g} s (nearest: {gap_s:.3g} s)"
        frames.append(
            FrameFiles(
                name=Path(relative).stem,
                color=inside(folder, relative, "rgb.txt"),
                depth=inside(folder, depth.fields[depth_of[i]][0], "depth.txt"),
                pose=None,
                matrix=_matrix(folder / "groundtruth.txt", poses.fields[pose_of[i]]),
                problem=problem,
            )
        )
    return frames


def list_files(folder: Path) -> list[Path]:
    """The lists that decide which frames there are."""
    return [folder / name for name in ("rgb.txt", "depth.txt", "groundtruth.txt")]


def _read_list(path: Path, *, num_fields: int) -> _Stamped:
    check_file(path, "list of time stamps")
    stamps: list[float] = []
    fields: list[list[str]] = []
    for number, line in enumerate(path.read_text(encoding="utf-8", errors="replace").splitlines(), start=1):
        words = line.split()
        if not words or words[0].startswith("#"):
            continue
        stamp = _number(words[0])
        if stamp is None or not np.isfinite(stamp) or len(words) < 1 + num_fields:
            raise InputError(
                f"line {number} is not a time stamp and {num_fields} field(s)",
                file=path,
                value=line,
                remedy="mend or remove the line",
            )
        stamps.append(stamp)
        fields.append(words[1 : 1 + num_fields])
    if not stamps:
        raise InputError("the list has no entries", file=path, remedy="export the capture again")
    order = np.argsort(stamps, kind="stable")
    return _Stamped(np.array(stamps)[order], [fields[i] for i in order])


def _nearest(stamps_s: Float[np.ndarray, "L"], among_s: Float[np.ndarray, "Q"]) -> np.ndarray:
    after = np.searchsorted(among_s, stamps_s).clip(1, max(len(among_s) - 1, 1))
    before = after - 1
    after = np.minimum(after, len(among_s) - 1)
    is_before = stamps_s - among_s[before] <= among_s[after] - stamps_s
    return np.where(is_before, before, after)


def _depth_problem(
    i: int,
    color_s: Float[np.ndarray, "L"],
    depth_s: Float[np.ndarray, "Q"],
    depth_of: np.ndarray,
    max_time_gap_s: float,
) -> str | None:
    gaps_s = np.abs(color_s - depth_s[depth_of])
    if gaps_s[i] > max_time_gap_s:
        return f"no depth within {max_time_gap_s:g} s (nearest: {gaps_s[i]:.3g} s)"
    rivals = np.flatnonzero(depth_of == depth_of[i])
    if rivals[np.argmin(gaps_s[rivals])] != i:
        return "its nearest depth is nearer to another colour image"
    return None


def _matrix(path: Path, fields: list[str]) -> Float[np.ndarray, "4 4"]:
    values = [_number(field) for field in fields]
    if any(value is None for value in values):
        raise InputError(
            "a pose is not seven numbers", file=path, value=" ".join(fields), remedy="mend or remove the line"
        )
    numbers = np.array(values, dtype=np.float64)
    matrix = np.eye(4)
    matrix[:3, :3] = rotation_from_quaternion(numbers[3:])
    matrix[:3, 3] = numbers[:3]
    return matrix


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None
