"""The scale segmenter's training: prompts, losses by hand, and that it learns what is pointed at."""

import shutil
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from models.segmenters.sam_sizes import build_scale_sam
from schema.config_scale import ObjectViewsConfig, ScaleFitConfig, ScaleSegmenterConfig
from training.scale.prompts import NO_POINT, correcting_points, innermost_point, points_on
from training.scale.publish import is_current, read_figures
from training.scale.sam import SamRecipe, dice_loss, focal_loss, mask_iou, sam_loss, segmenter_image
from training.scale.segmenter import measure_again, measure_segmenter, train_segmenter

CONFIG = ScaleSegmenterConfig(prompts=4)


def scene() -> tuple[np.ndarray, np.ndarray]:
    """An image of four coloured squares on grey, and their ids."""
    instance = np.zeros((96, 128), dtype=np.int16)
    color = np.full((96, 128, 3), 90, dtype=np.uint8)
    for number, (row, column) in enumerate([(8, 8), (8, 80), (52, 12), (50, 84)], start=1):
        instance[row : row + 34, column : column + 36] = number
        color[row : row + 34, column : column + 36] = np.eye(4)[number - 1, :3] * 160 + 40
    return color, instance


def test_points_lie_on_their_objects() -> None:
    _, instance = scene()
    masks = instance[None] == np.arange(1, 5)[:, None, None]
    points = points_on(masks, 3, np.random.default_rng(0))
    assert points.at_px.shape == (4, 3, 2)
    assert {int((label == 1).sum()) for label in points.label} <= {1, 2, 3}
    for mask, at, label in zip(masks, points.at_px.long(), points.label, strict=True):
        assert all(mask[v, u] for (u, v), known in zip(at.tolist(), label, strict=True) if known == 1)


def test_corrections_say_what_was_wrong() -> None:
    wanted, given = np.zeros((3, 4, 4), dtype=bool), np.zeros((3, 4, 4), dtype=bool)
    wanted[0, 1, 2] = True  # missed
    given[1, 3, 0] = True  # too much
    points = correcting_points(wanted, given, np.random.default_rng(0))
    assert points.at_px[:2, 0].tolist() == [[2, 1], [0, 3]]
    assert points.label[:, 0].tolist() == [1, 0, NO_POINT]


def test_the_innermost_point() -> None:
    mask = np.zeros((9, 20), dtype=bool)
    mask[0:7, 2:9] = True
    mask[3, 9:20] = True
    assert innermost_point(mask).tolist() == [5, 3]


def test_losses_by_hand() -> None:
    wanted = torch.tensor([1.0, 0.0]).reshape(1, 1, 1, 2)
    sure = torch.tensor([20.0, -20.0]).reshape(1, 1, 1, 2)
    assert float(focal_loss(sure, wanted)) == pytest.approx(0, abs=1e-6)
    assert float(dice_loss(sure, wanted)) == pytest.approx(0, abs=1e-6)
    unsure = torch.zeros(1, 1, 1, 2)
    assert float(focal_loss(unsure, wanted)) == pytest.approx(0.5 * 0.25 * np.log(2), rel=1e-5)
    assert float(dice_loss(unsure, wanted)) == pytest.approx(1 - (2 * 0.5 + 1) / (1 + 1 + 1))
    pairs = torch.tensor([[True, True], [True, False]]).reshape(1, 2, 1, 2)
    assert mask_iou(pairs, pairs.flip(1)).tolist() == [[0.5, 0.5]]


def test_images_are_framed_as_the_library_does_it() -> None:
    from segment_anything import SamPredictor

    color, instance = scene()
    made = segmenter_image(color, instance, config=CONFIG, rng=np.random.default_rng(0))
    assert made is not None
    assert made.image.shape == (3, 192, 256)
    assert made.masks.shape == (4, 256, 256)
    assert not made.masks[:, 192:].any()  # padded below
    for mask in made.masks:
        inside = made.image.permute(1, 2, 0)[torch.from_numpy(mask[:192])]
        assert inside.std(dim=0).max() < 30  # one square, its blurred edge included
    predictor = SamPredictor(build_scale_sam(0).eval())
    predictor.set_image(color)
    with torch.no_grad():
        feature = predictor.model.image_encoder(predictor.model.preprocess(made.image)[None])
    # the predictor rounds the enlarged image to bytes
    torch.testing.assert_close(feature, predictor.features, atol=0.02, rtol=0.02)
    small = np.where(np.arange(128) < 2, 1, -1)[None].repeat(96, axis=0).astype(np.int16)
    large = ScaleSegmenterConfig(least_object_px=100_000)
    assert segmenter_image(color, small, config=large, rng=np.random.default_rng(0)) is None


def test_the_loss_falls_and_reaches_every_part() -> None:
    color, instance = scene()
    source = SimpleNamespace(color=color[None], instance=instance[None])
    config = ScaleSegmenterConfig(prompts=4, fit=CONFIG.fit.model_copy(update={"batch": 2}))
    recipe = SamRecipe(config, source, source, identity="x")
    assert torch.equal(recipe.loss(3)[0], recipe.loss(3)[0])
    optimizer = torch.optim.AdamW(recipe.sam.parameters(), lr=1e-3)
    losses = []
    for step in range(12):
        loss, numbers = recipe.loss(step)
        optimizer.zero_grad()
        loss.backward()
        if step == 0:
            untouched = [n for n, p in recipe.sam.named_parameters() if p.grad is None]
            # boxes are no prompts here
            assert all(n.startswith("prompt_encoder.point_embeddings") for n in untouched)
        torch.nn.utils.clip_grad_norm_(recipe.sam.parameters(), 1.0)
        optimizer.step()
        losses.append(float(loss.detach()))
    assert np.mean(losses[-3:]) < 0.85 * losses[0]
    assert {"iou", "iou_corrected"} == set(numbers)


@pytest.mark.slow
def test_four_images_are_learned() -> None:
    color, instance = scene()
    images = [np.roll(color, 17 * k, axis=1) for k in range(4)]
    ids = [np.roll(instance, 17 * k, axis=1) for k in range(4)]
    source = SimpleNamespace(color=np.stack(images), instance=np.stack(ids))
    recipe = SamRecipe(CONFIG, source, source, identity="x")
    optimizer = torch.optim.AdamW(recipe.sam.parameters(), lr=1.5e-3)
    for step in range(500):
        loss, numbers = recipe.loss(step)
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(recipe.sam.parameters(), 1.0)
        optimizer.step()
        if numbers["iou"] > 0.95:
            break
    rng = np.random.default_rng(9)
    batch = [segmenter_image(c, i, config=CONFIG, rng=rng) for c, i in zip(images, ids, strict=True)]
    with torch.no_grad():
        _, numbers = sam_loss(recipe.sam.eval(), batch, corrections=1, rng=rng)  # type: ignore[arg-type]
    assert numbers["iou"] > 0.9


def test_measuring_by_hand(monkeypatch: pytest.MonkeyPatch, tmp_path: object) -> None:
    from training.scale import segmenter as module
    from training.scale.object_views import ObjectViews

    color, instance = scene()
    piece = SimpleNamespace(instance_id=2, label="bed")
    objects = ObjectViews(color[None], instance[None] * 0, instance[None], (piece,), "x")  # type: ignore[arg-type]
    rooms = SimpleNamespace(color=color[None], instance=instance[None], pieces=lambda view: {2: piece})
    monkeypatch.setattr(module, "held_out_views", lambda *_: rooms)
    monkeypatch.setattr(module, "cached_object_views", lambda *_: objects)

    class Exact:
        """Gives the object under the first point, and half of it where it is a bed's."""

        def segment(self, image: np.ndarray, points: np.ndarray) -> tuple[np.ndarray, float]:
            column, row = np.round(points[0]).astype(int)
            mask = instance == instance[row, column]
            if instance[row, column] == 2:
                mask &= np.arange(96)[:, None] < 8 + 17
            return mask, 0.75

    figures = measure_segmenter(Exact(), CONFIG, tmp_path)  # type: ignore[arg-type]
    assert figures["objects"]["innermost"]["mean_iou"] == 0.5
    assert figures["objects"]["random"]["iou"]["bed"] == 0.5
    assert figures["objects"]["innermost"]["quality_error"] == 0.25
    assert figures["rooms"]["innermost"]["masks"] == 4


def test_a_few_steps_from_seeds_to_a_measured_file(small, rendered: Path, tmp_path: Path) -> None:
    folder = tmp_path / "scale"
    shutil.copytree(rendered / "views", folder / "views")
    config = ScaleSegmenterConfig(
        fit=ScaleFitConfig(steps=2, batch=2, learning_rate=1e-3),
        rooms=small.VIEWS,
        objects=ObjectViewsConfig(num_rooms=2, num_held_out_rooms=1, views_per_room=6),
        prompts=2,
    )
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    place = train_segmenter(config, folder)
    weights, figures = (place / "sam.safetensors").read_bytes(), read_figures(place)
    assert is_current(place, figures["fingerprint"])
    assert train_segmenter(config, folder) == place
    assert figures["held_out"]["rooms"]["random"]["masks"] > 0
    models = small.CONFIG.model_copy(update={"segmenter": config})
    assert measure_again(models, folder, folder) == figures["held_out"]
    (place / "sam.safetensors").write_bytes(b"torn")
    train_segmenter(config, folder)
    torch.set_num_threads(threads)
    assert (place / "sam.safetensors").read_bytes() == weights


def test_the_network_is_made_from_its_seed() -> None:
    a, b, c = (build_scale_sam(seed).state_dict() for seed in (0, 0, 1))
    assert all(torch.equal(a[name], b[name]) for name in a)
    assert any(not torch.equal(a[name], c[name]) for name in a)
