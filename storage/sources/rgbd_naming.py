"""Which files make a frame, in a folder named as 7-Scenes does or by patterns.

TUM's lists are ``tum.py``'s business, checking what the files hold ``rgbd_checks.py``'s.
"""

import glob
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import numpy as np
from jaxtyping import Float

from schema.config_source import FramePatterns
from schema.errors import ConfigError, InputError

_SEVEN_SCENES = re.compile(r"(?P<frame>.+)\.(?:color\.(?P<ext>png|jpg|jpeg)|depth\.png)")


@dataclass(frozen=True)
class FrameFiles:
    """The files of one frame.

    Attributes:
        name: frame id.
        color: colour image.
        depth: depth image; None if the capture has none.
        pose: text file with the pose; None where the pose comes from a list.
        matrix: the pose from a list; None where it comes from a file or is missing.
        problem: why the frame cannot be used, known already from the lists; None if nothing is known.
    """

    name: str
    color: Path
    depth: Path | None
    pose: Path | None
    matrix: Float[np.ndarray, "4 4"] | None = None
    problem: str | None = None


def seven_scenes_frames(folder: Path) -> list[FrameFiles]:
    """Frames of ``<frame>.color.png|jpg``, ``<frame>.depth.png``, ``<frame>.pose.txt``, in natural order.

    A frame is whatever has a colour or a depth image; a pose alone is none.

    Raises:
        InputError: a frame has two colour images.
    """
    extensions: dict[str, set[str]] = {}
    for entry in folder.iterdir():
        match = _SEVEN_SCENES.fullmatch(entry.name)
        if match:
            found = extensions.setdefault(match["frame"], set())
            found.update({match["ext"]} - {None})
    for name, found in extensions.items():
        if len(found) > 1:
            raise InputError(
                f"the frame has {len(found)} colour images ({', '.join(sorted(found))})",
                file=folder / name,
                remedy="keep one of them",
            )
    usual = next((ext for found in extensions.values() for ext in found), "png")
    return [
        FrameFiles(
            name=name,
            color=folder / f"{name}.color.{next(iter(extensions[name]), usual)}",
            depth=folder / f"{name}.depth.png",
            pose=folder / f"{name}.pose.txt",
        )
        for name in sorted(extensions, key=natural_key)
    ]


def pattern_frames(folder: Path, patterns: FramePatterns) -> list[FrameFiles]:
    """Frames of files that match the patterns, in natural order.

    A frame is whatever has a colour or a depth image; a pose alone is none.

    Raises:
        ConfigError: a pattern leaves the folder or has no ``{frame}``.
    """
    for field in ("color", "depth", "pose"):
        pattern = getattr(patterns, field)
        if pattern is not None:
            _check_pattern(pattern, f"source.patterns.{field}")
    names = _matching(folder, patterns.color)
    if patterns.depth is not None:
        names |= _matching(folder, patterns.depth)
    return [
        FrameFiles(
            name=name,
            color=folder / patterns.color.replace("{frame}", name),
            depth=None if patterns.depth is None else folder / patterns.depth.replace("{frame}", name),
            pose=folder / patterns.pose.replace("{frame}", name),
        )
        for name in sorted(names, key=natural_key)
    ]


def inside(folder: Path, relative: str, field: str) -> Path:
    """``folder / relative``, refused if the text itself leaves the folder.

    Links that somebody made inside the folder are followed: data sets are often kept as farms of links.

    Raises:
        ConfigError: the path is absolute or has ``..`` in it.
    """
    path = PurePosixPath(relative)
    if path.is_absolute() or ".." in path.parts or Path(relative).is_absolute():
        raise ConfigError(
            "the path leaves the scene's folder",
            field=field,
            value=relative,
            remedy=f"give a path relative to {folder} without '..'",
        )
    return folder / relative


def natural_key(name: str) -> tuple[tuple[int, int, str], ...]:
    """Sort key that counts runs of digits as numbers.

    >>> sorted(["frame-10", "frame-9", "frame-010"], key=natural_key)
    ['frame-9', 'frame-010', 'frame-10']
    """
    parts = [part for part in re.split(r"([0-9]+)", name) if part]
    key = [(0, int(part), "") if part[0].isdigit() and part.isascii() else (1, 0, part) for part in parts]
    return (*key, (2, 0, name))


def folders_with_frames(folder: Path, limit: int = 3) -> list[str]:
    """Sub-folders with 7-Scenes frames, for a hint in an error message."""
    children: Iterable[Path] = (child for child in sorted(folder.iterdir()) if child.is_dir())
    return [child.name for child in children if any(child.glob("*.color.*"))][:limit]


def _check_pattern(pattern: str, field: str) -> None:
    if "{frame}" not in pattern:
        raise ConfigError(
            "the pattern has no {frame}", field=field, value=pattern, remedy="put it in the file name"
        )
    inside(Path(), pattern, field)


def _matching(folder: Path, pattern: str) -> set[str]:
    pieces = pattern.split("{frame}")
    expression = re.escape(pieces[0]) + "(?P<frame>[^/]+)" + re.escape(pieces[1])
    expression += "".join("(?P=frame)" + re.escape(piece) for piece in pieces[2:])
    wanted = re.compile(expression)
    found = (path.relative_to(folder).as_posix() for path in folder.glob("*".join(map(glob.escape, pieces))))
    return {match["frame"] for match in map(wanted.fullmatch, found) if match}
