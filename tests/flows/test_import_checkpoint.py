"""``teach3d import-checkpoint``: a foreign checkpoint becomes a student that ``predict`` can ask."""

import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from flows.cli import main
from models.text.words import WordsEncoder
from schema.config_models import WordsTextConfig
from storage.export import export_cloud
from storage.label_sets import load_synonyms
from tests.checkpoints import PLANES, network, released_file, released_state
from training.infer import open_student, student_features


def call(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as left:
        main([str(argument) for argument in arguments])
    printed = capsys.readouterr()
    return int(left.value.code or 0), printed.out, printed.err


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("released") / "model_best.pth.tar"
    return released_file(path, released_state(network()))


def points() -> np.ndarray:
    return np.random.default_rng(3).uniform(0, 0.4, (500, 3)).astype(np.float32)


def test_the_students_files(checkpoint: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = call(capsys, "import-checkpoint", checkpoint, "--output", tmp_path / "student")
    assert code == 0, err
    for word in ("MinkUNet14A", "512", "open_clip:ViT-B-32-quickgelu", "module.net3d.", "best_iou", "0.4217"):
        assert word in out
    student = open_student(tmp_path / "student")
    assert (student.voxel_m, student.text_space) == (0.02, "open_clip:ViT-B-32-quickgelu")
    expected = student_features(network(), points(), voxel_m=0.02)
    assert np.array_equal(student_features(student.network, points(), voxel_m=0.02), expected)
    about = json.loads((tmp_path / "student" / "student.json").read_text())
    assert about["imported"]["file"] == "model_best.pth.tar"
    assert about["imported"]["extras"]["epoch"] == "100"


def test_json_says_the_same(checkpoint: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = call(capsys, "import-checkpoint", checkpoint, "--output", tmp_path / "s", "--json")
    assert code == 0
    found = json.loads(out)
    assert found["architecture"] == "MinkUNet14A"
    assert found["planes"] == list(PLANES)
    assert found["parameters"] == sum(parameter.numel() for parameter in network().parameters())
    assert found["output"] == str(tmp_path / "s")


def test_check_writes_nothing(checkpoint: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = call(capsys, "import-checkpoint", checkpoint, "--output", tmp_path / "s", "--check")
    assert code == 0
    assert "MinkUNet14A" in out
    assert not (tmp_path / "s").exists()
    assert call(capsys, "import-checkpoint", checkpoint, "--check")[0] == 0


def test_an_imported_student_is_asked(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Another text space than the published ones' is named, and ``predict`` needs nothing else."""
    space = WordsEncoder(WordsTextConfig(dim=48), synonyms=load_synonyms()).space
    source = network(channels=48)
    path = released_file(tmp_path / "x.pth", released_state(source))
    code, _, err = call(capsys, "import-checkpoint", path, "--output", tmp_path / "s")
    assert code == 2
    assert "--text-space" in err
    options = ("--output", tmp_path / "s", "--text-space", space, "--voxel-m", 0.05)
    assert call(capsys, "import-checkpoint", path, *options)[0] == 0
    scan = export_cloud(tmp_path / "scan.ply", "ply", points=points())
    code, out, err = call(capsys, "predict", scan, "--student", tmp_path / "s", "--features", "--json")
    assert code == 0, err
    with np.load(json.loads(out)["features"], allow_pickle=False) as arrays:
        expected = student_features(source, points(), voxel_m=0.05)
        assert np.array_equal(arrays["feat"], expected.astype(np.float16))


class Malicious:
    def __init__(self, marker: Path) -> None:
        self.marker = marker

    def __reduce__(self) -> tuple[Any, ...]:
        return (os.system, (f"touch {self.marker}",))


def test_what_is_refused(checkpoint: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def told(path: Path, *options: object) -> str:
        code, _, err = call(capsys, "import-checkpoint", path, *options)
        assert code == 2
        assert err.startswith("error: ")
        assert err.count("\n") == 1
        return err

    target = ("--output", tmp_path / "s")
    evil = released_file(tmp_path / "evil.pth", {"a": torch.ones(1)}, args=Malicious(tmp_path / "ran"))
    assert "would call posix.system" in told(evil, *target)
    assert not (tmp_path / "ran").exists()
    assert "no such file" in told(tmp_path / "missing.pth", *target)
    assert "--output: is missing" in told(checkpoint)
    assert "it is MinkUNet14A" in told(checkpoint, *target, "--architecture", "MinkUNet18A")
    assert "is no length" in told(checkpoint, *target, "--voxel-m", 0)
    assert not (tmp_path / "s").exists()
    assert call(capsys, "import-checkpoint", checkpoint, *target)[0] == 0
    assert "there is a student already" in told(checkpoint, *target)
