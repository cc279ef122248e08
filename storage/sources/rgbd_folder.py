"""Captures that are folders of posed RGB-D frames.

Finding a frame's files is ``rgbd_naming.py``'s and ``tum.py``'s business, the checks ``rgbd_checks.py``'s.
"""

import stat
from collections import Counter
from collections.abc import Iterator, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from schema.config_source import RgbdFolderConfig
from schema.errors import ConfigError, InputError, unknown_name
from schema.records import DroppedFrame, FrameTable, View
from storage.images import check_file, depth_in_metres, image_size, read_color, read_depth
from storage.sources.protocol import prefetched
from storage.sources.rgbd_checks import check_depth_unit, read_intrinsics, read_poses
from storage.sources.rgbd_naming import (
    FrameFiles,
    folders_with_frames,
    inside,
    pattern_frames,
    seven_scenes_frames,
)
from storage.sources.tum import list_files, tum_frames


class RgbdFolder:
    """One or more folders of posed RGB-D frames; a scene's id is its path below the root, '/' as '_'.

    Which scenes there are is looked up once: with a thousand of them, once a scene would take minutes.
    """

    def __init__(self, config: RgbdFolderConfig) -> None:
        self._config = config
        if config.naming == "tum" and "depth_units_per_m" not in config.model_fields_set:
            raise ConfigError(
                "TUM naming needs the depth unit spelled out",
                field="source.depth_units_per_m",
                remedy="set it to 5000 for TUM's own sequences, or to your depth image's value of one metre",
            )

    def scene_ids(self) -> list[str]:
        """Names of the scenes, in the order of ``source.scenes``, sorted within a glob."""
        return list(self._folders)

    def identity(self, scene_id: str) -> dict[str, Any]:
        """Relative name, size and modification time of each file that the scene's selected frames use."""
        folder = self._folder(scene_id)
        paths = [
            path for frame in self._select(folder) for path in (frame.color, frame.depth, frame.pose) if path
        ]
        if self._config.naming == "tum":
            paths += list_files(self._frames_folder(folder))
        if self._config.intrinsics_file is not None:
            paths.append(inside(folder, self._config.intrinsics_file, "source.intrinsics_file"))
        return {"files": [_stamp(path, folder) for path in paths]}

    def open(self, scene_id: str) -> "RgbdCapture":
        """Check poses, intrinsics, the files' presence and the depth unit, and open the scene."""
        folder = self._folder(scene_id)
        posed = read_poses(self._select(folder), self._config, folder)
        for frame in posed.files:
            check_file(frame.color, "colour image")
            if frame.depth is not None:
                check_file(frame.depth, "depth image")
        image_hw = image_size(posed.files[0].color, "colour")
        intrinsics = read_intrinsics(folder, self._config, image_hw)
        check_depth_unit(posed.files, self._config, image_hw)
        table = FrameTable(
            names=tuple(frame.name for frame in posed.files),
            world_from_cam=posed.world_from_cam,
            intrinsics=np.repeat(intrinsics[None], len(posed.files), axis=0),
            image_hw=image_hw,
            has_depth=posed.files[0].depth is not None,
        )
        return RgbdCapture(scene_id, table, posed.dropped, files=posed.files, config=self._config)

    def _folder(self, scene_id: str) -> Path:
        if scene_id not in self._folders:
            raise unknown_name("scene", scene_id, self._folders)
        return self._folders[scene_id]

    @cached_property
    def _folders(self) -> Mapping[str, Path]:
        root = self._config.root
        if not root.is_dir():
            raise InputError(
                "the folder does not exist", file=root, remedy="set source.root to the capture's folder"
            )
        folders: dict[str, Path] = {}
        for pattern in self._config.scenes:
            for folder in _matching_folders(root, pattern):
                scene_id = _scene_id(root, folder)
                if folders.setdefault(scene_id, folder) != folder:
                    raise InputError(
                        f"two scenes would be named {scene_id!r} ({folders[scene_id]} is the other)",
                        file=folder,
                        remedy="rename one of the folders",
                    )
        return folders

    def _frames_folder(self, folder: Path) -> Path:
        frames_folder = inside(folder, self._config.frames_folder, "source.frames_folder")
        if not frames_folder.is_dir():
            raise InputError(
                "the folder of the frames does not exist",
                file=frames_folder,
                remedy="set source.frames_folder",
            )
        return frames_folder

    def _select(self, folder: Path) -> list[FrameFiles]:
        frames_folder = self._frames_folder(folder)
        if self._config.naming == "tum":
            frames = tum_frames(frames_folder, self._config.max_time_gap_s)
        elif self._config.naming == "patterns":
            frames = pattern_frames(frames_folder, self._config.patterns)
        else:
            frames = seven_scenes_frames(frames_folder)
        if not frames:
            near = folders_with_frames(frames_folder)
            hint = f" (sub-folders with frames: {', '.join(near)})" if near else ""
            raise InputError(
                f"the folder has no frame with {self._config.naming} naming",
                file=frames_folder,
                remedy=f"set source.frames_folder or source.naming{hint}",
            )
        frames = frames[:: self._config.stride][: self._config.max_frames]
        counts = Counter(frame.name for frame in frames)
        repeated = next((name for name, count in counts.items() if count > 1), None)
        if repeated is not None:
            raise InputError(
                f"{counts[repeated]} frames are named {repeated!r}",
                file=frames_folder,
                remedy="rename or remove one",
            )
        return frames


class RgbdCapture:
    """One opened folder of posed RGB-D frames."""

    def __init__(
        self,
        scene_id: str,
        frames: FrameTable,
        dropped: tuple[DroppedFrame, ...],
        *,
        files: tuple[FrameFiles, ...],
        config: RgbdFolderConfig,
    ) -> None:
        self.scene_id = scene_id
        self.frames = frames
        self.dropped = dropped
        self._files = files
        self._config = config

    def view(self, index: int) -> View:
        """Read the frame's images."""
        files = self._files[index]
        color = read_color(files.color, self.frames.image_hw)
        depth_m = None
        if files.depth is not None:
            raw = read_depth(files.depth, self.frames.image_hw)
            depth_m = depth_in_metres(raw, self._config.depth_units_per_m, self._config.depth_invalid)
        return View(
            name=files.name,
            color=color,
            depth_m=depth_m,
            cam_from_world=np.linalg.inv(self.frames.world_from_cam[index]),
            intrinsics=self.frames.intrinsics[index],
        )

    def geometry(self) -> None:
        """None: the surface is made from the depths."""

    def views(self) -> Iterator[View]:
        """All frames in order, the next being read while the caller works on the current one."""
        return prefetched(self.view, len(self._files))


def _matching_folders(root: Path, pattern: str) -> list[Path]:
    inside(root, pattern, "source.scenes")
    if pattern == ".":
        return [root]
    folders = sorted(path for path in root.glob(pattern) if path.is_dir())
    if not folders:
        present = ", ".join(sorted(path.name for path in root.iterdir() if path.is_dir())[:5])
        raise InputError(
            f"no folder matches source.scenes = {pattern!r}",
            file=root,
            remedy=f"folders there: {present or '(none)'}",
        )
    return folders


def _scene_id(root: Path, folder: Path) -> str:
    if folder == root:
        return root.resolve().name
    return folder.relative_to(root).as_posix().replace("/", "_")


def _stamp(path: Path, folder: Path) -> list[Any]:
    name = path.relative_to(folder).as_posix()
    try:
        status = path.stat()
    except OSError:
        return [name, None, None]
    return [name, status.st_size, status.st_mtime_ns] if stat.S_ISREG(status.st_mode) else [name, None, None]
