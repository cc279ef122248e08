import numpy as np
import pytest

from models.cache import load_captioner
from models.captioners.protocol import Captioner
from models.catalog import CAPTIONERS
from schema.records import MaskSet


@pytest.fixture
def scene():
    image = np.full((40, 60, 3), 235, dtype=np.uint8)
    image[5:20, 5:25] = (120, 78, 45)
    image[5:20, 35:55] = (230, 115, 20)
    mask_map = np.full((40, 60), -1, dtype=np.int32)
    mask_map[5:20, 5:25] = 0
    mask_map[5:20, 35:55] = 1
    mask_map[30:, :] = 2
    masks = MaskSet(mask_map, ("dining table", "armchair", "ottoman"), np.ones(3, dtype=np.float32))
    return image, masks


@pytest.mark.parametrize("name", CAPTIONERS)
def test_contract(name, scene):
    captioner = load_captioner(name)
    assert isinstance(captioner, Captioner)
    captions = captioner.caption(*scene)
    assert len(captions) == 3
    for caption, label in zip(captions, scene[1].labels, strict=True):
        assert caption.endswith(label)
        assert caption.split()[0] in ("a", "an")
    assert captioner.caption(*scene) == captions
    nothing = MaskSet(np.full((40, 60), -1, dtype=np.int32), (), np.ones(0, dtype=np.float32))
    assert captioner.caption(scene[0], nothing) == []


def test_colour(scene):
    captions = load_captioner("colour").caption(*scene)
    assert captions == ["a brown dining table", "an orange armchair", "a white ottoman"]


def test_none(scene):
    assert load_captioner("none").caption(*scene) == ["a dining table", "an armchair", "an ottoman"]
