"""Virtual views in a scene's store: written once, then read as the frames of a scene that has none.

Making them is ``ops/virtual_views.py``'s business.
"""

from collections.abc import Iterable, Iterator

import numpy as np

from schema.config_source import SourceConfig
from schema.records import Cloud, DroppedFrame, FrameTable, View
from storage.sources.catalog import open_source
from storage.sources.protocol import Capture, prefetched
from storage.unit import Unit
from storage.writer import StageWriter


def write_views(writer: StageWriter, views: Iterable[View]) -> None:
    """Put virtual views (with depth, all of one size)."""
    taken = list(views)
    depths = [view.depth_m for view in taken if view.depth_m is not None]
    assert len(depths) == len(taken) > 0
    writer.put("color", np.stack([view.color for view in taken]))
    writer.put("depth_m", np.stack(depths).astype(np.float32, copy=False))
    writer.put("world_from_cam", np.stack([np.linalg.inv(view.cam_from_world) for view in taken]))
    writer.put("intrinsics", np.stack([view.intrinsics for view in taken]))
    writer.attrs.update(frame_names=[view.name for view in taken])
    writer.counts.update(views=len(taken))


def open_capture(source: SourceConfig, unit: Unit) -> Capture:
    """The unit's scene as its source has it; one without images with the store's virtual views.

    Raises:
        InputError: the scene cannot be used.
        StoreError: it has no images and was not rendered.
    """
    capture = open_source(source).open(unit.name)
    return capture if capture.frames.names else RenderedCapture(capture, unit)


class RenderedCapture:
    """A scene whose surface is its source's and whose frames are the store's virtual views."""

    def __init__(self, capture: Capture, unit: Unit) -> None:
        self.scene_id = capture.scene_id
        self.dropped: tuple[DroppedFrame, ...] = capture.dropped
        self._capture = capture
        self._unit = unit
        height, width = unit.rows("render", "depth_m", slice(0, 1)).shape[1:]
        self.frames = FrameTable(
            names=tuple(unit.attrs("render")["frame_names"]),
            world_from_cam=unit.array("render", "world_from_cam"),
            intrinsics=unit.array("render", "intrinsics"),
            image_hw=(height, width),
            has_depth=True,
        )

    def geometry(self) -> Cloud | None:
        """The source's surface."""
        return self._capture.geometry()

    def view(self, index: int) -> View:
        """Read a view from the store."""
        row = slice(index, index + 1)
        return View(
            name=self.frames.names[index],
            color=self._unit.rows("render", "color", row)[0],
            depth_m=self._unit.rows("render", "depth_m", row)[0],
            cam_from_world=np.linalg.inv(self.frames.world_from_cam[index]),
            intrinsics=self.frames.intrinsics[index],
        )

    def views(self) -> Iterator[View]:
        """All views in order, the next being read while the caller works on the current one."""
        return prefetched(self.view, len(self.frames.names))
