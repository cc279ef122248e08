"""Judging generated images: by hand, with judges and a generator whose answers are known."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch

from models.generators.protocol import GeneratedImages
from ops.rooms import ROOM_CLASSES
from training.scale import generator_quality
from training.scale.generator_quality import judged, measure_generator
from training.scale.judges import ObjectClassifier, named, segmented, varied

CHAIR, BED = ROOM_CLASSES.index("chair"), ROOM_CLASSES.index("bed")


@pytest.fixture
def known(monkeypatch: pytest.MonkeyPatch) -> GeneratedImages:
    """Four images: two called chairs, the last without a pixel of one; the left half is chair otherwise."""
    masks = np.full((4, 8, 8), BED)
    masks[:3, :, :4] = CHAIR
    monkeypatch.setattr(generator_quality, "named", lambda net, images: np.array([CHAIR, BED, CHAIR, BED]))
    monkeypatch.setattr(generator_quality, "segmented", lambda net, images: masks)
    attention = np.zeros((4, 8, 8), dtype=np.float32)
    attention[0, :, :4] = 1.0  # right
    attention[1, :, 4:] = 1.0  # wrong
    return GeneratedImages(np.zeros((4, 8, 8, 3), dtype=np.uint8), attention)


def test_one_class_by_hand(known: GeneratedImages) -> None:
    row = judged(known, CHAIR, SimpleNamespace(classifier=None, segmentation=None))
    assert row["right"].tolist() == [1, 0, 1, 0]
    assert row["auc"].tolist() == [1.0, 0.0, 0.5]
    assert row["without_mask"] == 1
    assert row["named_instead"] == {"bed": 2}


def test_all_classes_together(known: GeneratedImages) -> None:
    asked = []

    def generate(prompt: str, span: tuple, seeds: range, **how: object) -> GeneratedImages:
        asked.append((prompt, prompt[slice(*span)], len(seeds), how))
        return known

    result = measure_generator(
        SimpleNamespace(generate=generate),
        SimpleNamespace(classifier=None, segmentation=None),
        images_per_class=4,
        num_steps=9,
        guidance=3.0,
        classes=("chair", "otherfurniture"),
    )
    assert asked[0] == ("a good photo of a chair", "chair", 4, {"num_steps": 9, "guidance": 3.0})
    assert asked[1][1] == "other furniture"
    assert result["accuracy"] == {"all": 0.25, "chair": 0.5, "otherfurniture": 0.0}
    assert result["auc"] == {"all": 0.5, "chair": 0.5, "otherfurniture": None}
    assert result["judged_by_auc"] == {"all": 3, "chair": 3, "otherfurniture": 0}
    assert result["without_mask"] == {"all": 5, "chair": 1, "otherfurniture": 4}


def test_judges_answer_on_the_images_grid() -> None:
    images = np.random.default_rng(0).integers(0, 255, (3, 62, 66, 3), dtype=np.uint8)
    net = ObjectClassifier(4).eval()
    assert named(net, images).shape == (3,)

    def cells(image: torch.Tensor) -> torch.Tensor:
        scores = torch.zeros(len(image), len(ROOM_CLASSES), 31, 33)
        scores[:, BED, :, 10:] = 1
        return scores

    pixels = segmented(cells, images)
    assert pixels.shape == (3, 62, 66)
    assert (pixels[:, :, :20] == 0).all()
    assert (pixels[:, :, 20:] == BED).all()


def test_variations_mirror_image_and_label_together() -> None:
    image = torch.zeros(40, 4, 6, 3)
    image[:, :, 0] = 1
    label = torch.zeros(40, 2, 3, dtype=torch.int64)
    label[:, :, 0] = 1
    changed, moved = varied(image, label, np.random.default_rng(0))
    left = changed[:, :, :3].sum(dim=(1, 2, 3)) > changed[:, :, 3:].sum(dim=(1, 2, 3))
    assert 0 < left.sum() < 40
    assert torch.equal(left, moved[:, 0, 0] == 1)
