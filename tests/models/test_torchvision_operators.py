import subprocess
import sys

import pytest
import torch

from models.torchvision_operators import ensure, nms


def brute_force(boxes, scores, threshold):
    def iou(a, b):
        width = max(0.0, min(a[2], b[2]) - max(a[0], b[0]))
        height = max(0.0, min(a[3], b[3]) - max(a[1], b[1]))
        both = (a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1])
        return width * height / (both - width * height)

    kept = []
    for i in sorted(range(len(boxes)), key=lambda i: -scores[i]):
        if all(iou(boxes[i], boxes[j]) <= threshold for j in kept):
            kept.append(i)
    return kept


@pytest.mark.parametrize("threshold", [0.0, 0.3, 0.7])
@pytest.mark.parametrize("seed", range(5))
def test_nms_agrees_with_brute_force(seed, threshold):
    generator = torch.Generator().manual_seed(seed)
    low = torch.rand((60, 2), generator=generator, dtype=torch.float64) * 3
    boxes = torch.cat(
        [low, low + 0.5 + 4 * torch.rand((60, 2), generator=generator, dtype=torch.float64)], dim=1
    )
    scores = torch.randint(
        0, 30, (60,), generator=generator
    ).double()  # with ties: the sort keeps their order
    kept = nms(boxes, scores, threshold)
    assert kept.dtype == torch.int64
    assert kept.tolist() == brute_force(boxes.tolist(), scores.tolist(), threshold)
    assert 0 < len(kept) < 60


def test_nms_by_hand():
    boxes = torch.tensor([[0.0, 0.0, 2.0, 2.0], [0.0, 0.0, 2.0, 1.0], [5.0, 5.0, 6.0, 6.0]])
    scores = torch.tensor([0.5, 0.9, 0.1])
    assert nms(boxes, scores, 0.4).tolist() == [1, 2]
    assert nms(boxes, scores, 0.5).tolist() == [1, 0, 2]
    assert nms(boxes[:0], scores[:0], 0.5).tolist() == []


def test_torchvision_imports_and_uses_an_operator():
    program = (
        "import torch\nfrom models.torchvision_operators import ensure\n"
        "ensure()\nensure()\nimport torchvision\n"
        "boxes = torch.tensor([[0.0, 0.0, 2.0, 2.0], [0.0, 0.0, 2.0, 2.1]])\n"
        "print(torch.ops.torchvision.nms(boxes, torch.tensor([0.5, 0.9]), 0.5).tolist())"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[1]"


def test_the_real_operators_are_left_alone():
    program = (
        "import torch\nlibrary = torch.library.Library('torchvision', 'DEF')\n"
        "library.define('nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor')\n"
        "library.impl('nms', lambda d, s, t: torch.tensor([42]), 'CPU')\n"
        "from models.torchvision_operators import ensure\nensure()\n"
        "print(torch.ops.torchvision.nms(torch.zeros(1, 4), torch.zeros(1), 0.5).tolist())"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[42]"


def test_ensure_in_this_process():
    ensure()
    assert torch.ops.torchvision.nms(torch.zeros((0, 4)), torch.zeros(0), 0.5).tolist() == []
    assert torch.ops.torchvision.qnms(torch.zeros((0, 4)), torch.zeros(0), 0.5).tolist() == []
