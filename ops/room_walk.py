"""The camera's walk through a room: where a person would walk, and where that person looks.

What the camera sees is ``ops/raycast.py``'s business.
"""

import itertools

import numpy as np
from jaxtyping import Bool, Float, Int
from scipy.ndimage import binary_dilation, label
from scipy.sparse import coo_array, csr_array
from scipy.sparse.csgraph import dijkstra

from ops.cameras import look_at
from ops.rooms import Room

_CELL_M = 0.1
_WALK_UNDER_M = 1.85  # things higher than this are no obstacles
_STEP_OVER_M = 0.1
_HALF_VIEW = np.radians([28.0, 21.0])
_NUM_YAWS = 24
_NUM_GAZES = 12


def camera_walk(room: Room, seed: int, num_frames: int) -> Float[np.ndarray, "F 4 4"]:
    """``world_from_cam`` (OpenCV axes) of somebody who walks through the room and looks around.

    The eye is 1.4 to 1.7 m high and never inside or right beside a piece of furniture. Where it looks is
    chosen so that everything comes into view again and again.
    """
    rng = np.random.default_rng([seed, 1])
    free = _free_floor(room)
    path = _resample(_smooth(_tour(free, rng), free), num_frames)
    phase = rng.uniform(0, 2 * np.pi, 2)
    along = np.linspace(0, 1, num_frames)
    low = min(1.55, room.size_m[2] - 0.4)
    height = low + 0.1 * np.sin(2 * np.pi * along + phase[0]) + 0.02 * np.sin(23 * along + phase[1])
    eyes = np.column_stack([path, height])
    return np.stack([look_at(eye, eye + way) for eye, way in zip(eyes, _gaze(room, eyes), strict=True)])


def _free_floor(room: Room) -> Bool[np.ndarray, "X Y"]:
    """Cells of the floor where one can stand, the largest connected part of them."""
    shape = np.ceil(np.array(room.size_m[:2]) / _CELL_M).astype(int)
    blocked = np.zeros(tuple(shape), dtype=bool)
    boxes = [piece.box for piece in room.pieces if piece.host_id < 0] + (
        [] if room.notch is None else [room.notch]
    )
    for low, high in boxes:
        if low[2] < _WALK_UNDER_M and high[2] > _STEP_OVER_M:
            a = np.floor(low[:2] / _CELL_M).astype(int)
            b = np.ceil(high[:2] / _CELL_M).astype(int)
            blocked[max(a[0], 0) : b[0], max(a[1], 0) : b[1]] = True
    blocked = np.pad(blocked, 1, constant_values=True)
    disk = np.hypot(*np.mgrid[-3:4, -3:4])
    for keep in (3.2, 2.3, 1.5, 1.0):  # cells
        free = ~binary_dilation(blocked, disk <= keep)[1:-1, 1:-1]
        parts, count = label(free)
        sizes = np.bincount(parts.ravel())[1:]
        if count and sizes.max() >= 12:
            return np.asarray(parts == 1 + int(sizes.argmax()))
    return np.asarray(~blocked[1:-1, 1:-1])


def _tour(free: Bool[np.ndarray, "X Y"], rng: np.random.Generator) -> Float[np.ndarray, "K 2"]:
    """Cells of a walk that visits places far from each other, along shortest ways, in metres."""
    cells = np.argwhere(free)
    graph = _graph(free, cells)
    stops = [int(rng.integers(len(cells)))]
    reach = np.full(len(cells), np.inf)
    for _ in range(4):
        reach = np.minimum(reach, dijkstra(graph, indices=stops[-1]))
        stops.append(int(np.argmax(np.where(np.isfinite(reach), reach, -1))))
    way = dijkstra(graph, indices=stops)
    order, left = [0], set(range(1, len(stops)))
    while left:
        nearest = min(left, key=lambda k: (way[order[-1], stops[k]], k))
        order.append(nearest)
        left.remove(nearest)
    walk = [stops[order[0]]]
    for a, b in itertools.pairwise(order):
        _, before = dijkstra(graph, indices=stops[a], return_predecessors=True)
        back = [stops[b]]
        while back[-1] != stops[a] and before[back[-1]] >= 0:
            back.append(int(before[back[-1]]))
        walk += back[-2::-1]
    return (cells[walk] + 0.5) * _CELL_M


def _graph(free: Bool[np.ndarray, "X Y"], cells: Int[np.ndarray, "N 2"]) -> csr_array:
    number = np.full(np.array(free.shape) + 1, -1)
    number[tuple(cells.T)] = np.arange(len(cells))
    ends = []
    for step in ((1, 0), (0, 1), (1, 1), (1, -1)):
        other = number[cells[:, 0] + step[0], cells[:, 1] + step[1]]
        here = np.flatnonzero(other >= 0)
        ends.append((here, other[here], np.full(len(here), np.hypot(*step))))
    a, b, far = (np.concatenate(column) for column in zip(*ends, strict=True))
    both = np.concatenate([a, b]), np.concatenate([b, a])
    return csr_array(coo_array((np.concatenate([far, far]), both), shape=(len(cells), len(cells))))


def _smooth(path: Float[np.ndarray, "K 2"], free: Bool[np.ndarray, "X Y"]) -> Float[np.ndarray, "K 2"]:
    """The path with its corners cut where that stays on free cells."""
    if len(path) < 3:
        return path
    for _ in range(20):
        mean = path.copy()
        mean[1:-1] = (path[:-2] + 2 * path[1:-1] + path[2:]) / 4
        cell = np.clip((mean / _CELL_M).astype(int), 0, np.array(free.shape) - 1)
        path = np.where(free[tuple(cell.T)][:, None], mean, path)
    return path


def _resample(path: Float[np.ndarray, "K 2"], num_frames: int) -> Float[np.ndarray, "F 2"]:
    step = np.linalg.norm(np.diff(path, axis=0), axis=1) if len(path) > 1 else np.zeros(0)
    along = np.concatenate([[0.0], np.cumsum(step)])
    wanted = np.linspace(0, along[-1], num_frames)
    return np.stack([np.interp(wanted, along, path[:, k]) for k in range(2)], axis=1)


def _gaze(room: Room, eyes: Float[np.ndarray, "F 3"]) -> Float[np.ndarray, "F 3"]:
    """Directions of view: every few steps towards where most is in sight that was seen least so far."""
    points, owner, weight = _things(room)
    seen = np.zeros(len(points))
    step = max(1, round(len(eyes) / _NUM_GAZES))
    keys = list(range(0, len(eyes), step))
    yaws: list[float] = []
    tilts: list[float] = []
    for key in keys:
        way = points - eyes[key]
        distance = np.linalg.norm(way, axis=1)
        angle = np.arctan2(way[:, 1], way[:, 0])
        pitch = np.arcsin(np.clip(way[:, 2] / np.maximum(distance, 1e-6), -1, 1))
        visible = (distance > 0.5) & (distance < 6.0) & ~_hidden(room, eyes[key], points, owner)
        gain = weight / (1 + seen) ** 2 * visible * np.clip((distance - 0.5) / 1.0, 0.1, 1)
        yaw, inside = _best_yaw(angle, gain, yaws[-1] if yaws else None)
        total = float((inside * gain).sum())
        tilt = float((inside * gain * pitch).sum()) / total if total > 0 else -0.3
        yaws.append(yaw)
        tilts.append(float(np.clip(tilt, -0.85, -0.05)))
        seen += visible * inside * (np.abs(pitch - tilts[-1]) < _HALF_VIEW[1])
    yaw_of = np.interp(np.arange(len(eyes)), keys, np.unwrap(yaws))
    tilt_of = np.interp(np.arange(len(eyes)), keys, tilts)
    flat = np.cos(tilt_of)
    return np.stack([flat * np.cos(yaw_of), flat * np.sin(yaw_of), np.sin(tilt_of)], axis=1)


def _best_yaw(
    angle: Float[np.ndarray, "S"], gain: Float[np.ndarray, "S"], before: float | None
) -> tuple[float, Bool[np.ndarray, "S"]]:
    """The direction in which most is gained, and what is in view then; a little rather the one before."""
    yaws = np.arange(_NUM_YAWS) * 2 * np.pi / _NUM_YAWS
    inside = np.abs(_wrapped(angle[None] - yaws[:, None])) < _HALF_VIEW[0]
    score = (inside * gain).sum(axis=1) + 1e-9
    if before is not None:
        score *= np.exp(-((_wrapped(yaws - before) / 3.0) ** 2))
    best = int(np.argmax(score))
    return float(yaws[best]), inside[best]


def _things(room: Room) -> tuple[Float[np.ndarray, "S 3"], Int[np.ndarray, "S"], Float[np.ndarray, "S"]]:
    """Points to look at: corners and middles of pieces, and a grid on walls and floor."""
    share = np.array([[x, y, z] for x in (0.15, 0.5, 0.85) for y in (0.15, 0.5, 0.85) for z in (0.2, 0.8)])
    points = [piece.box[0] + share * (piece.box[1] - piece.box[0]) for piece in room.pieces]
    owner = [np.full(len(share), index) for index in range(len(room.pieces))]
    weight = [np.full(len(share), 1.0 / len(share)) for _ in room.pieces]
    x, y, z = room.size_m
    for fixed in range(2):
        for at in (0.02, room.size_m[fixed] - 0.02):
            u, v = np.meshgrid(np.linspace(0.1, (y, x)[fixed] - 0.1, 8), np.linspace(0.2, z - 0.4, 4))
            wall = np.stack([np.full(u.size, at), u.ravel(), v.ravel()], axis=1)
            points.append(wall if fixed == 0 else wall[:, [1, 0, 2]])
    u, v = np.meshgrid(np.linspace(0.2, x - 0.2, 8), np.linspace(0.2, y - 0.2, 8))
    points.append(np.stack([u.ravel(), v.ravel(), np.zeros(u.size)], axis=1))
    shell = sum(len(group) for group in points[len(room.pieces) :])
    owner.append(np.full(shell, -1))
    weight.append(np.full(shell, 0.03))
    return np.vstack(points), np.concatenate(owner), np.concatenate(weight)


def _hidden(
    room: Room, eye: Float[np.ndarray, "3"], points: Float[np.ndarray, "S 3"], owner: Int[np.ndarray, "S"]
) -> Bool[np.ndarray, "S"]:
    """Whether a piece's box, other than the point's own and its host's, stands between eye and point."""
    boxes = np.stack([piece.box for piece in room.pieces])
    host = np.array([piece.host_id for piece in room.pieces]) - room.pieces[0].instance_id
    way = points - eye
    way = np.where(np.abs(way) < 1e-9, 1e-9, way)
    near = (boxes[None, :, 0] - eye) / way[:, None]
    far = (boxes[None, :, 1] - eye) / way[:, None]
    enter, leave = np.minimum(near, far).max(axis=2), np.maximum(near, far).min(axis=2)
    crossed = (enter < leave) & (enter > 0) & (enter < 0.97)
    index = np.arange(len(room.pieces))
    own = (index[None] == owner[:, None]) | (index[None] == np.where(owner >= 0, host[owner], -9)[:, None])
    hosted = np.where(host[None] == owner[:, None], host[None] >= 0, False)
    return np.asarray((crossed & ~own & ~hosted).any(axis=1))


def _wrapped(angle: np.ndarray) -> np.ndarray:
    wrapped: np.ndarray = (angle + np.pi) % (2 * np.pi) - np.pi
    return wrapped
