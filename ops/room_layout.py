"""Where furniture may stand: pieces are added one by one, and none touches another or leaves the room.

Which pieces a room gets is ``ops/rooms.py``'s business.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from ops.furniture_base import Furniture

_TRIES = 60
_GAP_M = 0.03


@dataclass(frozen=True)
class Placed:
    """A piece of furniture somewhere in a room: turned about z, then moved by ``offset`` (metres)."""

    furniture: Furniture
    yaw_rad: float
    offset: Float[np.ndarray, "3"]

    def box(self) -> Float[np.ndarray, "2 3"]:
        """Low and high corner of the axis-aligned box around the piece, metres."""
        width, depth, height = self.furniture.size_m
        corners = np.array(
            [[x, y, z] for x in (-width / 2, width / 2) for y in (0, depth) for z in (0, height)]
        )
        moved = corners @ turn(self.yaw_rad).T + self.offset
        return np.stack([moved.min(axis=0), moved.max(axis=0)])


class Layout:
    """The pieces placed so far; refuses those that would touch another or leave the room."""

    def __init__(self, rng: np.random.Generator, size_m: tuple[float, float, float]) -> None:
        self.rng = rng
        self.size_m = size_m
        self.placed: list[Placed] = []
        self._taken: list[Float[np.ndarray, "2 3"]] = []

    def add(self, piece: Placed, *, free_in_front_m: float = 0.0) -> bool:
        """Place the piece if there is room; ``free_in_front_m`` keeps that depth before it free."""
        taken = piece.box()
        if (taken[0] < -1e-9).any() or (taken[1] > np.array(self.size_m) + 1e-9).any():
            return False
        reach = taken.copy()
        front = turn(piece.yaw_rad) @ (0, free_in_front_m, 0)
        reach[0] += np.minimum(front, 0)
        reach[1] += np.maximum(front, 0)
        for low, high in self._taken:
            if (reach[0] < high + _GAP_M).all() and (reach[1] > low - _GAP_M).all():
                return False
        self.placed.append(piece)
        self._taken.append(reach)
        return True

    def add_in_front(self, piece: Placed) -> bool:
        """Place a piece in the space kept free before the piece placed last."""
        kept, self._taken[-1] = self._taken[-1], self.placed[-1].box()
        if self.add(piece):
            return True
        self._taken[-1] = kept
        return False

    def add_at_wall(
        self,
        furniture: Furniture,
        *,
        height_m: float = 0.0,
        wall: int | None = None,
        free_in_front_m: float = 0.0,
    ) -> Placed | None:
        """Try places along the walls, the back to the wall; None if none is free."""
        for _ in range(_TRIES):
            side = int(self.rng.integers(4)) if wall is None else wall
            length = self.size_m[side % 2]
            margin = furniture.size_m[0] / 2 + 0.01
            along = self.rng.uniform(margin, max(length - margin, margin + 1e-6))
            piece = against(furniture, side, along, self.size_m, height_m)
            if self.add(piece, free_in_front_m=free_in_front_m):
                return piece
        return None


def against(
    furniture: Furniture, side: int, along: float, size_m: tuple[float, float, float], height_m: float
) -> Placed:
    """A piece with its back to wall 0 (y = 0), 1 (x = 0), 2 (y = size) or 3 (x = size)."""
    back = 1e-3
    place = [(along, back), (back, along), (along, size_m[1] - back), (size_m[0] - back, along)][side]
    yaw = (0.0, -np.pi / 2, np.pi, np.pi / 2)[side]
    return Placed(furniture, yaw, np.array([*place, height_m]))


def turn(yaw_rad: float) -> Float[np.ndarray, "3 3"]:
    """Rotation about z, counter-clockwise seen from above."""
    c, s = np.cos(yaw_rad), np.sin(yaw_rad)
    return np.array([[c, -s, 0.0], [s, c, 0.0], [0.0, 0.0, 1.0]])
