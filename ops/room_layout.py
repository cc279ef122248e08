"""Where furniture may stand: pieces are added one by one, and none touches another or leaves the room.

Which pieces a room gets is ``ops/room_plans.py``'s business.
"""

from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float

from ops.furniture_base import Furniture

_TRIES = 40
_GAP_M = 0.03
_BACK_M = 0.014  # behind a piece at a wall, for the skirting
_FLAT_M = 0.02  # what is lower, a rug, may lie under other pieces


@dataclass(frozen=True)
class Placed:
    """A piece of furniture somewhere in a room: turned about z, then moved by ``offset`` (metres).

    ``host`` is the number of the piece it stands on or belongs to, -1 if it stands by itself.
    """

    furniture: Furniture
    yaw_rad: float
    offset: Float[np.ndarray, "3"]
    host: int = -1

    def box(self) -> Float[np.ndarray, "2 3"]:
        """Low and high corner of the axis-aligned box around the piece, metres."""
        width, depth, height = self.furniture.size_m
        corners = np.array(
            [[x, y, z] for x in (-width / 2, width / 2) for y in (0, depth) for z in (0, height)]
        )
        moved = corners @ turn(self.yaw_rad).T + self.offset
        return np.stack([moved.min(axis=0), moved.max(axis=0)])

    def at(self, x: float, y: float, z: float = 0.0) -> Float[np.ndarray, "3"]:
        """A position in the piece's own frame, in the room's."""
        moved: np.ndarray = turn(self.yaw_rad) @ (x, y, z) + self.offset
        return moved


@dataclass(frozen=True)
class Wall:
    """A straight inner side of the room: ``length_m`` from ``start`` on, to the left seen from inside."""

    start: tuple[float, float]
    length_m: float
    yaw_rad: float

    def against(
        self, furniture: Furniture, along: float, height_m: float = 0.0, gap_m: float = _BACK_M
    ) -> Placed:
        """A piece with its back to the wall, its middle ``along`` metres from the wall's start."""
        place = turn(self.yaw_rad) @ (along, gap_m, 0.0) + (*self.start, height_m)
        return Placed(furniture, self.yaw_rad, place)


class Layout:
    """The pieces placed so far; refuses those that would touch another or leave the room.

    ``notch`` is a box in one corner that does not belong to the room, for an L-shaped one.
    """

    def __init__(
        self,
        rng: np.random.Generator,
        size_m: tuple[float, float, float],
        notch: Float[np.ndarray, "2 3"] | None = None,
    ) -> None:
        self.rng = rng
        self.size_m = size_m
        self.notch = notch
        self.walls = _walls(size_m, notch)
        self.placed: list[Placed] = []
        self._taken: list[tuple[int, Float[np.ndarray, "2 3"]]] = [] if notch is None else [(-2, notch)]

    def add(self, piece: Placed, *, free_in_front_m: float = 0.0) -> bool:
        """Place the piece if there is room; ``free_in_front_m`` keeps that depth before it free.

        The piece may touch its host and whatever else belongs to that.
        """
        taken = piece.box()
        if (taken[0] < -1e-9).any() or (taken[1] > np.array(self.size_m) + 1e-9).any():
            return False
        reach = taken.copy()
        front = turn(piece.yaw_rad) @ (0, free_in_front_m, 0)
        reach[0] += np.minimum(front, 0)
        reach[1] += np.maximum(front, 0)
        flat = piece.furniture.size_m[2] < _FLAT_M
        for owner, (low, high) in self._taken:
            if (flat and owner != -2) or (piece.host >= 0 and owner == piece.host):
                continue
            gap = 0.0 if owner == -2 else _GAP_M
            if (reach[0] < high + gap).all() and (reach[1] > low - gap).all():
                return False
        self.placed.append(piece)
        if not flat:
            self._taken.append((len(self.placed) - 1, reach))
        return True

    def add_at_wall(
        self,
        furniture: Furniture,
        *,
        height_m: float = 0.0,
        wall: int | None = None,
        free_in_front_m: float = 0.0,
        from_corner_m: float = 0.02,
    ) -> int:
        """Try places along the walls, the back to the wall; the piece's number, -1 if no place is free."""
        for attempt in range(_TRIES):
            side = self.walls[int(self.rng.integers(len(self.walls))) if wall is None else wall]
            margin = furniture.size_m[0] / 2 + from_corner_m
            if side.length_m < 2 * margin:
                continue
            along = float(self.rng.uniform(margin, side.length_m - margin))
            if attempt % 3 == 0:  # corners are where large things stand
                along = margin if self.rng.random() < 0.5 else side.length_m - margin
            if self.add(side.against(furniture, along, height_m), free_in_front_m=free_in_front_m):
                return len(self.placed) - 1
        return -1

    def add_beside(self, neighbour: int, furniture: Furniture, side: int, gap_m: float = 0.06) -> int:
        """Place a piece left (-1) or right (1) of another, their backs in line."""
        other = self.placed[neighbour]
        x = side * (other.furniture.size_m[0] / 2 + furniture.size_m[0] / 2 + gap_m)
        return self._number(self.add(Placed(furniture, other.yaw_rad, other.at(x, 0))))

    def add_in_front(
        self, neighbour: int, furniture: Furniture, gap_m: float, *, facing: bool, x: float = 0.0
    ) -> int:
        """Place a piece before another, in the space kept free there: facing it, or turned as it is."""
        other, place = self.placed[neighbour], gap_m + self.placed[neighbour].furniture.size_m[1]
        yaw = other.yaw_rad + np.pi * facing
        offset = other.at(x, place + furniture.size_m[1] * facing)
        index = next((i for i, (owner, _) in enumerate(self._taken) if owner == neighbour), None)
        if index is None:
            return self._number(self.add(Placed(furniture, yaw, offset)))
        kept, self._taken[index] = self._taken[index], (neighbour, other.box())
        done = self.add(Placed(furniture, yaw, offset))
        if not done:
            self._taken[index] = kept
        return self._number(done)

    def add_on(self, host: int, furniture: Furniture, *, turned: bool = False) -> int:
        """Put a piece on one of another's tops, anywhere it fits, its front to the other's front."""
        other = self.placed[host]
        if not other.furniture.tops:
            return -1
        for _ in range(6):
            (x0, y0, x1, y1), z = other.furniture.tops[int(self.rng.integers(len(other.furniture.tops)))]
            width, depth, _ = furniture.size_m
            if x1 - x0 < width or y1 - y0 < depth:
                continue
            x = float(self.rng.uniform(x0 + width / 2, x1 - width / 2))
            y = float(self.rng.uniform(y0, y1 - depth))
            yaw = other.yaw_rad + (float(self.rng.uniform(-0.3, 0.3)) if turned else 0.0)
            if self.add(Placed(furniture, yaw, other.at(x, y, z), host)):
                return len(self.placed) - 1
        return -1

    def add_free(self, furniture: Furniture, *, spread: float = 1.0) -> int:
        """Place a piece anywhere on the floor, nearer the middle with a small ``spread``, turned anyhow."""
        size = np.array(self.size_m[:2])
        for _ in range(_TRIES):
            middle = size / 2 + self.rng.uniform(-0.5, 0.5, 2) * size * spread
            yaw = float(self.rng.integers(4)) * np.pi / 2 + float(self.rng.uniform(-0.25, 0.25)) * (
                spread == 1.0
            )
            offset = middle - (turn(yaw) @ (0, furniture.size_m[1] / 2, 0))[:2]
            if self.add(Placed(furniture, yaw, np.array([*offset, 0.0]))):
                return len(self.placed) - 1
        return -1

    def add_into(self, host: int, piece: Placed) -> int:
        """Place a piece in a hole of another that was made for it, which needs no check."""
        self.placed.append(replace(piece, host=host))
        return len(self.placed) - 1

    def undo(self) -> None:
        """Take away the piece placed last."""
        self.placed.pop()
        self._taken = [(owner, taken) for owner, taken in self._taken if owner < len(self.placed)]

    def _number(self, done: bool) -> int:
        return len(self.placed) - 1 if done else -1


def _walls(size_m: tuple[float, float, float], notch: Float[np.ndarray, "2 3"] | None) -> list[Wall]:
    """The inner sides; a notch at the room's high corner shortens two and adds two."""
    x, y, _ = size_m
    a, b = (x, y) if notch is None else (float(notch[0, 0]), float(notch[0, 1]))
    walls = [
        Wall((0.0, 0.0), x, 0.0),
        Wall((0.0, y), y, -np.pi / 2),
        Wall((a, y), a, np.pi),
        Wall((x, 0.0), b, np.pi / 2),
    ]
    if notch is not None:
        walls += [Wall((x, b), x - a, np.pi), Wall((a, b), y - b, np.pi / 2)]
    return walls


def turn(yaw_rad: float) -> Float[np.ndarray, "3 3"]:
    """Rotation about z, counter-clockwise seen from above."""
    c, s = np.cos(yaw_rad), np.sin(yaw_rad)
    return np.array([[c, -s, 0.0], [s, c, 0.0], [0.0, 0.0, 1.0]])
