"""From a label per pixel to masks: connected regions of one label, on the image's own grid.

Where the label per pixel comes from is each network's business.
"""

from collections.abc import Mapping, Sequence

import numpy as np
from jaxtyping import Float, Int
from scipy import ndimage

from models.teachers.labels import usable_labels
from schema.records import MaskSet

_EIGHT_NEIGHBOURS = np.ones((3, 3), dtype=bool)


def semantic_masks(
    label_map: Int[np.ndarray, "H W"],
    labels: Sequence[str],
    *,
    void: Sequence[str],
    aliases: Mapping[str, str],
    min_mask_px: int,
    score_map: Float[np.ndarray, "H W"] | None = None,
) -> MaskSet:
    """Cut a label map into masks.

    A mask is a region of one name connected through edges or corners (8 neighbours). Labels that resolve to
    the same name form masks together. Ids are given by name (in the order of ``labels``), then from top to
    bottom, left to right by a region's first pixel: the same input gives the same ids.

    Args:
        label_map: index into ``labels`` per pixel; negative: no label.
        labels: the network's own labels.
        void: labels, by own or resolved name, that make no mask.
        aliases: other spellings ("diningtable" -> "dining table").
        min_mask_px: smaller regions make no mask, px.
        score_map: confidence of the label per pixel, 0..1; a mask's is the mean. None: every mask has 1.

    Raises:
        IndexError: an id is not below ``len(labels)``; adapters check that first and name the file.
    """
    names, position = usable_labels(labels, void=void, aliases=aliases)
    group_of = np.array([*position, -1], dtype=np.int32)  # the last entry serves "no label"
    group_map = group_of[np.where(label_map < 0, len(position), label_map)]
    mask_map = np.full(label_map.shape, -1, dtype=np.int32)
    mask_labels: list[str] = []
    for group, box in enumerate(ndimage.find_objects(group_map + 1)):
        if box is None:
            continue
        regions, _ = ndimage.label(group_map[box] == group, structure=_EIGHT_NEIGHBOURS)
        size_px = np.bincount(regions.ravel())
        kept = np.flatnonzero(size_px >= min_mask_px)
        kept = kept[kept > 0]
        mask_id = np.full(size_px.size, -1, dtype=np.int32)
        mask_id[kept] = np.arange(len(mask_labels), len(mask_labels) + kept.size)
        inside = mask_id[regions] >= 0
        mask_map[box][inside] = mask_id[regions][inside]
        mask_labels += [names[group]] * kept.size
    confidence = _mean_score(mask_map, len(mask_labels), score_map)
    return MaskSet(mask_map=mask_map, labels=tuple(mask_labels), confidence=confidence)


def _mean_score(
    mask_map: Int[np.ndarray, "H W"], num_masks: int, score_map: Float[np.ndarray, "H W"] | None
) -> Float[np.ndarray, "M"]:
    if score_map is None:
        return np.ones(num_masks, dtype=np.float32)
    ids = mask_map.ravel() + 1
    total = np.bincount(ids, weights=score_map.ravel(), minlength=num_masks + 1)[1:]
    count = np.bincount(ids, minlength=num_masks + 1)[1:]
    return np.clip(total / np.maximum(count, 1), 0.0, 1.0).astype(np.float32)
