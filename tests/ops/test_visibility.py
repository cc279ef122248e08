"""Seen pixels against the point-by-point reference, and the z-buffer on scenes where occlusion is known."""

from typing import Literal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ops.lift_reference import cloud_depth_reference, project_point, seen_pixels_reference
from ops.visibility import cloud_depth, project, seen_pixels, splat_radii
from schema.config_stages import LiftConfig
from schema.errors import InputError
from schema.records import View

Visibility = Literal["depth_relative", "depth_absolute", "zbuffer", "none"]


def _view(
    hw: tuple[int, int] = (30, 40),
    depth: np.ndarray | None = None,
    seed: int | None = None,
    skew: float = 0.0,
) -> View:
    cam_from_world = np.eye(4)
    if seed is not None:
        rng = np.random.default_rng(seed)
        q, _ = np.linalg.qr(rng.standard_normal((3, 3)))
        cam_from_world[:3, :3] = q * np.sign(np.linalg.det(q))
        cam_from_world[:3, 3] = rng.uniform(-1, 1, 3)
    intrinsics = np.array([[30.0, skew, hw[1] / 2 - 0.5], [0, 31.0, hw[0] / 2 - 0.5], [0, 0, 1]])
    return View("v", np.zeros((*hw, 3), dtype=np.uint8), depth, cam_from_world, intrinsics)


@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    visibility=st.sampled_from(["depth_relative", "depth_absolute", "zbuffer", "none"]),
    border=st.integers(0, 12),
    tau=st.sampled_from([0.01, 0.1, 0.5]),
)
def test_equals_reference(seed: int, visibility: Visibility, border: int, tau: float) -> None:
    rng = np.random.default_rng(seed)
    points = rng.uniform(-3, 3, (300, 3))
    depth = rng.uniform(0.2, 4, (30, 40)).astype(np.float32)
    depth[rng.random(depth.shape) < 0.2] = rng.choice([0, np.nan, np.inf, -1])
    view = _view(depth=depth, seed=seed, skew=0.3)
    config = LiftConfig(visibility=visibility, border_px=border, tau=tau)
    radii = splat_radii(points)
    expected = seen_pixels_reference(points, view, config, radii)
    np.testing.assert_array_equal(seen_pixels(points, view, config, radii), expected)


def test_projection_and_cloud_depth_equal_the_reference() -> None:
    points = np.random.default_rng(0).uniform(-2, 2, (400, 3))
    view = _view(seed=3)
    uvz = project(points, view)
    for point, row in zip(points.tolist(), uvz, strict=True):
        expected = project_point(point, view)
        assert (
            (np.isnan(row[:2]).all() and row[2] <= 0) if expected is None else row.tolist() == list(expected)
        )
    radii = splat_radii(points)
    np.testing.assert_array_equal(
        cloud_depth(points, view, radii), cloud_depth_reference(points, view, radii)
    )


def test_halves_round_up_and_borders_count_from_the_pixel() -> None:
    intrinsics = np.array([[1.0, 0, 0], [0, 1, 0], [0, 0, 1]])
    view = View("v", np.zeros((4, 6, 3), dtype=np.uint8), None, np.eye(4), intrinsics)
    points = np.array(
        [[0.5, 0, 1], [-0.5, 0, 1], [-0.51, 0, 1], [5.49, 3.49, 1], [5.5, 0, 1], [1, 1, 0], [1, 1, -1]]
    )
    seen = seen_pixels(points, view, LiftConfig(visibility="none", border_px=0))
    assert seen.tolist() == [1, 0, -1, 23, -1, -1, -1]
    inner = seen_pixels(
        np.array([[1.0, 1, 1], [0, 1, 1], [4, 2, 1], [5, 2, 1]]),
        view,
        LiftConfig(visibility="none", border_px=1),
    )
    assert inner.tolist() == [7, -1, 16, -1]


@pytest.mark.parametrize(
    ("visibility", "tau", "expected"),
    [
        ("depth_relative", 0.1, [True, True, False, False]),
        ("depth_absolute", 0.1, [True, False, False, False]),
    ],
)
def test_tolerance_by_hand(visibility: Visibility, tau: float, expected: list[bool]) -> None:
    points = np.array([[0, 0, 2.05], [0, 0, 2.15], [0, 0, 2.25], [0, 0, 1.75]])
    view = _view(depth=np.full((30, 40), 2.0, dtype=np.float32))
    config = LiftConfig(visibility=visibility, tau=tau)
    assert (seen_pixels(points, view, config) >= 0).tolist() == expected


def _wall(z: float, half: float, spacing: float, rng: np.random.Generator | None) -> np.ndarray:
    if rng is None:
        a, b = (axis.reshape(-1) for axis in np.mgrid[-half:half:spacing, -half:half:spacing])
    else:
        a, b = rng.uniform(-half, half, (2, int((2 * half / spacing) ** 2)))
    return np.stack([a, b, np.full(len(a), z)], axis=1)


@pytest.mark.parametrize("random", [False, True])
@pytest.mark.parametrize("near_spacing", [0.02, 0.06])
def test_the_background_does_not_leak_through_the_samples_of_the_foreground(
    random: bool, near_spacing: float
) -> None:
    rng = np.random.default_rng(0) if random else None
    near, far = _wall(1.0, 0.5, near_spacing, rng), _wall(2.0, 2.0, 0.03, rng)
    points = np.concatenate([near, far])
    intrinsics = np.array([[200.0, 0, 159.5], [0, 200.0, 119.5], [0, 0, 1]])
    view = View("v", np.zeros((240, 320, 3), dtype=np.uint8), None, np.eye(4), intrinsics)
    config = LiftConfig(visibility="zbuffer", tau=0.05, border_px=0)
    seen = seen_pixels(points, view, config) >= 0
    in_frame = seen_pixels(points, view, LiftConfig(visibility="none", border_px=0)) >= 0
    behind = (np.abs(points[:, :2]) < 0.9).all(axis=1) & (points[:, 2] == 2.0)
    beside = (np.abs(points[:, :2]) > 1.3).any(axis=1) & (points[:, 2] == 2.0)
    assert in_frame[behind].all()  # without the test all of them would be seen
    assert seen[behind].mean() < 0.005
    assert seen[: len(near)].all()
    assert seen[beside & in_frame].all()


def test_a_stray_point_hides_what_three_median_radii_do_and_no_more() -> None:
    far = _wall(2.0, 1.0, 0.03, None)
    points = np.concatenate([[[0.0, 0.0, 0.5]], far])
    view = _view((240, 320))
    config = LiftConfig(visibility="zbuffer", border_px=0)
    hidden = seen_pixels(points, view, config)[1:] < 0
    reach = 4 * 3 * np.median(splat_radii(points))  # four times as far away, four times as wide
    assert not hidden[(np.abs(far[:, :2]) > reach + 0.1).any(axis=1)].any()
    assert hidden[(np.abs(far[:, :2]) < reach - 0.1).all(axis=1)].all()
    uncapped = np.append(1.5, splat_radii(points)[1:])
    assert (seen_pixels(points, view, config, uncapped)[1:] < 0).all()


def test_splats_are_the_sixth_neighbours_distance() -> None:
    line = np.stack([np.arange(50.0), np.zeros(50), np.zeros(50)], axis=1)
    radii = splat_radii(line)
    assert radii[25] == 3.0  # three on either side
    assert radii[0] == 6.0
    assert splat_radii(line[:1]).tolist() == [0.0]


def test_what_is_refused() -> None:
    with pytest.raises(InputError, match=r"frame v.*no depth.*zbuffer"):
        seen_pixels(np.zeros((1, 3)), _view(), LiftConfig())
    with pytest.raises(InputError, match="depth is 3x3 px"):
        seen_pixels(np.zeros((1, 3)), _view(depth=np.ones((3, 3))), LiftConfig())
