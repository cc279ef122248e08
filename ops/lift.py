"""2D to 3D transfer of one teacher: run it on every view, collect for each point what the views say of it.

Visibility is decided in `ops.visibility`, sums and counts are kept in `ops.accumulate`; teachers and
captioners come from `models` as plain functions.
"""

from collections.abc import Callable, Iterable, Sequence

import numpy as np
from jaxtyping import Float, Float32, Int, UInt8

from ops.accumulate import (
    PairCounts,
    add_bilinear,
    add_nearest,
    channels_last,
    divide_rows,
    pixels_on_grid,
)
from ops.visibility import project, seen_pixels, splat_radii
from schema.config_stages import LiftConfig
from schema.errors import InputError
from schema.progress import track
from schema.records import DenseLift, MaskLift, MaskSet, View

_VIEWS_TOGETHER = 4
_WAITING_BYTES = 5 * 10**8

Encode = Callable[[UInt8[np.ndarray, "H W 3"]], Float32[np.ndarray, "h w C"]]
Segment = Callable[[UInt8[np.ndarray, "H W 3"]], MaskSet]
Caption = Callable[[UInt8[np.ndarray, "H W 3"], MaskSet], Sequence[str]]


def lift_dense(
    views: Iterable[View],
    encode: Encode,
    points_world: Float[np.ndarray, "N 3"],
    *,
    config: LiftConfig,
    channels: int,
) -> DenseLift:
    """Mean of a dense teacher's features over the views that see each point.

    Features are summed in float32 in the order of the views, each point by itself: the result does not
    depend on the number of threads. They are not normalised, neither before nor after.

    Args:
        views: the frames, read once.
        encode: colour image to a feature per cell of the teacher's own grid, a new array at each call;
            channel-first memory seen through a transpose is taken, at the price of one copy.
        points_world: finite, metres.
        config: visibility and sampling.
        channels: C.

    Returns:
        float32 means and int32 numbers of views.

    Raises:
        InputError: a view lacks the depth asked for; a feature map has other channels or is not finite.
    """
    points = np.ascontiguousarray(points_world, dtype=np.float64)
    radii = splat_radii(points) if config.visibility == "zbuffer" else None
    sums = np.zeros((len(points), channels), dtype=np.float32)
    num_views = np.zeros(len(points), dtype=np.int32)
    waiting = _Waiting(sums)
    for view in track(views, "lift"):
        pixel = seen_pixels(points, view, config, radii)
        feat = _checked(encode(view.color), channels, view)
        if config.sampling == "nearest":
            waiting.add(pixels_on_grid(pixel, view.color.shape[:2], feat.shape[:2]), feat)
        else:
            seen = np.flatnonzero(pixel >= 0)
            add_bilinear(sums, seen, _grid_uv(points[seen], view, feat.shape[:2]), channels_last(feat))
        num_views += pixel >= 0
    waiting.flush()
    broken = np.flatnonzero(divide_rows(sums, num_views))
    if len(broken):
        raise InputError(
            f"the teacher's features are not finite on {len(broken)} of {len(points)} points",
            remedy="check the teacher's weights and its input",
        )
    return DenseLift(feat=sums, num_views=num_views)


def lift_masks(
    views: Iterable[View],
    segment: Segment,
    caption: Caption,
    points_world: Float[np.ndarray, "N 3"],
    *,
    config: LiftConfig,
) -> MaskLift:
    """How often each point was seen inside a mask of which caption.

    A pixel in no mask is no view of its points. Captions that no point carries are left out, the others
    stand in alphabetical order, so that the result does not depend on the order of the views. Two masks
    with the same caption but different labels keep separate entries.

    Args:
        views: the frames, read once.
        segment: colour image to masks; the map may have another size than the image.
        caption: one caption per mask.
        points_world: finite, metres.
        config: visibility; its sampling is for dense teachers alone: a pixel lies in one mask.

    Raises:
        InputError: a view lacks the depth asked for; captions and masks differ in number.
    """
    points = np.ascontiguousarray(points_world, dtype=np.float64)
    radii = splat_radii(points) if config.visibility == "zbuffer" else None
    known: dict[tuple[str, str], int] = {}
    pairs = PairCounts()
    for view in track(views, "lift"):
        pixel = seen_pixels(points, view, config, radii)
        masks = segment(view.color)
        ids = _intern(known, caption(view.color, masks), masks, view)
        seen = np.flatnonzero(pixel >= 0)
        cells = pixels_on_grid(pixel[seen], view.color.shape[:2], masks.mask_map.shape)
        mask = masks.mask_map.reshape(-1)[cells]
        pairs.add(seen[mask >= 0], ids[mask[mask >= 0]])
    return _rows(pairs, list(known), len(points))


class _Waiting:
    """Views whose features wait to be added together: up to four, as long as they take little memory."""

    def __init__(self, sums: Float32[np.ndarray, "N C"]) -> None:
        self._sums = sums
        self._cells: list[np.ndarray] = []
        self._maps: list[np.ndarray] = []
        self._copies: list[np.ndarray | None] = [None] * _VIEWS_TOGETHER  # memory kept for channel-first maps

    def add(self, cells: Int[np.ndarray, "N"], feat: Float32[np.ndarray, "h w C"]) -> None:
        slot = len(self._maps)
        last = channels_last(feat, self._copies[slot])
        if last is not feat:
            self._copies[slot] = last
        self._cells.append(cells)
        self._maps.append(last.reshape(-1, feat.shape[2]))
        if len(self._maps) == _VIEWS_TOGETHER or sum(m.nbytes for m in self._maps) >= _WAITING_BYTES:
            self.flush()

    def flush(self) -> None:
        if self._maps:
            empty = self._maps[0][:0]  # one compiled kernel for any number of views
            missing = _VIEWS_TOGETHER - len(self._maps)
            cells = np.full((_VIEWS_TOGETHER, len(self._sums)), -1, dtype=np.int32)
            cells[: len(self._maps)] = self._cells
            add_nearest(self._sums, cells, (*self._maps, *[empty] * missing))
            self._cells, self._maps = [], []


def _checked(feat: Float[np.ndarray, "h w C"], channels: int, view: View) -> Float32[np.ndarray, "h w C"]:
    if feat.ndim != 3 or feat.shape[2] != channels:
        raise InputError(
            f"the teacher gave features of shape {feat.shape}",
            field=f"frame {view.name}",
            remedy=f"a dense teacher returns height x width x {channels}",
        )
    return np.asarray(feat, dtype=np.float32)


def _grid_uv(
    points: Float[np.ndarray, "V 3"], view: View, grid_hw: tuple[int, ...]
) -> Float[np.ndarray, "V 2"]:
    height, width = view.color.shape[:2]
    uv = project(points, view)[:, :2]
    grid: np.ndarray = (uv + 0.5) * np.array([grid_hw[1] / width, grid_hw[0] / height]) - 0.5
    return grid


def _intern(
    known: dict[tuple[str, str], int], captions: Sequence[str], masks: MaskSet, view: View
) -> Int[np.ndarray, "M"]:
    num_masks = len(masks.labels)
    top = int(masks.mask_map.max(initial=-1))
    if len(captions) != num_masks or top >= num_masks:
        raise InputError(
            f"{num_masks} mask labels, {len(captions)} captions, mask ids up to {top}",
            field=f"frame {view.name}",
            remedy="a captioner returns one caption per mask, and a mask map holds ids of its masks",
        )
    pairs = zip(captions, masks.labels, strict=True)
    return np.array([known.setdefault(pair, len(known)) for pair in pairs], dtype=np.int32)


def _rows(pairs: PairCounts, known: list[tuple[str, str]], num_points: int) -> MaskLift:
    point, caption, count = pairs.result()
    used = np.unique(caption)
    ranked = sorted(used.tolist(), key=lambda i: known[i])
    rank = np.zeros(len(known), dtype=np.int32)
    rank[ranked] = np.arange(len(ranked), dtype=np.int32)
    caption = rank[caption]
    order = np.lexsort((caption, point))
    row_start = np.zeros(num_points + 1, dtype=np.int64)
    np.cumsum(np.bincount(point, minlength=num_points), out=row_start[1:])
    return MaskLift(
        row_start=row_start,
        caption_id=caption[order],
        count=count[order],
        captions=tuple(known[i][0] for i in ranked),
        caption_labels=tuple(known[i][1] for i in ranked),
        num_views=np.bincount(point, weights=count, minlength=num_points).astype(np.int32),
    )
