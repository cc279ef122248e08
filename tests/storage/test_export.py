"""Exported files are read back by other programs' readers with the same values."""

from pathlib import Path

import numpy as np
import pytest

from schema.errors import ConfigError, StorageFullError
from storage.export import FORMATS, export_cloud

RNG = np.random.default_rng(3)
N = 50
CLOUD = {
    "points": RNG.standard_normal((N, 3)).astype(np.float32),
    "normals": RNG.standard_normal((N, 3)).astype(np.float32),
    "colors": RNG.integers(0, 256, (N, 3)).astype(np.uint8),
    "faces": RNG.integers(0, N, (20, 3)).astype(np.int32),
}
SCALARS = {
    "score": RNG.standard_normal(N).astype(np.float16),
    "label": RNG.integers(-1, 20, N).astype(np.int16),
    "seen": RNG.random(N) > 0.5,
    "big": RNG.integers(0, 1 << 30, N),
    "a brown table": RNG.standard_normal(N),
}


def test_ply_in_open3d(tmp_path: Path) -> None:
    import open3d as o3d

    path = export_cloud(tmp_path / "cloud", "ply", **CLOUD, scalars=SCALARS)
    assert path == tmp_path / "cloud.ply"
    mesh = o3d.io.read_triangle_mesh(str(path))
    assert np.array_equal(np.asarray(mesh.vertices, np.float32), CLOUD["points"])
    assert np.array_equal(np.asarray(mesh.triangles), CLOUD["faces"])
    assert np.array_equal((np.asarray(mesh.vertex_colors) * 255).round().astype(np.uint8), CLOUD["colors"])
    cloud = o3d.t.io.read_point_cloud(str(path))
    assert np.array_equal(cloud.point.normals.numpy(), CLOUD["normals"])
    assert np.array_equal(cloud.point.score.numpy()[:, 0], SCALARS["score"].astype(np.float32))
    assert np.array_equal(cloud.point.label.numpy()[:, 0], SCALARS["label"])
    assert np.array_equal(cloud.point.big.numpy()[:, 0], SCALARS["big"])
    assert np.array_equal(cloud.point["a_brown_table"].numpy()[:, 0], SCALARS["a brown table"])


def test_bare_ply_is_these_bytes(tmp_path: Path) -> None:
    points = np.array([[1, 2, 3], [4, 5, 6]], dtype=np.float32)
    path = export_cloud(tmp_path / "x.ply", "ply", points=points, scalars={"x": np.array([7, 8], np.uint8)})
    header = b"ply\nformat binary_little_endian 1.0\nelement vertex 2\n"
    header += b"property float x\nproperty float y\nproperty float z\nproperty uchar x_\nend_header\n"
    body = b"".join(
        row.astype("<f4").tobytes() + bytes([value]) for row, value in zip(points, (7, 8), strict=True)
    )
    assert path.read_bytes() == header + body


def test_a_matrix_goes_into_npz_and_is_refused_elsewhere(tmp_path: Path) -> None:
    feat = RNG.standard_normal((N, 4)).astype(np.float16)
    path = export_cloud(tmp_path / "cloud.npz", "npz", points=CLOUD["points"], scalars={"feat": feat})
    with np.load(path, allow_pickle=False) as loaded:
        assert np.array_equal(loaded["feat"], feat)
    for name in ("ply", "las"):
        with pytest.raises(ConfigError, match=r"feat has 4 numbers a point.*choose npz"):
            export_cloud(tmp_path / "cloud", name, points=CLOUD["points"], scalars={"feat": feat})


def test_npz_needs_no_pickle(tmp_path: Path) -> None:
    path = export_cloud(tmp_path / "cloud.npz", "npz", **CLOUD, scalars=SCALARS)
    with np.load(path, allow_pickle=False) as loaded:
        assert set(loaded) == {"points_world", "normals", "colors", "faces", *SCALARS}
        assert np.array_equal(loaded["points_world"], CLOUD["points"])
        for name, values in SCALARS.items():
            assert loaded[name].dtype == values.dtype
            assert np.array_equal(loaded[name], values)


def test_las_in_laspy(tmp_path: Path) -> None:
    laspy = pytest.importorskip("laspy")
    scalars = {**SCALARS, "intensity": np.arange(N, dtype=np.float32), "x" * 50: np.zeros(N)}
    path = export_cloud(tmp_path / "cloud.las", "las", **CLOUD, scalars=scalars)
    cloud = laspy.read(path)
    assert np.abs(cloud.xyz - CLOUD["points"]).max() <= 0.00006
    assert np.array_equal(np.stack([cloud.red, cloud.green, cloud.blue], 1) // 257, CLOUD["colors"])
    assert np.array_equal(cloud["score"], SCALARS["score"].astype(np.float32))
    assert np.array_equal(cloud["label"], SCALARS["label"])
    assert np.array_equal(cloud["nx"], CLOUD["normals"][:, 0])
    assert np.array_equal(cloud["intensity_"], np.arange(N))


@pytest.mark.parametrize("format_", FORMATS)
def test_an_empty_cloud(tmp_path: Path, format_: str) -> None:
    if format_ == "las":
        pytest.importorskip("laspy")
    points = np.zeros((0, 3), np.float32)
    path = export_cloud(tmp_path / "empty", format_, points=points, scalars={"s": np.zeros(0, np.float32)})
    assert path.suffix == FORMATS[format_].suffix
    assert path.stat().st_size > 0


def test_unknown_format_lists_and_suggests(tmp_path: Path) -> None:
    with pytest.raises(
        ConfigError, match=r"unknown export format; did you mean 'ply'\? known are: las, npz, ply"
    ):
        export_cloud(tmp_path / "x", "plly", points=CLOUD["points"])
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("format_", "values", "message"),
    [
        ("ply", np.full(N, 1 << 40), "do not fit"),
        ("ply", np.zeros(N, np.complex128), "cannot be stored"),
        ("npz", np.array([None] * N, dtype=object), "cannot be an array"),
    ],
)
def test_values_that_do_not_fit_leave_nothing(tmp_path: Path, format_: str, values, message: str) -> None:
    (tmp_path / f"old.{format_}").write_text("former")
    with pytest.raises(ConfigError, match=message):
        export_cloud(tmp_path / "old", format_, points=CLOUD["points"], scalars={"v": values})
    assert [path.read_text() for path in tmp_path.iterdir()] == ["former"]


def test_lengths_must_agree(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"v: shape \(3,\) does not fit 50 points"):
        export_cloud(tmp_path / "x", "ply", points=CLOUD["points"], scalars={"v": np.zeros(3)})


def test_a_full_disk(tmp_path: Path, monkeypatch) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("storage.export.write_ply", full)
    with pytest.raises(StorageFullError):
        export_cloud(tmp_path / "x", "ply", points=CLOUD["points"])
    assert not list(tmp_path.iterdir())
