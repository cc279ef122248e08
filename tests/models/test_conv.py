"""The small convolutional teachers: shapes, what vectors and masks mean, and files that do not fit."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from models.teachers.conv import ConvDenseTeacher, ConvMaskTeacher
from models.teachers.conv_file import ConvModel, Kind, conv_bytes, description, read_conv
from models.teachers.conv_net import build_conv_net, to_input
from models.teachers.protocol import DenseTeacher, MaskTeacher
from schema.config_models import ConvDenseTeacherConfig, ConvMaskTeacherConfig
from schema.errors import WeightsError

LABELS = ("red", "green", "blue")
TEXT = torch.nn.functional.normalize(torch.tensor([[3.0, 1, 0, 0], [0, 2, 1, 0], [1, 0, 3, 1]]), dim=1)


@pytest.fixture(scope="module")
def trained() -> torch.nn.Module:
    """A network that has learnt to name the colour of a patch; seconds of training, no luck needed."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # many tiny operations: threads would only wait for each other
    net = build_conv_net(4, 8, seed=0)
    optimiser = torch.optim.Adam(net.parameters(), lr=0.02)
    generator = torch.Generator().manual_seed(1)
    for _ in range(40):
        label = (
            torch.randint(3, (4, 4, 4), generator=generator).repeat_interleave(8, 1).repeat_interleave(8, 2)
        )
        image = (200 * torch.nn.functional.one_hot(label, 3)).to(torch.uint8)
        unit = torch.nn.functional.normalize(net(to_input(image)), dim=1)
        logits = 12 * torch.einsum("bchw,kc->bkhw", unit, TEXT)
        loss = torch.nn.functional.cross_entropy(logits, label[:, ::2, ::2])
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    torch.set_num_threads(threads)
    assert float(loss.detach()) < 0.2
    return net.eval()


def saved(folder: Path, net: torch.nn.Module, kind: Kind, changes: dict | None = None) -> Path:
    text = TEXT if kind == "dense" else None
    model = ConvModel(net, LABELS, text, "tiny:4" if kind == "dense" else None)
    weights = conv_bytes(net, text)
    facts = description(model, kind, width=8, weights=weights, provenance={}) | (changes or {})
    path = folder / f"{kind}.safetensors"
    path.write_bytes(weights)
    path.with_suffix(".json").write_text(json.dumps(facts))
    return path


def halves() -> np.ndarray:
    """Left red, right blue."""
    image = np.zeros((32, 48, 3), dtype=np.uint8)
    image[:, :24, 0] = 200
    image[:, 24:, 2] = 200
    return image


def dense(path: Path) -> ConvDenseTeacher:
    return ConvDenseTeacher(ConvDenseTeacherConfig(weights=path), aliases={}, device="cpu")


def masks(path: Path, **settings: object) -> ConvMaskTeacher:
    return ConvMaskTeacher(
        ConvMaskTeacherConfig(weights=path, **settings), aliases={"red": "crimson"}, device="cpu"
    )


def test_dense_vectors_are_unit_and_nearest_their_texts(tmp_path: Path, trained: torch.nn.Module) -> None:
    teacher = dense(saved(tmp_path, trained, "dense"))
    assert isinstance(teacher, DenseTeacher)
    assert (teacher.text_space, teacher.channels) == ("tiny:4", 4)
    feat = teacher.encode(halves())
    assert feat.shape == (16, 24, 4)
    assert feat.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(feat, axis=2), 1, atol=1e-5)
    label = (feat @ TEXT.numpy().T).argmax(axis=2)
    assert (label[:, :11] == 0).mean() > 0.95
    assert (label[:, 13:] == 2).mean() > 0.95


def test_masks_are_the_two_halves(tmp_path: Path) -> None:
    teacher = masks(saved(tmp_path, build_conv_net(3, 8, seed=0).eval(), "mask"))
    assert isinstance(teacher, MaskTeacher)
    assert teacher.labels == ("crimson", "green", "blue")
    # fresh weights: only the shape of the answer is checked here
    found = teacher.segment(halves())
    assert found.mask_map.shape == (32, 48)
    assert set(found.labels) <= set(teacher.labels)
    assert len(found.labels) == len(found.confidence) == found.mask_map.max() + 1
    assert ((found.confidence > 1 / 3) & (found.confidence <= 1)).all()
    void = masks(tmp_path / "mask.safetensors", void=("red", "green", "blue"))
    assert void.labels == ()
    assert (void.segment(halves()).mask_map == -1).all()


@pytest.mark.parametrize("size", [(32, 48), (37, 51), (1, 1), (16, 33)])
def test_any_image_size(tmp_path: Path, trained: torch.nn.Module, size: tuple[int, int]) -> None:
    image = np.random.default_rng(0).integers(0, 255, (*size, 3), dtype=np.uint8)
    feat = dense(saved(tmp_path, trained, "dense")).encode(image)
    assert feat.shape[:2] == (-(-size[0] // 2), -(-size[1] // 2))
    found = masks(saved(tmp_path, build_conv_net(3, 8, 0).eval(), "mask"), min_mask_px=1).segment(image)
    assert found.mask_map.shape == size
    assert found.mask_map.min() >= 0


def test_read_only_images_and_repeated_calls_give_the_same(tmp_path: Path, trained: torch.nn.Module) -> None:
    teacher = dense(saved(tmp_path, trained, "dense"))
    image = halves()
    image.flags.writeable = False
    np.testing.assert_array_equal(teacher.encode(image), teacher.encode(image))


def test_fresh_weights_depend_on_the_seed_alone() -> None:
    state = torch.random.get_rng_state()
    a, b, c = (conv_bytes(build_conv_net(3, 8, seed), None) for seed in (5, 5, 6))
    assert a == b != c
    assert torch.equal(state, torch.random.get_rng_state())


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"format": "else"}, "does not describe a network"),
        ({"format_version": 99}, "does not describe a network"),
        ({"kind": "mask"}, "kind 'mask', not 'dense'"),
        ({"weights_sha256": "0" * 64}, "not the file that dense.json describes"),
        ({"width": 9}, "the weights do not fit"),
        ({"labels": ["red", "green"]}, "the weights do not fit"),
    ],
)
def test_files_that_do_not_fit(
    tmp_path: Path, trained: torch.nn.Module, changes: dict[str, object], problem: str
) -> None:
    path = saved(tmp_path, trained, "dense", changes)
    with pytest.raises(WeightsError, match=problem) as caught:
        read_conv(path, "dense", "cpu")
    assert str(tmp_path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_missing_and_damaged_files(tmp_path: Path, trained: torch.nn.Module) -> None:
    path = saved(tmp_path, trained, "dense")
    path.with_suffix(".json").write_text("{torn")
    with pytest.raises(WeightsError, match="not JSON"):
        dense(path)
    path.with_suffix(".json").write_text("[]")
    with pytest.raises(WeightsError, match="not a JSON object"):
        dense(path)
    with pytest.raises(WeightsError, match="cannot be read"):
        dense(tmp_path / "nowhere.safetensors")
    path = saved(tmp_path, trained, "dense")
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(WeightsError, match="not the file"):
        dense(path)


def test_a_dense_networks_outputs_are_the_vectors(tmp_path: Path) -> None:
    net = build_conv_net(4, 8, seed=3)
    teacher = ConvDenseTeacher(ConvDenseTeacherConfig(weights=saved(tmp_path, net, "dense")))
    image = np.random.default_rng(0).integers(0, 255, (32, 48, 3), dtype=np.uint8)
    with torch.no_grad():
        numbers = net.eval()(to_input(torch.from_numpy(image[None])))[0]
    expected = torch.nn.functional.normalize(numbers, dim=0).permute(1, 2, 0).numpy()
    np.testing.assert_allclose(teacher.encode(image), expected, atol=1e-6)
    assert (teacher.channels, teacher.labels) == (4, LABELS)


def test_weights_may_be_kept_in_16_bits(tmp_path: Path, trained: torch.nn.Module) -> None:
    path = saved(tmp_path, trained, "dense")
    model = ConvModel(trained, LABELS, TEXT, "tiny:4")
    weights = conv_bytes(trained, TEXT, keep=lambda t: t.half() if t.is_floating_point() else t)
    assert len(weights) < 0.7 * path.stat().st_size
    image = np.full((32, 48, 3), (0, 200, 0), dtype=np.uint8)
    before = ConvDenseTeacher(ConvDenseTeacherConfig(weights=path)).encode(image)
    path.write_bytes(weights)
    facts = description(model, "dense", width=8, weights=weights, provenance={})
    path.with_suffix(".json").write_text(json.dumps(facts))
    after = ConvDenseTeacher(ConvDenseTeacherConfig(weights=path)).encode(image)
    np.testing.assert_allclose(after, before, atol=0.02)
    assert after.dtype == np.float32
