"""Foreign checkpoints: same features as where they came from; what does not fit is named; nothing runs."""

import os
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from models.student.checkpoint_file import read_checkpoint
from models.student.imported import ImportedStudent, import_student
from models.student.minkunet import ARCHITECTURES, MinkUNet, build_network
from schema.errors import ConfigError, WeightsError
from tests.checkpoints import PLANES, network, released_file, released_state


@pytest.fixture(scope="module")
def source() -> MinkUNet:
    return network()


def assert_same_features(student: ImportedStudent, source: MinkUNet) -> None:
    cells = np.unique(np.random.default_rng(1).integers(-9, 9, (400, 3)), axis=0)
    coords = torch.from_numpy(np.insert(cells, 0, 0, axis=1))
    with torch.inference_mode():
        assert torch.equal(student.network()(coords), source(coords))


@pytest.mark.parametrize("legacy", [False, True])
@pytest.mark.parametrize("prefix", ["", "module.", "net3d.", "module.net3d.", "net3d.module.module."])
def test_a_released_checkpoint(source: MinkUNet, tmp_path: Path, prefix: str, legacy: bool) -> None:
    path = released_file(tmp_path / "model_best.pth.tar", released_state(source, prefix), legacy=legacy)
    student = import_student(path, "MinkUNet14A")
    assert_same_features(student, source)
    assert (student.architecture, student.planes, student.channels) == ("MinkUNet14A", PLANES, 512)
    assert student.extras == {"epoch": "100", "optimizer": "dict of 2", "best_iou": "0.4217"}
    matrices = "7 kernels of size 1 stored as [1, in, out], now [in, out]"
    assert student.changes == ((f"prefix {prefix} taken off", matrices) if prefix else (matrices,))


def test_a_bare_state_dict_of_any_float_type(source: MinkUNet, tmp_path: Path) -> None:
    state = {name: tensor.double() for name, tensor in source.state_dict().items()}
    state = {name: tensor for name, tensor in state.items() if not name.endswith("num_batches_tracked")}
    torch.save(state, tmp_path / "weights.pth")
    student = import_student(tmp_path / "weights.pth")
    assert_same_features(student, source)
    assert student.extras == {}
    assert "float64 converted" in student.changes
    assert any("counters of batches were missing" in change for change in student.changes)
    assert {str(t.dtype) for t in student.tensors.values()} == {"torch.float32", "torch.int64"}


@pytest.mark.parametrize(
    ("name", "channels"), [*((name, 512) for name in sorted(ARCHITECTURES)), ("MinkUNet18A", 768)]
)
def test_every_known_architecture_is_recognised(tmp_path: Path, name: str, channels: int) -> None:
    with torch.device("meta"):
        expected = build_network(name, None, channels)
    shapes = {key: tensor.shape for key, tensor in expected.state_dict().items()}
    # one number a tensor, stretched to its shape: names and shapes are all that counts, files stay small
    state = {key: torch.ones(1).expand(shape or (1,)).reshape(shape) for key, shape in shapes.items()}
    torch.save({"state_dict": {f"module.net3d.{k}": v for k, v in state.items()}}, tmp_path / "x.pth")
    student = import_student(tmp_path / "x.pth")
    assert (student.architecture, student.planes, student.channels) == (name, None, channels)
    assert student.num_parameters == sum(parameter.numel() for parameter in expected.parameters())
    assert (
        student.text_space
        == {
            512: "open_clip:ViT-B-32-quickgelu",
            768: "open_clip:ViT-L-14-336-quickgelu",
        }[channels]
    )


def refused(path: Path, architecture: str | None = None) -> str:
    with pytest.raises(WeightsError) as error:
        import_student(path, architecture)
    line = str(error.value)
    assert "\n" not in line
    assert path.name in line
    return line


def test_missing_unknown_and_reshaped_tensors_are_named(source: MinkUNet, tmp_path: Path) -> None:
    state = released_state(source, "")
    for index in range(9):
        state[f"text_encoder.layer{index}.weight"] = torch.ones(2)
    del state["bn0.bn.weight"], state["convtr5p8s2.kernel"]
    state["conv0p1s1.kernel"] = torch.ones(27, 3, 32)
    line = refused(released_file(tmp_path / "odd.pth", state))
    assert "does not fit MinkUNet14A" in line
    assert "2 tensors missing: bn0.bn.weight, convtr5p8s2.kernel" in line
    assert "9 tensors unknown: text_encoder.layer0.weight" in line
    assert "text_encoder.layer7.weight, ... (1 more)" in line
    assert "layer8" not in line
    assert "conv0p1s1.kernel [27, 3, 32] instead of [125, 3, 32]" in line


def test_a_wrong_architecture(source: MinkUNet, tmp_path: Path) -> None:
    path = released_file(tmp_path / "x.pth", released_state(source))
    line = refused(path, "MinkUNet34C")
    assert "has 1,1,1,1,1,1,1,1 blocks a level, MinkUNet34C has 2,3,4,6,2,2,2,2" in line
    assert "it is MinkUNet14A" in line
    with pytest.raises(ConfigError, match="did you mean 'MinkUNet34C'"):
        import_student(path, "MinkUNet34")
    state = released_state(source, "")
    extra = {k.replace("block1.0", "block1.1"): v for k, v in state.items() if k.startswith("block1.0")}
    assert "2,1,1,1,1,1,1,1 blocks a level, as no known" in refused(
        released_file(tmp_path / "y.pth", state | extra)
    )


def test_a_bias_in_the_last_layer(source: MinkUNet, tmp_path: Path) -> None:
    state = released_state(source, "module.")
    state["module.final.bias"] = torch.zeros(1, 512)
    student = import_student(released_file(tmp_path / "zero.pth", state))
    assert "final.bias, all zero, left out" in student.changes
    assert_same_features(student, source)
    state["module.final.bias"][0, 3] = 0.5
    assert "final.bias: is not zero" in refused(released_file(tmp_path / "bias.pth", state))


def test_other_networks_and_odd_contents(source: MinkUNet, tmp_path: Path) -> None:
    torch.save(torch.nn.Linear(2, 3).state_dict(), tmp_path / "linear.pth")
    assert "is no MinkUNet: its 2 tensors are weight, bias" in refused(tmp_path / "linear.pth")
    for name, content in (("list", [1]), ("empty", {}), ("model", {"model": {"a": torch.ones(1)}})):
        torch.save(content, tmp_path / f"{name}.pth")
        assert "state dict" in refused(tmp_path / f"{name}.pth")
    state = released_state(source, "")
    twice = state | {"module.bn0.bn.weight": torch.ones(32)}
    assert "two tensors have this name" in refused(released_file(tmp_path / "twice.pth", twice))
    state["bn3.bn.running_mean"][1] = np.nan
    line = refused(released_file(tmp_path / "nan.pth", state))
    assert "1 tensors hold numbers that are not finite: bn3.bn.running_mean" in line


class Malicious:
    """Unpickled by the usual means, this calls a command."""

    def __init__(self, marker: Path) -> None:
        self.marker = marker

    def __reduce__(self) -> tuple[Any, ...]:
        return (os.system, (f"touch {self.marker}",))


@pytest.mark.parametrize("legacy", [False, True])
@pytest.mark.parametrize("place", ["beside", "inside"])
def test_a_malicious_file_is_refused_and_nothing_runs(
    source: MinkUNet, tmp_path: Path, legacy: bool, place: str
) -> None:
    marker = tmp_path / "ran"
    state: dict[str, Any] = released_state(source)
    extras = {"args": Malicious(marker)} if place == "beside" else {}
    if place == "inside":
        state["module.net3d.bn0.bn.weight"] = Malicious(marker)
    path = released_file(tmp_path / "evil.pth", state, legacy=legacy, **extras)
    assert "refused: reading it would call posix.system" in refused(path)
    assert not marker.exists()
    torch.load(path, weights_only=False)  # the file is what it claims to be
    assert marker.exists()


class NumberOfObjects:
    """A NumPy scalar whose type holds Python objects: refused, however harmless the object."""

    def __reduce__(self) -> tuple[Any, ...]:
        return (np._core.multiarray.scalar, (np.dtype("O"), "x"))


@pytest.mark.parametrize(
    ("value", "named"),
    [
        (np.ones(3), "numpy"),
        (Path("x"), "pathlib"),
        (NumberOfObjects(), "KeyError"),
        (np.array([(1, 2.0)], dtype=[("a", "i4"), ("b", "f8")])[0], "KeyError"),
    ],
)
def test_other_objects_beside_the_weights_are_refused_by_name(
    source: MinkUNet, tmp_path: Path, value: object, named: str
) -> None:
    assert named in refused(released_file(tmp_path / "x.pth", released_state(source), args=value))


@pytest.mark.parametrize(
    "number",
    [np.float64(-0.25), np.float32(1.5), np.float16(2.5), np.int64(-(2**40)), np.uint8(200), np.bool_(True)],
)
@pytest.mark.parametrize("legacy", [False, True])
def test_numpy_numbers_are_read_as_numbers(tmp_path: Path, number: Any, legacy: bool) -> None:
    path = released_file(tmp_path / "x.pth", {"a": torch.ones(1)}, legacy=legacy, score=number)
    assert read_checkpoint(path).extras["score"] == str(number.item())


def test_damaged_and_missing_files(source: MinkUNet, tmp_path: Path) -> None:
    path = tmp_path / "x.pth"
    assert "cannot be read (no such file" in refused(path)
    assert "cannot be read" in refused(tmp_path)
    for content in (b"", b"hello, this is no checkpoint", b"PK\x03\x04" + bytes(100)):
        path.write_bytes(content)
        assert "is no readable checkpoint" in refused(path)
    for legacy in (False, True):
        whole = released_file(path, released_state(source), legacy=legacy).read_bytes()
        for length in (100, len(whole) // 2, len(whole) - 7):
            path.write_bytes(whole[:length])
            assert "is no readable checkpoint" in refused(path), (legacy, length)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("something/else.txt", "x")
    assert "is no readable checkpoint" in refused(path)
