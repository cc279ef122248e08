"""Pictures with captions: crops around objects and whole views, what is true of them, and batches of both.

What captions say is ``ops/scale_captions.py``'s business, what is learned from them ``text_image``'s.
"""

import zlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Bool, Float, Int, UInt8
from scipy import ndimage
from torch.nn import functional

from ops.rooms import Piece
from ops.scale_captions import FACTS, Caption, Facts, facts_of, object_caption, scene_caption
from ops.scale_shell import SHELL
from schema.progress import track
from training.scale.views import Views

_MIN_SHARE_OF_VIEW = 0.004
_MIN_SHARE_OF_BOX = 0.25
_SURFACE_TRIES = 6
_GAIN = 0.1  # colours of a picture are multiplied with 1 -+ this


@dataclass(frozen=True)
class Objects:
    """N objects as views show them, large enough to be named; in the order of the views.

    Attributes:
        view: index into the views.
        pieces: what each is.
        box_px: top, left, bottom, right of its visible pixels, the last two exclusive.
        facts: a number for each of ``FACTS``; 0 unknown.
        odds: probability of each object in a batch: rare kinds are drawn more often than they are seen.
    """

    view: Int[np.ndarray, "N"]
    pieces: tuple[Piece, ...]
    box_px: Int[np.ndarray, "N 4"]
    facts: Int[np.ndarray, "N 5"]
    odds: Float[np.ndarray, "N"]

    def of_view(self, view: int) -> slice:
        """The objects that a view shows."""
        first, last = np.searchsorted(self.view, [view, view + 1])
        return slice(int(first), int(last))


@dataclass(frozen=True)
class CaptionedBatch:
    """B pictures, a caption of each, and which captions are true of which pictures.

    Attributes:
        image: RGB, 0..1.
        texts: captions.
        true: rows are pictures, columns captions; the diagonal is.
    """

    image: Float[torch.Tensor, "B 3 S S"]
    texts: tuple[str, ...]
    true: Bool[torch.Tensor, "B B"]


def find_objects(views: Views) -> Objects:
    """Every object of every view with enough visible pixels, not too much hidden."""
    found: list[tuple[int, Piece, tuple[int, int, int, int]]] = []
    for view in track(range(len(views.color)), "find objects"):
        instance = np.where(views.semantic[view] >= 0, views.instance[view], -1)
        pieces = views.pieces(view)
        for label, where in enumerate(ndimage.find_objects(instance + 1)):
            if where is None or label not in pieces:
                continue
            rows, columns = where
            size_px = int(np.count_nonzero(instance[where] == label))
            share = size_px / ((rows.stop - rows.start) * (columns.stop - columns.start))
            large = size_px >= _MIN_SHARE_OF_VIEW * instance.size
            if large and (share >= _MIN_SHARE_OF_BOX or pieces[label].label in SHELL):
                box = (rows.start, columns.start, rows.stop, columns.stop)
                found.append((view, pieces[label], box))
    pieces_found = tuple(piece for _, piece, _ in found)
    return Objects(
        view=np.array([view for view, _, _ in found], dtype=np.int64),
        pieces=pieces_found,
        box_px=np.array([box for _, _, box in found], dtype=np.int64).reshape(-1, 4),
        facts=codes([facts_of(piece) for piece in pieces_found]),
        odds=_odds([piece.kind for piece in pieces_found]),
    )


def codes(facts: Sequence[Facts]) -> Int[np.ndarray, "N 5"]:
    """A number for each word, 0 for none."""
    table = [[zlib.crc32(word.encode()) for word in words] for words in facts]
    return np.array(table, dtype=np.int64).reshape(-1, len(FACTS))


def is_true(said: Int[np.ndarray, "... 5"], facts: Int[np.ndarray, "... 5"]) -> Bool[np.ndarray, "..."]:
    """Whether all that is said holds; arrays are broadcast."""
    held: np.ndarray = ((said == 0) | (said == facts)).all(axis=-1)
    return held


def object_batch(
    views: Views, objects: Objects, *, count: int, side_px: int, rng: np.random.Generator
) -> CaptionedBatch:
    """Crops around objects, each with a caption.

    Args:
        views: the pictures.
        objects: what they show.
        count: B.
        side_px: S.
        rng: decides everything.
    """
    chosen = rng.choice(len(objects.view), size=count, p=objects.odds)
    captions = []
    for index in chosen:
        plan = views.rooms[views.room[objects.view[index]]].plan
        captions.append(object_caption(objects.pieces[index], plan, rng))
    image = torch.stack([object_image(views, objects, int(index), side_px, rng=rng) for index in chosen])
    said = codes([caption.said[0] for caption in captions])
    true = is_true(said[None], objects.facts[chosen][:, None])
    return CaptionedBatch(image, tuple(caption.text for caption in captions), torch.from_numpy(true))


def scene_batch(
    views: Views, objects: Objects, *, count: int, side_px: int, rng: np.random.Generator
) -> CaptionedBatch:
    """Whole views, each with a caption; arguments as of ``object_batch``."""
    chosen = rng.choice(len(views.color), size=count, replace=count > len(views.color))
    plans = [views.rooms[views.room[view]].plan for view in chosen]
    shown = [objects.of_view(int(view)) for view in chosen]
    captions = [
        scene_caption(_furniture(objects.pieces[where]), plan, rng)
        for where, plan in zip(shown, plans, strict=True)
    ]
    image = torch.stack([resized(views.color[view], side_px, rng) for view in chosen])
    true = [
        [_holds(caption, objects.facts[where], plan) for caption in captions]
        for where, plan in zip(shown, plans, strict=True)
    ]
    return CaptionedBatch(image, tuple(caption.text for caption in captions), torch.tensor(true))


def object_image(
    views: Views, objects: Objects, index: int, side_px: int, *, rng: np.random.Generator
) -> Float[torch.Tensor, "3 S S"]:
    """A picture of an object with something of what is around it."""
    view = int(objects.view[index])
    piece = objects.pieces[index]
    window = (
        _surface_window(views.instance[view] == piece.instance_id, rng)
        if piece.label in SHELL
        else _box_window(objects.box_px[index], views.color.shape[1:3], rng)
    )
    return resized(views.color[view][window], side_px, rng)


def resized(
    color: UInt8[np.ndarray, "H W 3"], side_px: int, rng: np.random.Generator
) -> Float[torch.Tensor, "3 S S"]:
    """The picture as a square, mirrored every other time, its colours a little stronger or weaker."""
    image = torch.from_numpy(np.array(color)).permute(2, 0, 1)[None].to(torch.float32) / 255
    small = functional.interpolate(image, (side_px, side_px), mode="bilinear", antialias=True)[0]
    gain = torch.from_numpy(rng.uniform(1 - _GAIN, 1 + _GAIN, (3, 1, 1)).astype(np.float32))
    return ((small.flip(2) if rng.random() < 0.5 else small) * gain).clamp(0, 1)


def _box_window(
    box_px: Int[np.ndarray, "4"], image_hw: tuple[int, int], rng: np.random.Generator
) -> tuple[slice, slice]:
    """A square around the box, 1.1 to 1.5 times as large, moved a little and cut where the image ends."""
    top, left, bottom, right = map(float, box_px)
    side = max(bottom - top, right - left) * rng.uniform(1.1, 1.5)
    row, column = (np.array([top + bottom, left + right]) + 0.1 * side * rng.uniform(-1, 1, 2)) / 2
    return _window(row, column, side, image_hw)


def _surface_window(mask: Bool[np.ndarray, "H W"], rng: np.random.Generator) -> tuple[slice, slice]:
    """The one of a few random squares that holds most of the surface."""
    pixels = np.flatnonzero(mask)
    height, width = mask.shape
    best, best_share = (slice(0, height), slice(0, width)), -1.0
    for _ in range(_SURFACE_TRIES):
        row, column = divmod(int(rng.choice(pixels)), width)
        window = _window(row, column, rng.uniform(0.2, 0.55) * height, (height, width))
        share = float(mask[window].mean())
        if share > best_share:
            best, best_share = window, share
    return best


def _window(row: float, column: float, side: float, image_hw: tuple[int, int]) -> tuple[slice, slice]:
    starts = [max(0, round(middle - side / 2)) for middle in (row, column)]
    ends = [min(size, round(middle + side / 2)) for middle, size in zip((row, column), image_hw, strict=True)]
    return slice(starts[0], max(ends[0], starts[0] + 1)), slice(starts[1], max(ends[1], starts[1] + 1))


def _furniture(pieces: Sequence[Piece]) -> list[Piece]:
    return [piece for piece in pieces if piece.label not in SHELL]


def _holds(caption: Caption, facts: Int[np.ndarray, "n 5"], plan: str) -> bool:
    if caption.plan not in ("", plan):
        return False
    return all(bool(is_true(said[None], facts).any()) for said in codes(caption.said))


def _odds(kinds: Sequence[str]) -> Float[np.ndarray, "N"]:
    """Each kind in proportion to the square root of how often it is seen."""
    _, inverse, count = np.unique(np.array(kinds), return_inverse=True, return_counts=True)
    weight = 1 / np.sqrt(count[inverse])
    odds: np.ndarray = weight / weight.sum()
    return odds
