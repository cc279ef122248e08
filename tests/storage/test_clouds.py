"""Bare clouds: every format gives the same points in the file's order; damage is told in one line."""

import json
import struct
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from schema.errors import ConfigError, InputError, Teach3dError
from storage.cloud_pcd import _unpack_lzf
from storage.clouds import READERS, BareCloud, read_bare_cloud
from storage.export import export_cloud

RNG = np.random.default_rng(5)
POINTS = RNG.uniform(-4, 4, (60, 3)).astype(np.float32)
FACES = RNG.permutation(60)[:57].reshape(-1, 3)


def write(path: Path, data: bytes | str) -> Path:
    path.write_bytes(data if isinstance(data, bytes) else data.encode())
    return path


def ply_text(path: Path) -> Path:
    lines = ["ply", "format ascii 1.0", "comment made by hand", f"element vertex {len(POINTS)}"]
    lines += ["property uchar red", "property float x", "property float y", "property float z"]
    lines += [f"element face {len(FACES)}", "property list uchar int vertex_index", "end_header"]
    lines += [f"7 {x!r} {y!r} {z!r}" for x, y, z in POINTS.tolist()]
    return write(path, "\r\n".join([*lines, *(f"3 {a} {b} {c}" for a, b, c in FACES)]) + "\r\n")


def ply_big_endian(path: Path) -> Path:
    header = "ply\nformat binary_big_endian 1.0\nelement vertex 60\nproperty double x\nproperty float y\n"
    header += "property float z\nproperty list uint8 uint16 rings\nelement face 19\n"
    header += "property list uint8 int32 vertex_indices\nproperty uint8 quality\nend_header\n"
    body = b"".join(struct.pack(">dffB2H", *row, 2, 8, 9) for row in POINTS.tolist())
    return write(
        path, header.encode() + body + b"".join(struct.pack(">B3iB", 3, *f, 1) for f in FACES.tolist())
    )


def by_export(kind: str) -> Callable[[Path], Path]:
    return lambda path: export_cloud(path, kind, points=POINTS, faces=FACES.astype(np.int32))


def by_open3d(**options: bool) -> Callable[[Path], Path]:
    def make(path: Path) -> Path:
        import open3d as o3d

        cloud = o3d.t.geometry.PointCloud(POINTS)
        cloud.point.intensity = o3d.core.Tensor(POINTS[:, :1])
        assert o3d.t.io.write_point_cloud(str(path), cloud, **options)
        return path

    return make


def mesh_by_open3d(path: Path) -> Path:
    import open3d as o3d

    mesh = o3d.geometry.TriangleMesh(
        o3d.utility.Vector3dVector(POINTS), o3d.utility.Vector3iVector(FACES.astype(np.int32))
    )
    assert o3d.io.write_triangle_mesh(str(path), mesh.compute_vertex_normals())
    return path


def pcd_binary(path: Path) -> Path:
    header = "# .PCD v0.7\nVERSION 0.7\nFIELDS label x y z normal\nSIZE 2 4 4 8 4\nTYPE U F F F F\n"
    header += "COUNT 1 1 1 1 3\nWIDTH 30\nHEIGHT 2\nVIEWPOINT 0 0 0 1 0 0 0\nPOINTS 60\nDATA binary\n"
    body = b"".join(struct.pack("<Hffd3f", 3, *row, 0, 0, 1) for row in POINTS.tolist())
    return write(path, header.encode() + body)


def laz(path: Path) -> Path:
    import laspy

    laspy.read(by_export("las")(path.with_suffix(".las"))).write(path)
    return path


def las_of(path: Path, points: np.ndarray) -> Path:
    return export_cloud(path, "las", points=points)


def npz(path: Path, name: str = "points", points: np.ndarray = POINTS) -> Path:
    np.savez(path, allow_pickle=False, **{name: points}, faces=FACES)
    return path


def obj(path: Path) -> Path:
    lines = [
        "# a comment",
        "mtllib x.mtl",
        *(f"v {x} {y} {z} 0.1 0.2 0.3" for x, y, z in POINTS.tolist()),
        "vn 0 0 1",
    ]
    lines += [f"f {a + 1}/1/1 {b + 1}//2 {c - 60}" for a, b, c in FACES]
    return write(path, "\n".join(lines))


def glb(
    path: Path, *, node: dict | None = None, change: dict | None = None, blob: bytes | None = None
) -> Path:
    """Triangles in one buffer; positions and indices as 32-bit numbers."""
    blob = blob or POINTS.tobytes() + FACES.astype("<u4").tobytes()
    views = [(0, POINTS.nbytes), (POINTS.nbytes, FACES.size * 4)]
    document = {
        "asset": {"version": "2.0"},
        "scene": 0,
        "scenes": [{"nodes": [0]}],
        "nodes": [{"children": [1], **(node or {})}, {"mesh": 0}],
        "meshes": [{"primitives": [{"attributes": {"POSITION": 0}, "indices": 1}]}],
        "accessors": [
            {"bufferView": 0, "componentType": 5126, "count": 60, "type": "VEC3"},
            {"bufferView": 1, "componentType": 5125, "count": FACES.size, "type": "SCALAR"},
        ],
        "bufferViews": [{"buffer": 0, "byteOffset": at, "byteLength": size} for at, size in views],
        "buffers": [{"byteLength": len(blob)}],
        **(change or {}),
    }
    text = json.dumps(document).encode()
    text += b" " * (-len(text) % 4)
    chunks = (
        struct.pack("<I4s", len(text), b"JSON") + text + struct.pack("<I4s", len(blob), b"BIN\x00") + blob
    )
    return write(path, b"glTF" + struct.pack("<II", 2, 12 + len(chunks)) + chunks)


MAKERS: dict[str, tuple[str, Callable[[Path], Path]]] = {
    "text PLY": ("x.ply", ply_text),
    "big-endian PLY": ("x.ply", ply_big_endian),
    "this project's PLY": ("X.PLY", by_export("ply")),
    "Open3D's PLY": ("x.ply", by_open3d()),
    "Open3D's text PLY": ("x.ply", by_open3d(write_ascii=True)),
    "Open3D's PLY mesh": ("x.ply", mesh_by_open3d),
    "Open3D's PCD": ("x.pcd", by_open3d()),
    "Open3D's text PCD": ("x.pcd", by_open3d(write_ascii=True)),
    "Open3D's compressed PCD": ("x.pcd", by_open3d(compressed=True)),
    "organised PCD": ("x.pcd", pcd_binary),
    "LAS": ("x.las", by_export("las")),
    "LAZ": ("x.laz", laz),
    "NPZ": ("x.npz", npz),
    "this project's NPZ": ("x.npz", by_export("npz")),
    "OBJ": ("x.obj", obj),
    "GLB": ("x.glb", glb),
}


@pytest.mark.parametrize("name", MAKERS)
def test_every_format_gives_the_points_in_their_order(tmp_path: Path, name: str) -> None:
    file, make = MAKERS[name]
    cloud = read_bare_cloud(make(tmp_path / file), up="z")
    rounded = name in ("LAS", "LAZ", "Open3D's text PLY")
    np.testing.assert_allclose(cloud.points, POINTS, rtol=0, atol=6e-5 if rounded else 0)
    assert np.array_equal(cloud.points_world, cloud.points.astype(np.float64))
    assert cloud.num_dropped == 0
    single = name not in ("big-endian PLY", "organised PCD", "LAS", "LAZ", "OBJ", "GLB", "Open3D's PLY mesh")
    assert cloud.points.dtype == (np.float32 if single else np.float64)
    has_faces = any(
        word in name for word in ("text PLY", "big-endian", "project's", "mesh", "OBJ", "GLB", "NPZ")
    )
    if has_faces and not name.startswith("Open3D's text"):
        assert cloud.faces is not None
        assert np.array_equal(cloud.faces, FACES)


def test_stl_has_three_corners_a_triangle(tmp_path: Path) -> None:
    corners = POINTS[FACES].reshape(-1, 3)
    for path in (mesh_by_open3d(tmp_path / "binary.stl"), tmp_path / "text.stl"):
        if not path.exists():
            lines = ["solid x"]
            for triangle in POINTS[FACES].tolist():
                lines += [
                    "facet normal 0 0 1",
                    "outer loop",
                    *(f"  vertex {x} {y} {z}" for x, y, z in triangle),
                ]
                lines += ["endloop", "endfacet"]
            write(path, "\n".join([*lines, "endsolid x\n"]))
        cloud = read_bare_cloud(path)
        np.testing.assert_array_equal(cloud.points.astype(np.float32), corners)
        assert cloud.faces is not None
        assert np.array_equal(cloud.faces, np.arange(len(corners)).reshape(-1, 3))


def test_polygons_become_fans(tmp_path: Path) -> None:
    header = "ply\nformat ascii 1.0\nelement vertex 5\nproperty float x\nproperty float y\nproperty float z\n"
    header += "element face 3\nproperty list uchar int vertex_indices\nend_header\n"
    points = "0 0 0\n1 0 0\n1 1 0\n0 1 0\n2 2 2\n"
    expected = [[0, 1, 2], [0, 2, 3], [1, 2, 4]]
    mixed = write(tmp_path / "mixed.ply", header + points + "4 0 1 2 3\n2 0 1\n3 1 2 4\n")
    cloud = read_bare_cloud(mixed)
    assert cloud.faces is not None
    assert cloud.faces.tolist() == expected
    binary = (
        header.replace("ascii", "binary_little_endian").encode() + np.array(points.split(), "<f4").tobytes()
    )
    for row in ([0, 1, 2, 3], [0, 1], [1, 2, 4]):
        binary += struct.pack(f"<B{len(row)}i", len(row), *row)
    cloud = read_bare_cloud(write(tmp_path / "binary.ply", binary))
    assert cloud.faces is not None
    assert cloud.faces.tolist() == expected
    quads = write(tmp_path / "quads.obj", "v 0 0 0\nv 1 0 0\nv 1 1 0\nv 0 1 0\nf 1 2 3 4\nf -4 -3 -1\n")
    cloud = read_bare_cloud(quads)
    assert cloud.faces is not None
    assert cloud.faces.tolist() == [[0, 1, 2], [0, 2, 3], [0, 1, 3]]


def test_nodes_place_meshes(tmp_path: Path) -> None:
    half = np.sqrt(0.5)
    node = {"translation": [1, 2, 3], "rotation": [0, 0, half, half], "scale": [2, 2, 2]}
    cloud = read_bare_cloud(glb(tmp_path / "x.glb", node=node), up="z")
    turned = np.stack([-POINTS[:, 1], POINTS[:, 0], POINTS[:, 2]], axis=1)  # 90 degrees about z
    np.testing.assert_allclose(cloud.points, 2 * turned + [1, 2, 3], atol=1e-5)
    matrix = [0, 2, 0, 0, -2, 0, 0, 0, 0, 0, 2, 0, 1, 2, 3, 1]  # the same, column by column
    same = read_bare_cloud(glb(tmp_path / "y.glb", node={"matrix": matrix}), up="z")
    np.testing.assert_allclose(same.points, cloud.points, atol=1e-5)
    twice = {"scenes": [{"nodes": [0, 1]}]}
    cloud = read_bare_cloud(glb(tmp_path / "z.glb", change=twice))
    assert len(cloud.points) == 120
    assert cloud.faces is not None
    assert np.array_equal(cloud.faces[19:], FACES + 60)


def test_units_and_axes(tmp_path: Path) -> None:
    path = npz(tmp_path / "x.npz", points=(POINTS * 1000).astype(np.float32))
    cloud = read_bare_cloud(path, scale=0.001, up="y")
    assert np.array_equal(cloud.points, (POINTS * 1000).astype(np.float32))  # as in the file
    np.testing.assert_allclose(cloud.points_world[:, 2], POINTS[:, 1], rtol=1e-6)
    np.testing.assert_allclose(cloud.points_world[:, 0], POINTS[:, 0], rtol=1e-6)
    np.testing.assert_allclose(cloud.points_world[:, 1], -POINTS[:, 2], rtol=1e-6)
    np.testing.assert_allclose(cloud.extent_m, np.ptp(cloud.points_world, axis=0))
    assert read_bare_cloud(path).up == "z"
    assert read_bare_cloud(glb(tmp_path / "x.glb")).up == "y"
    for scale in (0, -1, float("nan")):
        with pytest.raises(ConfigError, match="--scale"):
            read_bare_cloud(path, scale=scale)


def test_large_coordinates_lose_nothing(tmp_path: Path) -> None:
    """Map coordinates: whole metres are taken off in double precision, the LAS file's offset among them."""
    far = POINTS.astype(np.float64).round(3) + np.array([512_345.0, 5_400_321.0, 412.0])
    cloud = read_bare_cloud(las_of(tmp_path / "x.las", far))
    np.testing.assert_allclose(cloud.points, far, atol=1e-6)
    assert np.array_equal(cloud.origin_m, np.floor(far.min(axis=0)))
    single = cloud.points_world.astype(np.float32)
    np.testing.assert_allclose(single + cloud.origin_m, far, atol=1e-5)
    near = read_bare_cloud(las_of(tmp_path / "y.las", far - [512_345, 5_400_321, 0]))
    assert np.array_equal(near.origin_m, np.zeros(3))


def test_points_that_are_not_finite_are_left_out_and_counted(tmp_path: Path) -> None:
    holes = POINTS.copy()
    holes[[0, 7, 59], [0, 1, 2]] = [np.nan, np.inf, -np.inf]
    keep = np.setdiff1d(np.arange(60), [0, 7, 59])
    cloud = read_bare_cloud(npz(tmp_path / "x.npz", points=holes))
    assert cloud.num_dropped == 3
    assert np.array_equal(cloud.points, POINTS[keep])
    whole = ~np.isin(FACES, [0, 7, 59]).any(axis=1)
    assert cloud.faces is not None
    assert np.array_equal(keep[cloud.faces], FACES[whole])
    with pytest.raises(InputError, match="no finite point"):
        read_bare_cloud(npz(tmp_path / "y.npz", points=np.full((60, 3), np.nan)))


def told(path: Path) -> str:
    with pytest.raises(Teach3dError) as error:
        read_bare_cloud(path)
    line = str(error.value)
    assert "\n" not in line
    assert path.name in line
    return line


def test_an_unknown_ending_lists_the_known_ones(tmp_path: Path) -> None:
    line = told(tmp_path / "scan.e57")
    assert all(kind in line for kind in READERS)


@pytest.mark.parametrize("ending", READERS)
def test_missing_empty_and_foreign_files(tmp_path: Path, ending: str) -> None:
    assert "cannot be read (no such file or directory)" in told(tmp_path / f"missing{ending}")
    assert "the file is empty" in told(write(tmp_path / f"empty{ending}", b""))
    told(write(tmp_path / f"text{ending}", "this is a letter, not a cloud\n" * 20))
    told(write(tmp_path / f"bytes{ending}", bytes(range(256)) * 4))


@pytest.mark.parametrize("name", MAKERS)
def test_files_that_end_early(tmp_path: Path, name: str) -> None:
    """At any place: one line of error, or, where a text file says no size, fewer points."""
    file, make = MAKERS[name]
    path = make(tmp_path / file)
    whole = path.read_bytes()
    for length in (*range(1, 40, 7), len(whole) // 3, len(whole) // 2, len(whole) - 40, len(whole) - 3):
        write(path, whole[:length])
        if name == "OBJ":
            read_or_none(path)
        elif name.endswith("text PLY") and length == len(whole) - 3:
            read_or_none(path)  # the last number may have lost digits
        elif name == "Open3D's text PCD" and length == len(whole) - 3:
            read_or_none(path)
        else:
            told(path)


def read_or_none(path: Path) -> BareCloud | None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return read_bare_cloud(path)
        except Teach3dError:
            return None


@pytest.mark.parametrize(
    "name",
    [
        "big-endian PLY",
        "this project's PLY",
        "organised PCD",
        "Open3D's compressed PCD",
        "GLB",
        "LAS",
        "LAZ",
        "text PLY",
        "OBJ",
    ],
)
def test_flipped_bytes_never_end_in_anything_but_points_or_one_line(tmp_path: Path, name: str) -> None:
    file, make = MAKERS[name]
    path = make(tmp_path / file)
    whole = path.read_bytes()
    rng = np.random.default_rng(0)
    refused = 0
    for _ in range(60):
        broken = bytearray(whole)
        for _ in range(3):
            broken[int(rng.integers(0, min(len(broken), 600)))] ^= 1 << int(rng.integers(0, 8))
        cloud = read_or_none(write(path, bytes(broken)))
        refused += cloud is None
        assert cloud is None or np.isfinite(cloud.points).all()
    assert refused > 5


@pytest.mark.parametrize("count", ["nan", "inf", "-1", "1e30", "2"])
def test_impossible_counts_in_text(tmp_path: Path, count: str) -> None:
    lines = ply_text(tmp_path / "x.ply").read_text().splitlines()
    lines[-3] = f"{count} 0 1 2"
    told(write(tmp_path / "x.ply", "\n".join(lines)))


def test_wrong_contents_are_named(tmp_path: Path) -> None:
    assert "it has: xyz, faces" in told(npz(tmp_path / "a.npz", name="xyz"))
    assert "'points' of float64 [4, 2]" in told(npz(tmp_path / "b.npz", points=np.zeros((4, 2))))
    assert "'points' of <U1" in told(npz(tmp_path / "c.npz", points=np.array([["a", "b", "c"]])))
    np.savez(tmp_path / "d.npz", points=np.array([[None, 1, 2]]))
    assert "allow_pickle=False" in told(tmp_path / "d.npz")
    bare = "ply\nformat ascii 1.0\nelement vertex 1\nproperty float x\nproperty float y\nend_header\n1 2\n"
    assert "x, y, z" in told(write(tmp_path / "e.ply", bare))
    assert "no point" in told(
        write(
            tmp_path / "f.ply",
            bare.replace("vertex 1", "vertex 0").replace("y\nend", "y\nproperty float z\nend"),
        )
    )
    idle = bare.replace("element vertex", "element nothing 999999999999\nelement vertex")
    assert "x, y, z" in told(
        write(tmp_path / "idle.ply", idle.replace("ascii", "binary_little_endian") + "12345678")
    )
    corner = "v 0 0 0\nv 1 0 0\nv 1 1 0\nf 1 2 9\n"
    assert "corners that do not exist" in told(write(tmp_path / "g.obj", corner))
    assert "line 2 cannot be read: 'v 1 x 0'" in told(write(tmp_path / "h.obj", "v 0 0 0\nv 1 x 0\n"))
    strips = {"meshes": [{"primitives": [{"attributes": {"POSITION": 0}, "mode": 5}]}]}
    assert "strips" in told(glb(tmp_path / "i.glb", change=strips))
    circle = {"nodes": [{"children": [0]}]}
    assert "circle" in told(glb(tmp_path / "j.glb", change=circle))


COLORS = np.stack([np.arange(60) * 4, 255 - np.arange(60) * 4, np.full(60, 7)], axis=1).astype(np.uint8)


def colored_ply(path: Path) -> Path:
    return export_cloud(path, "ply", points=POINTS, colors=COLORS)


def colored_npz(path: Path) -> Path:
    np.savez(path, points=POINTS, colors=COLORS / 255)
    return path


def colored_las(path: Path) -> Path:
    return export_cloud(path, "las", points=POINTS, colors=COLORS)


def colored_pcd(path: Path) -> Path:
    header = "VERSION 0.7\nFIELDS x y z rgb\nSIZE 4 4 4 4\nTYPE F F F F\nCOUNT 1 1 1 1\n"
    header += "WIDTH 60\nHEIGHT 1\nPOINTS 60\nDATA binary\n"
    packed = [int(r) << 16 | int(g) << 8 | int(b) for r, g, b in COLORS]
    body = b"".join(struct.pack("<3fI", *row, rgb) for row, rgb in zip(POINTS.tolist(), packed, strict=True))
    return write(path, header.encode() + body)


def colored_pcd_by_open3d(path: Path) -> Path:
    import open3d as o3d

    cloud = o3d.t.geometry.PointCloud(POINTS)
    cloud.point.colors = o3d.core.Tensor(COLORS)
    assert o3d.t.io.write_point_cloud(str(path), cloud, compressed=True)
    return path


def colored_glb(path: Path) -> Path:
    blob = POINTS.tobytes() + np.ascontiguousarray(np.insert(COLORS, 3, 255, axis=1)).tobytes()
    change = {
        "meshes": [{"primitives": [{"attributes": {"POSITION": 0, "COLOR_0": 1}, "mode": 0}]}],
        "accessors": [
            {"bufferView": 0, "componentType": 5126, "count": 60, "type": "VEC3"},
            {"bufferView": 1, "componentType": 5121, "count": 60, "type": "VEC4", "normalized": True},
        ],
        "bufferViews": [
            {"buffer": 0, "byteOffset": 0, "byteLength": POINTS.nbytes},
            {"buffer": 0, "byteOffset": POINTS.nbytes, "byteLength": 240},
        ],
        "buffers": [{"byteLength": len(blob)}],
    }
    return glb(path, change=change, blob=blob)


@pytest.mark.parametrize(
    ("file", "make"),
    [
        ("x.ply", colored_ply),
        ("x.npz", colored_npz),
        ("x.las", colored_las),
        ("x.pcd", colored_pcd),
        ("y.pcd", colored_pcd_by_open3d),
        ("x.glb", colored_glb),
    ],
)
def test_colours_are_read_where_there_are_any(
    tmp_path: Path, file: str, make: Callable[[Path], Path]
) -> None:
    cloud = read_bare_cloud(make(tmp_path / file), up="z")
    assert cloud.colors is not None
    assert np.array_equal(cloud.colors, COLORS)
    assert read_bare_cloud(npz(tmp_path / "bare.npz")).colors is None


def test_colours_stay_with_their_points(tmp_path: Path) -> None:
    points = POINTS.copy()
    points[3] = np.nan
    np.savez(tmp_path / "x.npz", points=points, colors=COLORS)
    cloud = read_bare_cloud(tmp_path / "x.npz")
    assert cloud.colors is not None
    assert np.array_equal(cloud.colors, np.delete(COLORS, 3, axis=0))
    np.savez(tmp_path / "x.npz", points=points, colors=COLORS[:5])
    with pytest.raises(InputError, match="5 colours for 60 points"):
        read_bare_cloud(tmp_path / "x.npz")


def test_lzf_by_hand() -> None:
    """A literal run of 3, then a copy of 7 from 3 back: it runs into what it writes."""
    assert _unpack_lzf(bytes([2]) + b"abc" + bytes([5 << 5, 2])) == b"abcabcabca"
    long = bytes([0]) + b"x" + bytes([7 << 5, 255, 0])
    assert _unpack_lzf(long) == b"x" * (1 + 264)
    assert _unpack_lzf(bytes([1 << 5, 9])) is None
    assert _unpack_lzf(bytes([7 << 5])) is None
