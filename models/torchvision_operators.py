"""Two operators torchvision needs at import time, for where its compiled ones do not load beside this torch.

The torchvision of PyPI is built for a CUDA torch: beside a CPU build ``import torchvision`` stops at
``torchvision::nms`` and then at ``torchvision::qnms``. Who needs torchvision calls ``ensure()`` first.
"""

import importlib.util
import threading
from pathlib import Path

import torch
from jaxtyping import Float, Int

_lock = threading.Lock()
_libraries: list[torch.library.Library] = []  # a library's operators vanish with it


def ensure() -> None:
    """Define ``torchvision::nms`` and ``torchvision::qnms`` unless torchvision's own load.

    They are reached as ``torch.ops.torchvision.nms``; ``torchvision.ops.nms`` refuses any but its own.
    """
    with _lock:
        if _libraries or _has("nms") or _load_own():
            return
        library = torch.library.Library("torchvision", "DEF")  # type: ignore[no-untyped-call]
        for name in ("nms", "qnms"):
            schema = f"{name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor"
            library.define(schema)  # type: ignore[no-untyped-call]
            library.impl(name, nms, "CompositeExplicitAutograd")  # type: ignore[no-untyped-call]
        _libraries.append(library)


def nms(
    dets: Float[torch.Tensor, "N 4"], scores: Float[torch.Tensor, "N"], iou_threshold: float
) -> Int[torch.Tensor, "K"]:
    """Non-maximum suppression: keep boxes in falling order of score, each unless it overlaps a kept one.

    Args:
        dets: boxes (x1, y1, x2, y2).
        scores: of the boxes; equal ones keep their order.
        iou_threshold: a box goes if its intersection over union with a kept box is larger.

    Returns:
        int64 indices of the kept boxes, in falling order of score.
    """
    order = torch.argsort(scores, descending=True, stable=True)
    boxes = dets[order].to(torch.promote_types(dets.dtype, torch.float32))
    area = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
    alive = torch.ones(len(boxes), dtype=torch.bool, device=boxes.device)
    for i in range(len(boxes)):
        if alive[i]:
            low = torch.maximum(boxes[i, :2], boxes[i + 1 :, :2])
            high = torch.minimum(boxes[i, 2:], boxes[i + 1 :, 2:])
            overlap = (high - low).clamp(min=0).prod(dim=1)
            alive[i + 1 :] &= ~(overlap > iou_threshold * (area[i] + area[i + 1 :] - overlap))
    return order[alive]


def _has(name: str) -> bool:
    return hasattr(torch.ops.torchvision, name)


def _load_own() -> bool:
    """Try torchvision's compiled operators without importing torchvision."""
    spec = importlib.util.find_spec("torchvision")
    if spec is None or spec.origin is None:
        return False
    for path in sorted(Path(spec.origin).parent.glob("_C*")):
        try:
            torch.ops.load_library(str(path))  # type: ignore[no-untyped-call]
        except OSError:
            continue
        if _has("nms"):
            return True
    return False
