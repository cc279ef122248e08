"""Virtual cameras see the surface, and what they render is where and what it is."""

import numpy as np
import pytest

from ops.virtual_cameras import place_cameras
from ops.virtual_views import close_holes, nearest_points, virtual_views
from ops.visibility import seen_pixels
from schema.config_stages import LiftConfig, RenderConfig
from schema.errors import InputError
from schema.records import Cloud

CONFIG = RenderConfig(num_views=24, image_hw=(60, 80), grid_m=1.0)
SPACING = 0.05


def sheet(origin, across, up, color) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """A rectangle of points SPACING apart with two triangles a cell; its normal is across x up."""
    across, up = np.array(across, dtype=float), np.array(up, dtype=float)
    n, m = round(np.linalg.norm(across) / SPACING), round(np.linalg.norm(up) / SPACING)
    i, j = np.meshgrid(np.arange(n + 1), np.arange(m + 1), indexing="ij")
    points = np.array(origin) + i[..., None] / n * across + j[..., None] / m * up
    corner = (i * (m + 1) + j)[:-1, :-1].ravel()
    faces = np.stack([corner, corner + m + 1, corner + m + 2, corner, corner + m + 2, corner + 1], axis=1)
    normal = np.cross(across, up) / np.linalg.norm(np.cross(across, up))
    count = (n + 1) * (m + 1)
    return (
        points.reshape(-1, 3),
        np.tile(normal, (count, 1)),
        np.tile(color, (count, 1)),
        faces.reshape(-1, 3),
    )


def room() -> Cloud:
    """4 x 3 x 2.4 m with a wall of another colour on each side, a red floor and a table-like box."""
    red, green, blue, grey, white = (200, 0, 0), (0, 200, 0), (0, 0, 200), (90, 90, 90), (250, 250, 250)
    parts = [
        sheet((0, 0, 0), (4, 0, 0), (0, 3, 0), red),
        sheet((0, 0, 0), (0, 0, 2.4), (4, 0, 0), green),
        sheet((0, 3, 0), (4, 0, 0), (0, 0, 2.4), blue),
        sheet((0, 0, 0), (0, 3, 0), (0, 0, 2.4), grey),
        sheet((4, 0, 0), (0, 0, 2.4), (0, 3, 0), white),
        sheet((2.6, 2, 0.7), (0.8, 0, 0), (0, 0.6, 0), white),
    ]
    starts = np.cumsum([0, *(len(points) for points, *_ in parts)])
    return Cloud(
        np.vstack([part[0] for part in parts]).astype(np.float32),
        np.vstack([part[1] for part in parts]).astype(np.float32),
        np.vstack([part[2] for part in parts]).astype(np.uint8),
        np.vstack([part[3] + start for part, start in zip(parts, starts, strict=False)]),
    )


def bare(cloud: Cloud) -> Cloud:
    return Cloud(cloud.points_world, np.zeros_like(cloud.normals), cloud.colors, np.zeros((0, 3), np.int64))


@pytest.fixture(scope="module")
def cameras() -> np.ndarray:
    return place_cameras(room(), CONFIG)


def test_cameras_stand_in_the_room_away_from_everything_and_are_repeatable(cameras):
    cloud = room()
    eyes = cameras[:, :3, 3]
    assert 6 < len(cameras) <= 24
    assert ((eyes > 0) & (eyes < (4, 3, 2.4))).all()
    nearest = np.linalg.norm(cloud.points_world[None] - eyes[:, None], axis=2).min(axis=1)
    assert nearest.min() >= CONFIG.clearance_m
    assert np.array_equal(cameras, place_cameras(room(), CONFIG))


@pytest.mark.parametrize("make", [room, lambda: bare(room())], ids=["mesh", "points"])
def test_the_views_cover_the_surface(cameras, make):
    cloud = make()
    config = LiftConfig(tau=0.05, border_px=0)
    seen = np.zeros(len(cloud.points_world), dtype=bool)
    for view in virtual_views(cloud, CONFIG, cameras):
        seen |= seen_pixels(cloud.points_world.astype(np.float64), view, config) >= 0
    assert seen.mean() >= 0.95


def test_the_first_cameras_see_most_and_more_see_more(cameras):
    cloud = room()
    config = LiftConfig(tau=0.05, border_px=0)
    seen = [
        seen_pixels(cloud.points_world.astype(np.float64), view, config) >= 0
        for view in virtual_views(cloud, CONFIG, cameras)
    ]
    covered = [np.any(seen[: n + 1], axis=0).mean() for n in range(len(seen))]
    assert covered[0] < covered[3] < covered[-1]
    assert covered[3] > 0.5 * covered[-1]


@pytest.mark.parametrize("make", [room, lambda: bare(room())], ids=["mesh", "points"])
def test_colour_and_depth_are_those_of_the_surface(make):
    """A camera in the middle looks at the blue wall 1.5 m away; the image's middle is at that depth."""
    pose = np.eye(4)
    pose[:3, :3] = np.array([[1, 0, 0], [0, 0, 1], [0, -1, 0]])  # right, down, ahead = x, -z, y
    pose[:3, 3] = (1.25, 1.5, 1.2)
    view = next(iter(virtual_views(make(), CONFIG, pose[None])))
    assert view.color[30, 40].tolist() == [0, 0, 200]
    assert view.depth_m[20:40, 30:50] == pytest.approx(1.5, abs=1e-4)
    assert view.color[-1, 40].tolist() in ([0, 0, 200], [200, 0, 0])
    assert view.depth_m.dtype == np.float32


def test_a_hole_gets_colour_but_no_depth():
    cloud = room()
    off = np.abs(cloud.points_world - (1.25, 3, 1.2)).max(axis=1) < 0.06
    faces = cloud.faces[~off[cloud.faces].any(axis=1)]
    assert len(faces) < len(cloud.faces)
    pose = np.eye(4)
    pose[:3, :3] = np.array([[1, 0, 0], [0, 0, 1], [0, -1, 0]])
    pose[:3, 3] = (1.25, 1.5, 1.2)
    holed = Cloud(cloud.points_world, cloud.normals, cloud.colors, faces)
    view = next(iter(virtual_views(holed, CONFIG, pose[None])))
    missing = view.depth_m == 0
    assert 0 < missing.sum() < 100
    assert (view.color[missing] == (0, 0, 200)).all()


def test_holes_take_the_colour_of_their_surroundings_and_known_pixels_stay():
    color = np.zeros((61, 80, 3), dtype=np.uint8)
    color[:, :20], color[:, 60:] = 10, 210
    known = np.zeros((61, 80), dtype=bool)
    known[:, :20] = known[:, 60:] = True
    filled = close_holes(color, known)
    assert np.array_equal(filled[known], color[known])
    across = filled[30, :, 0].astype(int)
    assert (np.diff(across) >= -2).all()  # from the one side to the other, without a border
    assert np.diff(across).max() < 30
    assert across[22] < 60
    assert across[57] > 160
    assert np.array_equal(close_holes(color, ~known | known), color)
    assert np.array_equal(close_holes(color, known & ~known), color)


def test_a_colour_goes_on_into_the_empty():
    color = np.full((50, 33, 3), (9, 120, 200), dtype=np.uint8)
    known = np.zeros((50, 33), dtype=bool)
    known[10:20, 5:9] = True
    assert np.abs(close_holes(color, known).astype(int) - (9, 120, 200)).max() <= 1


def test_the_nearer_point_wins_and_among_equals_the_one_in_the_middle():
    uvz = np.array([[5.0, 5.0, 2.0], [5.0, 5.0, 1.0], [8.0, 5.0, 1.0]])
    point = nearest_points(uvz, np.full(3, 2.0), 11, 11)
    assert point[5, 5] == 1
    assert point[5, 6] == 1
    assert point[5, 7] == 2
    assert point[5, 0] == -1


def test_nowhere_to_stand_is_said():
    solid = np.stack(np.meshgrid(*[np.arange(0, 2, 0.1)] * 3, indexing="ij"), axis=-1).reshape(-1, 3)
    cloud = Cloud(
        solid.astype(np.float32), np.zeros_like(solid, np.float32), np.zeros(solid.shape, np.uint8),
        np.zeros((0, 3), np.int64),
    )  # fmt: skip
    with pytest.raises(InputError, match=r"render\.clearance_m"):
        place_cameras(cloud, CONFIG)
