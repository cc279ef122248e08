"""Lifts against the point-by-point reference, and what their results may not depend on."""

from collections import Counter
from collections.abc import Sequence
from typing import Literal

import numpy as np
import pytest

from ops.lift import lift_dense, lift_masks
from ops.lift_reference import lift_dense_reference, lift_masks_reference
from ops.visibility import splat_radii
from schema.config_stages import LiftConfig
from schema.errors import InputError
from schema.records import MaskLift, MaskSet, View

HW = (24, 32)
CHANNELS = 6


def _views(count: int = 5, hw: tuple[int, int] = HW) -> list[View]:
    views = []
    for i in range(count):
        rng = np.random.default_rng(i)
        cam_from_world = np.eye(4)
        turn = 0.5 * i
        cam_from_world[:3, :3] = [
            [np.cos(turn), 0, -np.sin(turn)],
            [0, 1, 0],
            [np.sin(turn), 0, np.cos(turn)],
        ]
        depth = rng.uniform(0.5, 3.0, hw).astype(np.float32)
        color = rng.integers(0, 256, (*hw, 3), dtype=np.uint8)
        intrinsics = np.array([[20.0, 0, hw[1] / 2 - 0.5], [0, 20.0, hw[0] / 2 - 0.5], [0, 0, 1]])
        views.append(View(f"f{i}", color, depth, cam_from_world, intrinsics))
    return views


def _points(count: int = 400) -> np.ndarray:
    """A shell around the cameras, so that few points hide others."""
    points = np.random.default_rng(9).standard_normal((count, 3))
    return 2.0 * points / np.linalg.norm(points, axis=1, keepdims=True)


def _encode_to(grid: tuple[int, int]):
    def encode(image: np.ndarray) -> np.ndarray:
        rng = np.random.default_rng(int(image.astype(np.int64).sum()))
        return rng.standard_normal((*grid, CHANNELS)).astype(np.float32)

    return encode


encode = _encode_to(HW)


def _segment(image: np.ndarray) -> MaskSet:
    rng = np.random.default_rng(int(image.astype(np.int64).sum()))
    mask_map = rng.integers(-1, 3, (12, 16))
    return MaskSet(mask_map, tuple(rng.choice(["chair", "table"], 3)), np.ones(3))


def _caption(image: np.ndarray, masks: MaskSet) -> Sequence[str]:
    rng = np.random.default_rng(int(image.astype(np.int64).sum()) + 1)
    return [
        f"a {color} {label}"
        for color, label in zip(rng.choice(["red", "blue"], 3), masks.labels, strict=True)
    ]


@pytest.mark.parametrize("visibility", ["depth_relative", "depth_absolute", "zbuffer", "none"])
@pytest.mark.parametrize("sampling", ["nearest", "bilinear"])
@pytest.mark.parametrize("grid", [HW, (6, 8), (50, 61)])
def test_dense_equals_reference(
    visibility: Literal["depth_relative", "depth_absolute", "zbuffer", "none"],
    sampling: Literal["nearest", "bilinear"],
    grid: tuple[int, int],
) -> None:
    config = LiftConfig(visibility=visibility, sampling=sampling, border_px=2, tau=0.4)
    points, views = _points(), _views()
    lift = lift_dense(views, _encode_to(grid), points, config=config, channels=CHANNELS)
    mean, num_views = lift_dense_reference(
        views, _encode_to(grid), points, config=config, channels=CHANNELS, radii_m=splat_radii(points)
    )
    np.testing.assert_array_equal(lift.num_views, num_views)
    assert (num_views > 0).sum() > 30
    assert num_views.max() > 1
    assert lift.feat.dtype == np.float32
    scale = np.abs(mean).max(axis=1, keepdims=True)
    assert (np.abs(lift.feat - mean) <= 1e-5 * scale).all()
    assert not lift.feat[num_views == 0].any()


def test_dense_mean_by_hand() -> None:
    view = View("a", np.zeros((3, 3, 3), np.uint8), np.ones((3, 3)), np.eye(4), np.diag([1.0, 1, 1]))
    maps = iter([np.arange(9.0).reshape(3, 3, 1), 10 + np.arange(9.0).reshape(3, 3, 1)])
    points = np.array([[1.0, 2, 1], [0, 0, 5]])
    lift = lift_dense([view, view], lambda _: next(maps), points, config=LiftConfig(border_px=0), channels=1)
    assert lift.feat.tolist() == [[12.0], [0.0]]  # pixel (1, 2) is number 7: mean of 7 and 17
    assert lift.num_views.tolist() == [2, 0]


def test_dense_takes_channel_first_memory() -> None:
    def first(image: np.ndarray) -> np.ndarray:
        return np.ascontiguousarray(encode(image).transpose(2, 0, 1)).transpose(1, 2, 0)

    config = LiftConfig(visibility="none")
    one = lift_dense(_views(), encode, _points(), config=config, channels=CHANNELS)
    two = lift_dense(_views(), first, _points(), config=config, channels=CHANNELS)
    np.testing.assert_array_equal(one.feat, two.feat)


def test_dense_order_of_points_is_carried_through() -> None:
    points = _points()
    order = np.random.default_rng(0).permutation(len(points))
    config = LiftConfig(tau=0.4, border_px=0)
    one = lift_dense(_views(), encode, points, config=config, channels=CHANNELS)
    two = lift_dense(_views(), encode, points[order], config=config, channels=CHANNELS)
    np.testing.assert_array_equal(one.feat[order], two.feat)
    np.testing.assert_array_equal(one.num_views[order], two.num_views)


def test_dense_batches_of_views_add_up() -> None:
    config = LiftConfig(tau=0.4, border_px=0)
    views, points = _views(6), _points()
    whole = lift_dense(views, encode, points, config=config, channels=CHANNELS)
    parts = [
        lift_dense(part, encode, points, config=config, channels=CHANNELS) for part in (views[:2], views[2:])
    ]
    num_views = sum(part.num_views for part in parts)
    np.testing.assert_array_equal(whole.num_views, num_views)
    sums = sum(part.feat.astype(np.float64) * part.num_views[:, None] for part in parts)
    np.testing.assert_allclose(whole.feat, sums / np.maximum(num_views, 1)[:, None], atol=1e-5)


def test_turning_the_world_with_its_cameras_changes_nothing() -> None:
    q, _ = np.linalg.qr(np.random.default_rng(2).standard_normal((3, 3)))
    turn = np.eye(4)
    turn[:3, :3] = q * np.sign(np.linalg.det(q))
    views = _views()
    turned = [View(v.name, v.color, v.depth_m, v.cam_from_world @ turn.T, v.intrinsics) for v in views]
    config = LiftConfig(tau=0.4, border_px=0)
    one = lift_dense(views, encode, _points(), config=config, channels=CHANNELS)
    two = lift_dense(turned, encode, _points() @ turn[:3, :3].T, config=config, channels=CHANNELS)
    np.testing.assert_array_equal(one.num_views, two.num_views)
    np.testing.assert_allclose(one.feat, two.feat, atol=1e-6)


def _votes(lift: MaskLift) -> list[Counter[tuple[str, str]]]:
    rows = []
    for start, stop in zip(lift.row_start[:-1], lift.row_start[1:], strict=True):
        ids, counts = lift.caption_id[start:stop], lift.count[start:stop]
        assert (np.diff(ids) > 0).all()
        pairs = [(lift.captions[i], lift.caption_labels[i]) for i in ids]
        rows.append(Counter(dict(zip(pairs, counts.tolist(), strict=True))))
    return rows


@pytest.mark.parametrize("visibility", ["depth_relative", "depth_absolute", "zbuffer", "none"])
def test_masks_equal_reference(
    visibility: Literal["depth_relative", "depth_absolute", "zbuffer", "none"],
) -> None:
    config = LiftConfig(visibility=visibility, tau=0.4, border_px=1)
    lift = lift_masks(_views(8), _segment, _caption, _points(), config=config)
    expected = lift_masks_reference(
        _views(8), _segment, _caption, _points(), config=config, radii_m=splat_radii(_points())
    )
    assert _votes(lift) == expected
    assert lift.num_views.tolist() == [sum(votes.values()) for votes in expected]
    assert max(len(votes) for votes in expected) > 1
    assert lift.num_views.max() > 1
    assert list(lift.captions) == sorted(lift.captions)
    assert [array.dtype for array in (lift.row_start, lift.caption_id, lift.count)] == [
        np.int64,
        np.int32,
        np.int32,
    ]


def test_masks_do_not_depend_on_the_order_of_views() -> None:
    config = LiftConfig(visibility="none")
    one = lift_masks(_views(), _segment, _caption, _points(), config=config)
    two = lift_masks(_views()[::-1], _segment, _caption, _points(), config=config)
    assert one.captions == two.captions
    for name in ("row_start", "caption_id", "count", "num_views"):
        np.testing.assert_array_equal(getattr(one, name), getattr(two, name))


def test_masks_without_points_leave_no_captions() -> None:
    def nothing(image: np.ndarray) -> MaskSet:
        return MaskSet(np.full(HW, -1), ("chair",), np.ones(1))

    lift = lift_masks(_views(), nothing, lambda image, masks: ["a chair"], _points(), config=LiftConfig())
    assert lift.captions == ()
    assert not lift.num_views.any()
    assert lift.row_start.tolist() == [0] * 401


def test_masks_are_never_interpolated() -> None:
    nearest = lift_masks(_views(), _segment, _caption, _points(), config=LiftConfig(sampling="nearest"))
    bilinear = lift_masks(_views(), _segment, _caption, _points(), config=LiftConfig(sampling="bilinear"))
    assert len(nearest.count)
    assert np.array_equal(nearest.row_start, bilinear.row_start)
    assert np.array_equal(nearest.caption_id, bilinear.caption_id)
    assert np.array_equal(nearest.count, bilinear.count)


def test_what_is_refused() -> None:
    config = LiftConfig(visibility="none", border_px=0)
    with pytest.raises(InputError, match=r"frame f0.*3 mask labels, 1 captions"):
        lift_masks(_views(), _segment, lambda image, masks: ["a chair"], _points(), config=config)
    with pytest.raises(InputError, match=r"frame f0.*features of shape"):
        lift_dense(_views(), encode, _points(), config=config, channels=CHANNELS + 1)
    with pytest.raises(InputError, match="not finite"):
        lift_dense(_views(), lambda i: encode(i) * np.nan, _points(), config=config, channels=CHANNELS)
