"""Segment Anything from files: masks for points, and files that cannot be used."""

from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from models.segmenters.sam import SamSegmenter
from models.segmenters.sam_sizes import build_sam, build_scale_sam
from schema.config_synthesis import SamConfig
from schema.errors import InputError, WeightsError

IMAGE = np.random.default_rng(0).integers(0, 255, (90, 120, 3), dtype=np.uint8)
PARAMETERS = {"vit_h": 641_090_608, "vit_l": 312_342_832, "vit_b": 93_735_472}


@pytest.fixture(scope="module")
def state() -> dict[str, torch.Tensor]:
    return {name: value.clone() for name, value in build_scale_sam(0).state_dict().items()}


@pytest.fixture(scope="module")
def weights(state: dict[str, torch.Tensor], tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("sam") / "sam.safetensors"
    save_file(state, path)
    return path


def segmenter(path: Path) -> SamSegmenter:
    return SamSegmenter(SamConfig(architecture="scale", weights=path))


def test_a_mask_on_the_images_grid_with_the_networks_own_quality(weights: Path) -> None:
    from segment_anything import SamPredictor

    points = np.array([[30.0, 40.0], [60.0, 70.0], [61.0, 12.0]])
    mask, quality = segmenter(weights).segment(IMAGE, points)
    assert mask.shape == (90, 120)
    assert mask.dtype == bool
    predictor = SamPredictor(build_scale_sam(0))
    predictor.set_image(IMAGE)
    masks, qualities, _ = predictor.predict(points, np.ones(3, dtype=np.int64), multimask_output=True)
    assert quality == pytest.approx(float(qualities.max()), abs=1e-5)
    np.testing.assert_array_equal(mask, masks[qualities.argmax()])


def test_another_image_is_not_answered_with_the_former_ones_features(weights: Path) -> None:
    sam, points = segmenter(weights), np.array([[30.0, 40.0]])
    other = 255 - IMAGE
    _, first = sam.segment(IMAGE, points)
    _, second = sam.segment(other, points)
    assert second == pytest.approx(segmenter(weights).segment(other, points)[1], abs=1e-6)
    assert first != second
    assert sam.segment(IMAGE, points)[1] == pytest.approx(first, abs=1e-6)


def test_an_image_changed_in_place_is_looked_at_again(weights: Path) -> None:
    sam, points, image = segmenter(weights), np.array([[30.0, 40.0]]), IMAGE.copy()
    _, before = sam.segment(image, points)
    image[:] = 255 - image
    assert sam.segment(image, points)[1] != before


def test_a_pth_of_tensors_is_read_and_any_other_is_not(
    weights: Path, state: dict[str, torch.Tensor], tmp_path: Path
) -> None:
    points = np.array([[30.0, 40.0]])
    torch.save(state, tmp_path / "sam.pth")
    assert segmenter(tmp_path / "sam.pth").segment(IMAGE, points)[1] == pytest.approx(
        segmenter(weights).segment(IMAGE, points)[1]
    )
    torch.save({"model": state, "code": Path("x")}, tmp_path / "object.pth")
    refused(tmp_path / "object.pth", "more than tensors")
    torch.save({"model": state}, tmp_path / "nested.pth")
    refused(tmp_path / "nested.pth", "no state dict")
    (tmp_path / "torn.pth").write_bytes((tmp_path / "sam.pth").read_bytes()[:5000])
    refused(tmp_path / "torn.pth", "damaged")
    refused(tmp_path / "none.pth", "does not exist")


def refused(path: Path, *words: str) -> None:
    with pytest.raises(WeightsError) as caught:
        segmenter(path)
    line = str(caught.value)
    assert "\n" not in line
    for word in words:
        assert word in line


def test_missing_unknown_and_reshaped_tensors_in_one_line(
    state: dict[str, torch.Tensor], tmp_path: Path
) -> None:
    wrong = dict(state)
    del wrong["image_encoder.pos_embed"]
    wrong["image_encoder.extra"] = torch.zeros(1)
    wrong["mask_decoder.iou_token.weight"] = torch.zeros(1, 3)
    save_file(wrong, tmp_path / "wrong.safetensors")
    refused(
        tmp_path / "wrong.safetensors",
        "1 tensors missing: image_encoder.pos_embed",
        "1 tensors unknown: image_encoder.extra",
        "1 tensors of another shape: mask_decoder.iou_token.weight",
        "set 'architecture'",
    )


@pytest.mark.parametrize("points", [np.zeros((0, 2)), np.array([[120.0, 5.0]]), np.array([[5.0, -1.0]])])
def test_points_outside_the_image(weights: Path, points: np.ndarray) -> None:
    with pytest.raises(InputError, match="point"):
        segmenter(weights).segment(IMAGE, points)


@pytest.mark.parametrize("name", sorted(PARAMETERS))
def test_the_published_sizes(name: str) -> None:
    with torch.device("meta"):
        sam = build_sam(name)
    assert sum(p.numel() for p in sam.parameters()) == PARAMETERS[name]
    assert sam.image_encoder.img_size == 1024


def test_the_small_one_is_small_and_of_the_same_class() -> None:
    sam = build_scale_sam(0)
    assert type(sam) is type(build_sam("scale"))
    assert sum(p.numel() for p in sam.parameters()) < 1_300_000
    assert sam.image_encoder.img_size == 256
