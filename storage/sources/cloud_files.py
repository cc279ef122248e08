"""Scenes that are geometry alone: one cloud or mesh file each, no images.

Reading the formats is ``storage/clouds.py``'s business; views of such scenes are made by the render stage.
"""

from collections.abc import Iterator, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from ops.mesh_order import canonical_cloud
from ops.normals import mesh_normals
from schema.config_clouds import CloudFilesConfig
from schema.errors import InputError, unknown_name
from schema.records import Cloud, DroppedFrame, FrameTable, View
from storage.clouds import read_bare_cloud
from storage.sources.rgbd_naming import inside

GREY = 160
"""Colour of points whose file has none."""


class CloudFiles:
    """Files of clouds or meshes; a scene's id is the file's path below the root without its ending."""

    def __init__(self, config: CloudFilesConfig) -> None:
        self._config = config

    def scene_ids(self) -> list[str]:
        """Names of the scenes, in the order of ``source.scenes``, sorted within a glob."""
        return list(self._files)

    def identity(self, scene_id: str) -> dict[str, Any]:
        """Name, size and modification time of the file."""
        path = self._file(scene_id)
        status = path.stat()
        return {"file": [path.name, status.st_size, status.st_mtime_ns]}

    def open(self, scene_id: str) -> "CloudCapture":
        """Find the file; it is read when its geometry is asked for, which lifting stored views does not."""
        return CloudCapture(scene_id, self._file(scene_id), self._config)

    def _file(self, scene_id: str) -> Path:
        if scene_id not in self._files:
            raise unknown_name("scene", scene_id, self._files)
        return self._files[scene_id]

    @cached_property
    def _files(self) -> Mapping[str, Path]:
        root = self._config.root
        if not root.is_dir():
            raise InputError("the folder does not exist", file=root, remedy="set source.root to the folder")
        files: dict[str, Path] = {}
        for pattern in self._config.scenes:
            inside(root, pattern, "source.scenes")
            found = sorted(path for path in root.glob(pattern) if path.is_file())
            if not found:
                raise InputError(
                    f"no file matches source.scenes = {pattern!r}",
                    file=root,
                    remedy="give files relative to source.root, or a glob",
                )
            for path in found:
                scene_id = path.relative_to(root).with_suffix("").as_posix().replace("/", "_")
                if files.setdefault(scene_id, path) != path:
                    raise InputError(
                        f"two scenes would be named {scene_id!r} ({files[scene_id].name} is the other)",
                        file=path,
                        remedy="rename one of the files, or name one of them in source.scenes",
                    )
        return files


class CloudCapture:
    """One file's geometry; it has no frames."""

    def __init__(self, scene_id: str, path: Path, config: CloudFilesConfig) -> None:
        self.scene_id = scene_id
        self.dropped: tuple[DroppedFrame, ...] = ()
        self.frames = FrameTable(
            names=(),
            world_from_cam=np.zeros((0, 4, 4)),
            intrinsics=np.zeros((0, 3, 3)),
            image_hw=(0, 0),
            has_depth=False,
        )
        self._path = path
        self._config = config

    def geometry(self) -> Cloud:
        """Points in Morton order; normals only with triangles, grey where the file has no colours.

        Raises:
            InputError: the file cannot be read.
        """
        bare = read_bare_cloud(self._path, scale=self._config.scale, up=self._config.up)
        points = bare.points_world.astype(np.float32)
        faces = np.zeros((0, 3), dtype=np.int64) if bare.faces is None else bare.faces
        colors = np.full(points.shape, GREY, dtype=np.uint8) if bare.colors is None else bare.colors
        return canonical_cloud(Cloud(points, mesh_normals(points, faces).astype(np.float32), colors, faces))

    def view(self, index: int) -> View:
        """There is none.

        Raises:
            IndexError: always.
        """
        raise IndexError(index)

    def views(self) -> Iterator[View]:
        """Nothing."""
        return iter(())
