"""``teach3d predict``: a student's folder and a bare file are enough; what it writes is what it prints."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from flows.cli import main
from models.text.words import WordsEncoder
from schema.config_models import WordsTextConfig
from storage.clouds import read_bare_cloud
from storage.export import export_cloud
from storage.label_sets import load_label_set, load_synonyms
from storage.store import Store
from tests.checkpoints import PLANES, network
from tests.recipes import small_recipe
from training.checkpoint import save_student
from training.infer import load_student, student_features

VOXEL_M = 0.1
CHANNELS = 64
RNG = np.random.default_rng(0)
WALLS = (RNG.uniform(0, 3, (4000, 3)) * [1, 1, 0.04]).astype(np.float32)
WALLS[2000:] = WALLS[2000:, [2, 0, 1]]


def call(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as left:
        main([str(argument) for argument in arguments])
    printed = capsys.readouterr()
    return int(left.value.code or 0), printed.out, printed.err


def predicted(capsys: pytest.CaptureFixture[str], *arguments: object) -> dict[str, Any]:
    code, out, err = call(capsys, "predict", *arguments, "--json")
    assert code == 0, err
    result = json.loads(out)
    assert isinstance(result, dict)
    return result


def encoder() -> WordsEncoder:
    return WordsEncoder(WordsTextConfig(dim=CHANNELS), synonyms=load_synonyms())


@pytest.fixture(scope="module")
def student(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A student outside of any store, in the space of words."""
    folder = tmp_path_factory.mktemp("student")
    about = {
        "architecture": "MinkUNet14A",
        "planes": list(PLANES),
        "channels": CHANNELS,
        "voxel_m": VOXEL_M,
        "text_space": encoder().space,
    }
    save_student(folder, network(channels=CHANNELS), about)
    return folder


@pytest.fixture
def scan(tmp_path: Path) -> Path:
    return export_cloud(tmp_path / "scan.ply", "ply", points=WALLS)


def features(student: Path, points: np.ndarray = WALLS) -> np.ndarray:
    return student_features(load_student(student), points, voxel_m=VOXEL_M)


def columns(path: Path) -> dict[str, np.ndarray]:
    import open3d as o3d

    cloud = o3d.t.io.read_point_cloud(str(path))
    return {name: cloud.point[name].numpy() for name in cloud.point}


def test_classes_of_a_label_set(student: Path, scan: Path, capsys: pytest.CaptureFixture[str]) -> None:
    result = predicted(capsys, scan, "--student", student, "--label-set", "scannet20")
    label_set = load_label_set("scannet20")
    text = encoder().encode(label_set.texts("a {label} in a scene"))
    feat = features(student)
    cosine = feat @ text.T / np.maximum(np.linalg.norm(feat, axis=1, keepdims=True), 1e-30)
    cosine[:, [k for k, name in enumerate(label_set.names) if name in label_set.void]] = -np.inf
    silent = ~feat.any(axis=1)
    expected = np.where(silent, -1, cosine.argmax(axis=1))
    found = columns(Path(result["output"]))
    assert np.array_equal(found["positions"], WALLS)
    assert np.array_equal(found["label"].ravel(), expected)
    np.testing.assert_allclose(
        found["score"].ravel(), np.where(silent, 0, cosine.max(axis=1)), rtol=1e-4, atol=1e-6
    )
    colors = np.array([*label_set.colors, (132, 136, 142)])
    assert np.array_equal(found["colors"], colors[expected])
    rows = {row["class"]: row for row in result["classes"]}
    for k, name in enumerate(label_set.names):
        count = int((expected == k).sum())
        assert rows.get(name, {"points": 0})["points"] == count
    assert sum(row["share"] for row in result["classes"]) == pytest.approx(1)
    assert len({int(k) for k in expected}) > 2  # a student that calls everything alike shows little
    assert (result["points"], result["tiles"], result["up"]) == (len(WALLS), 1, "z")


def test_one_text_and_several(student: Path, scan: Path, capsys: pytest.CaptureFixture[str]) -> None:
    one = predicted(capsys, scan, "--student", student, "--text", "a red chair")
    feat = features(student)
    unit = feat / np.maximum(np.linalg.norm(feat, axis=1, keepdims=True), 1e-30)
    scores = unit @ encoder().encode(["a red chair", "table"]).T
    found = columns(Path(one["output"]))
    assert "label" not in found
    np.testing.assert_allclose(found["score"].ravel(), scores[:, 0], rtol=1e-4, atol=1e-6)
    assert one["classes"] == []
    assert one["texts"][0]["max"] == pytest.approx(scores[:, 0].max(), rel=1e-4)
    several = predicted(capsys, scan, "--student", student, "--text", "a red chair", "--text", "table")
    assert several["columns"] == ["label", "score", "score_a_red_chair", "score_table"]
    found = columns(Path(several["output"]))
    known = feat.any(axis=1)
    assert np.array_equal(found["label"].ravel()[known], scores.argmax(axis=1)[known])
    np.testing.assert_allclose(found["score_table"].ravel(), scores[:, 1], rtol=1e-4, atol=1e-6)
    code, out, _ = call(capsys, "predict", scan, "--student", student, "--text", "a red chair")
    assert code == 0
    assert "a red chair" in out
    assert "output: " in out


def test_a_large_scene_in_tiles_is_the_same(
    student: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    points = (RNG.uniform(0, 1, (30_000, 3)) * [120, 0.5, 0.02]).astype(np.float32)
    scan = export_cloud(tmp_path / "street.npz", "npz", points=points)
    whole = predicted(capsys, scan, "--student", student, "--output", tmp_path / "whole.npz")
    tiled = predicted(
        capsys, scan, "--student", student, "--output", tmp_path / "tiled.npz", "--max-voxels", 2500
    )
    assert whole["tiles"] == 1
    assert tiled["tiles"] > 2
    with np.load(whole["output"], allow_pickle=False) as a, np.load(tiled["output"], allow_pickle=False) as b:
        assert np.array_equal(a["points_world"], points)
        np.testing.assert_allclose(a["score"], b["score"], rtol=1e-5, atol=1e-6)
        assert (a["label"] == b["label"]).mean() > 0.999
    code, _, err = call(capsys, "predict", scan, "--student", student, "--max-voxels", 100)
    assert code == 2
    assert "--max-voxels" in err


def test_units_axes_and_map_coordinates_end_in_the_same_labels(
    student: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The file keeps its own coordinates; the student sees metres, z up."""
    points = (WALLS.astype(np.float64) / VOXEL_M).round() * VOXEL_M + VOXEL_M / 2  # away from voxels' borders
    plain = predicted(
        capsys, export_cloud(tmp_path / "a.ply", "ply", points=points), "--student", student, "--text", "x y"
    )
    other = np.stack([points[:, 0], points[:, 2], -points[:, 1]], axis=1) * 1000
    turned = predicted(
        capsys, export_cloud(tmp_path / "b.ply", "ply", points=other),
        "--student", student, "--text", "x y", "--scale", 0.001, "--up", "y",
    )  # fmt: skip
    assert np.array_equal(columns(Path(turned["output"]))["positions"], other)
    far = points + np.array([512_000.0, 5_400_000.0, 0])
    mapped = predicted(
        capsys, export_cloud(tmp_path / "c.las", "las", points=far), "--student", student, "--text", "x y"
    )
    assert mapped["origin_m"] == [512_000, 5_400_000, 0]
    np.testing.assert_allclose(read_bare_cloud(Path(mapped["output"])).points, far, atol=1e-6)
    import laspy

    expected = columns(Path(plain["output"]))["score"].ravel()
    np.testing.assert_allclose(columns(Path(turned["output"]))["score"].ravel(), expected, atol=1e-5)
    np.testing.assert_allclose(np.asarray(laspy.read(mapped["output"])["score"]), expected, atol=1e-5)


def test_a_coarse_mesh_is_filled(student: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Two triangles are a floor to the student, not four dots; the file keeps its corners and triangles."""
    corners = np.array([[0, 0, 0], [3, 0, 0], [3, 3, 0], [0, 3, 0]]) + VOXEL_M / 2
    faces = np.array([[0, 1, 2], [0, 2, 3]])
    mesh = export_cloud(tmp_path / "floor.ply", "ply", points=corners, faces=faces)
    result = predicted(capsys, mesh, "--student", student, "--text", "floor")
    assert result["voxels"] == 31**2
    assert (result["points"], result["faces"]) == (4, 2)
    cloud = read_bare_cloud(Path(result["output"]))
    assert np.array_equal(cloud.points, corners)
    assert cloud.faces is not None
    assert np.array_equal(cloud.faces, faces)
    grid = np.stack(np.meshgrid(np.arange(31), np.arange(31), [0]), -1).reshape(-1, 3)[:, [1, 0, 2]]
    floor = features(student, np.concatenate([corners, (grid + 0.5) * VOXEL_M]))[:4]
    unit = floor / np.linalg.norm(floor, axis=1, keepdims=True)
    score = columns(Path(result["output"]))["score"].ravel()
    np.testing.assert_allclose(score, unit @ encoder().encode(["floor"])[0], rtol=1e-4, atol=1e-6)


def test_texts_that_begin_alike_keep_columns_of_their_own(
    student: Path, scan: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    import laspy

    texts = ["a large and comfortable red chair", "a large and comfortable table", "Öl", "?"]
    asked = [word for text in texts for word in ("--text", text.replace("?", "x?"))]
    result = predicted(capsys, scan, "--student", student, "--output", tmp_path / "x.las", *asked)
    assert result["columns"][2:] == [
        "score_a_large_and_comforta",
        "score_a_large_and_comforta_2",
        "score_l",
        "score_x",
    ]
    cloud = laspy.read(tmp_path / "x.las")
    means = [float(np.asarray(cloud[name]).mean()) for name in result["columns"][2:]]
    np.testing.assert_allclose(means, [row["mean"] for row in result["texts"]], atol=1e-5)


def test_features(student: Path, scan: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    result = predicted(
        capsys, scan, "--student", student, "--text", "a", "--features", "--output", tmp_path / "x.las"
    )
    assert result["features"] == str(tmp_path / "x-features.npz")
    with np.load(result["features"], allow_pickle=False) as arrays:
        assert arrays["feat"].dtype == np.float16
        assert np.array_equal(arrays["feat"], features(student).astype(np.float16))


def test_the_answer_stands_beside_the_input_in_its_format(
    student: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    import laspy

    las = export_cloud(tmp_path / "a.las", "las", points=WALLS)
    laspy.read(las).write(tmp_path / "a.laz")
    np.savez(tmp_path / "b.npz", allow_pickle=False, points=WALLS)
    (tmp_path / "c.obj").write_text("".join(f"v {x} {y} {z}\n" for x, y, z in WALLS[:50].tolist()))
    names = {"a.laz": "a-predicted.laz", "b.npz": "b-predicted.npz", "c.obj": "c-predicted.ply"}
    for name, answer in names.items():
        result = predicted(capsys, tmp_path / name, "--student", student, "--text", "a")
        assert result["output"] == str(tmp_path / answer)
        assert len(read_bare_cloud(tmp_path / answer).points) == result["points"]
    with laspy.open(tmp_path / "a-predicted.laz") as written:
        assert written.header.are_points_compressed


def test_points_that_are_not_finite_are_told(
    student: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    holes = WALLS.copy()
    holes[5] = np.nan
    scan = export_cloud(tmp_path / "holes.ply", "ply", points=holes)
    code, out, _ = call(capsys, "predict", scan, "--student", student, "--text", "a chair")
    assert code == 0
    assert "3,999 points, 1 not finite and left out" in out


def test_a_wrong_unit_is_hinted_at(student: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    scan = export_cloud(tmp_path / "mm.ply", "ply", points=WALLS * 1000)
    result = predicted(capsys, scan, "--student", student, "--text", "a chair")
    assert any("--scale (0.001" in note for note in result["notes"])


def told(capsys: pytest.CaptureFixture[str], *arguments: object) -> str:
    code, _, err = call(capsys, "predict", *arguments)
    assert code == 2
    lines = [line for line in err.splitlines() if line.startswith("error: ")]
    assert len(lines) == 1
    return lines[0]


def test_what_a_user_can_do_wrong(
    student: Path,
    scan: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with_student = ("--student", student)
    assert "known are: .glb, .las" in told(capsys, tmp_path / "x.e57", *with_student)
    assert "no such file" in told(capsys, tmp_path / "x.ply", *with_student)
    cut = tmp_path / "cut.ply"
    cut.write_bytes(scan.read_bytes()[:-5])
    assert "ends early" in told(capsys, cut, *with_student)
    assert "is the input itself" in told(capsys, scan, *with_student, "--output", scan)
    assert "known are: .las, .laz, .npz, .ply" in told(capsys, scan, *with_student, "--output", "x.xyz")
    assert "the student's file is missing" in told(capsys, scan, "--student", tmp_path)
    assert "unknown sparse engine" in told(capsys, scan, *with_student, "--engine", "cudnn")
    assert "unknown label set" in told(capsys, scan, *with_student, "--label-set", "scannet21")
    assert "no edge of a voxel" in told(capsys, scan, *with_student, "--voxel-m", -1)
    monkeypatch.chdir(tmp_path)
    assert "run a recipe first" in told(capsys, scan)
    assert not list(tmp_path.glob("*-predicted*"))


def test_the_text_encoder_must_be_the_students(
    student: Path, scan: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    recipe = tmp_path / "text.yaml"
    recipe.write_text(yaml.safe_dump({"text": {"kind": "words", "dim": 32}}))
    line = told(capsys, scan, "--student", student, "--recipe", recipe)
    assert "not in 'words:32:" in line
    recipe.write_text(yaml.safe_dump({"text": {"kind": "words", "dim": CHANNELS}}))
    assert predicted(capsys, scan, "--student", student, "--recipe", recipe, "--text", "a")["points"] == 4000
    recipe.write_text(yaml.safe_dump({"text": {"kind": "words", "dims": 32}}))
    assert "did you mean 'dim'" in told(capsys, scan, "--student", student, "--recipe", recipe)
    recipe.write_text("name: x")
    assert "text: is missing" in told(capsys, scan, "--student", student, "--recipe", recipe)
    foreign = tmp_path / "foreign"
    foreign.mkdir()
    about = {"architecture": "MinkUNet14A", "planes": list(PLANES), "channels": CHANNELS, "voxel_m": 0.1}
    save_student(foreign, load_student(student), {**about, "text_space": "open_clip:ViT-B-32-quickgelu"})
    assert "--recipe" in told(capsys, scan, "--student", foreign)
    save_student(foreign, load_student(student), about)
    recipe.write_text(yaml.safe_dump({"text": {"kind": "words", "dim": 32}}))
    assert "are 64 long" in told(capsys, scan, "--student", foreign, "--recipe", recipe)
    recipe.write_text(yaml.safe_dump({"text": {"kind": "words", "dim": CHANNELS}}))
    result = predicted(capsys, scan, "--student", foreign, "--recipe", recipe, "--text", "a")
    assert any("do not say its text space" in note for note in result["notes"])


def test_the_student_of_a_store_answers_as_in_its_evaluation(
    prefect_api: None, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The run's own exported cloud, without its images: the labels of the row 'student'."""
    recipe = small_recipe(tmp_path)
    code, _, err = call(capsys, "run", recipe)
    assert code == 0, err
    store = tmp_path / "store"
    scan = tmp_path / "room.ply"
    assert call(capsys, "export", "room_3", "--store", store, "--output", scan)[0] == 0
    result = predicted(capsys, scan, "--store", store, "--output", tmp_path / "out.npz")
    unit = Store(store).scene("room_3")
    row = unit.attrs("evaluate")["rows"].index("student")
    expected = unit.array("evaluate", "label")[:, row]
    with np.load(result["output"], allow_pickle=False) as arrays:
        assert (arrays["label"] == expected).mean() > 0.995  # stored scores are rounded before the choice
    again = predicted(capsys, scan, "--student", store / "students" / "student", "--text", "a zebra table")
    assert any("'zebra'" in note for note in again["notes"])
