"""The layout of a store: every array of every stage in one table, and the name of every file.

Reading and writing what the table describes is left to ``storage.arrays`` and ``storage.writer``.
"""

import re
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import schema.stages

LAYOUT_VERSION = 1
"""Version of everything in this module; a store of a newer one is refused."""

CHUNK_ROWS = 4096
"""Rows in a chunk; the other axes are whole. Pictures are the exception: one picture, one chunk."""

RESERVED_ATTRS = ("stage", "fingerprint", "commit", "layout_version")
"""Attributes the store itself puts on every group."""


@dataclass(frozen=True)
class ArraySpec:
    """One array of one stage.

    Attributes:
        name: name inside the stage's group.
        dtype: NumPy's short name, little endian ("f2", "i4", "b1").
        dims: one entry an axis: a number is that length, a letter is the same length wherever it stands in
            the stage, a letter followed by 1 ("N1") is that length plus one.
        unit: unit and frame, or "-".
        description: one sentence.
        optional: whether a stage is complete without it.
        kind: only for groups whose attribute ``kind`` has this value ("" is every group).
    """

    name: str
    dtype: str
    dims: tuple[str, ...]
    unit: str
    description: str
    optional: bool = False
    kind: str = ""

    @property
    def is_pictures(self) -> bool:
        """Whether the first axis counts pictures."""
        return self.dims[1:3] == ("h", "w")


@dataclass(frozen=True)
class AttrSpec:
    """One JSON attribute of a stage's group; the fields are as in ArraySpec."""

    name: str
    description: str
    optional: bool = False
    kind: str = ""


STUDENT_FILE = "student.safetensors"
"""Weights of a finished student; STUDENT_JSON beside it describes them."""
STUDENT_JSON = "student.json"

ARRAYS: Mapping[str, tuple[ArraySpec, ...]] = {
    "render": (
        ArraySpec("color", "u1", ("F", "h", "w", "3"), "RGB", "virtual views, coloured throughout"),
        ArraySpec("depth_m", "f4", ("F", "h", "w"), "m", "along the camera's z axis, 0 where nothing is hit"),
        ArraySpec("world_from_cam", "f8", ("F", "4", "4"), "m", "camera poses, rigid, OpenCV axes"),
        ArraySpec("intrinsics", "f8", ("F", "3", "3"), "px", "camera matrices"),
    ),
    "ingest": (
        ArraySpec("points_world", "f4", ("N", "3"), "m, world", "points in Morton order"),
        ArraySpec("normals", "f4", ("N", "3"), "unit vector", "normals; zero where none is known"),
        ArraySpec("colors", "u1", ("N", "3"), "RGB", "colours"),
        ArraySpec("faces", "i4", ("M", "3"), "point index", "triangles; M = 0 for a bare cloud"),
        ArraySpec("world_from_cam", "f8", ("F", "4", "4"), "m", "camera poses, rigid, OpenCV axes"),
        ArraySpec("intrinsics", "f8", ("F", "3", "3"), "px", "camera matrices of the colour images"),
        ArraySpec("preview_color", "u1", ("P", "h", "w", "3"), "RGB", "some frames, made small"),
        ArraySpec("preview_frame", "i4", ("P",), "frame index", "which frame a preview shows"),
    ),
    "oversegment": (
        ArraySpec("superpoint_id", "i4", ("N",), "-", "superpoint of each point, 0 .. num_superpoints - 1"),
    ),
    "lift": (
        ArraySpec("feat", "f2", ("N", "C"), "-", "mean over views, 0 where unseen", kind="dense"),
        ArraySpec("row_start", "i8", ("N1",), "pair index", "pairs of point n: row n to n + 1", kind="mask"),
        ArraySpec("caption_id", "i4", ("Q",), "index into captions", "caption of a pair", kind="mask"),
        ArraySpec("count", "i4", ("Q",), "frames", "views that gave the point that caption", kind="mask"),
        ArraySpec("num_views", "i4", ("N",), "frames", "views of the point, 0 is unseen"),
        ArraySpec(
            "preview_label", "i2", ("P", "h", "w"), "preview_names", "label per preview pixel, -1 none", True
        ),
    ),
    "fuse": (
        ArraySpec("feat", "f2", ("N", "C"), "-", "weighted sum over teachers, not normalised again"),
        ArraySpec("seen", "b1", ("N",), "-", "whether any teacher saw the point"),
        ArraySpec("weight", "f2", ("N", "T"), "-", "weight of each teacher"),
        ArraySpec("teacher_label", "i2", ("N", "T"), "vocabulary", "best class per teacher, -1 unseen"),
        ArraySpec("label", "i2", ("N",), "vocabulary", "best class of the fused feature, -1 unseen"),
        ArraySpec("superpoint_feat", "f2", ("S", "C"), "-", "mean over the superpoint's seen points, else 0"),
        ArraySpec("superpoint_seen", "b1", ("S",), "-", "whether any of its points is seen"),
    ),
    "evaluate": (
        ArraySpec("student_feat", "f2", ("N", "C"), "-", "the student's feature"),
        ArraySpec("label", "i2", ("N", "R"), "names", "class each row predicts, -1 none"),
        ArraySpec("coverage", "u1", ("N", "R"), "0 or 1", "whether a row says anything at the point"),
        ArraySpec("score", "f2", ("N", "R"), "cosine", "similarity of the winning class"),
        ArraySpec("truth_label", "i2", ("N",), "names", "ground truth, -1 unlabelled", optional=True),
        ArraySpec(
            "confusion",
            "i8",
            ("R", "K", "K1"),
            "points",
            "true class by predicted class; last column: predicted none",
            optional=True,
        ),
    ),
}
"""Arrays by stage word; ``lift`` holds for every ``lift/<teacher>``."""

ATTRS: Mapping[str, tuple[AttrSpec, ...]] = {
    "render": (AttrSpec("frame_names", "ids of the F views"),),
    "ingest": (
        AttrSpec("frame_names", "ids of the F frames"),
        AttrSpec("dropped", "frames not used: list of {name, reason}"),
        AttrSpec("image_hw", "height and width of the frames, px"),
        AttrSpec("has_depth", "whether every frame has a depth image"),
    ),
    "oversegment": (AttrSpec("num_superpoints", "number of superpoints"),),
    "lift": (
        AttrSpec("kind", "dense or mask"),
        AttrSpec("text_space", "text space of feat; null for captions, which any encoder can place"),
        AttrSpec("captions", "distinct captions", kind="mask"),
        AttrSpec("caption_labels", "the label inside each caption", kind="mask"),
        AttrSpec("preview_names", "names for preview_label", optional=True),
    ),
    "fuse": (
        AttrSpec("text_space", "text space of feat"),
        AttrSpec("teachers", "names of the T teachers"),
        AttrSpec("vocabulary", "class names the teachers are compared on"),
        AttrSpec("strategy", "how teachers were weighed", optional=True),
    ),
    "evaluate": (
        AttrSpec("rows", "names of the R rows"),
        AttrSpec("names", "names of the K classes"),
        AttrSpec("text_space", "text space of the class texts"),
        AttrSpec("label_set", "name of the label set", optional=True),
        AttrSpec("protocol", "how the student was asked: single, or openscene (its passes)", optional=True),
        AttrSpec("notes", "remarks for the reader of the tables", optional=True),
    ),
}
"""JSON attributes of the groups, besides RESERVED_ATTRS."""

STAGES = tuple(schema.stages.STAGES)
"""Stage words, in order. ``distill`` and ``report`` keep files and no arrays."""

_STAGE_KEY = re.compile(r"(?P<word>[a-z]+)(?:/(?P<part>[A-Za-z0-9][A-Za-z0-9_.-]{0,99}))?")


def stage_word(stage_key: str) -> str:
    """The stage of a key: "lift" of "lift/deeplab".

    Raises:
        ValueError: the key names no stage of the layout.
    """
    match = _STAGE_KEY.fullmatch(stage_key)
    word = match["word"] if match else ""
    if match is None or word not in STAGES or (match["part"] is not None) != (word == "lift"):
        raise ValueError(f"{stage_key!r} is no stage key; they are {', '.join(STAGES)} (lift/<teacher>)")
    if match["part"] == "zarr.json":
        raise ValueError(f"{stage_key!r}: 'zarr.json' cannot be a teacher's name")
    return word


def dotted(stage_key: str) -> str:
    """The stage key as a file name: "lift.deeplab"."""
    stage_word(stage_key)
    return stage_key.replace("/", ".", 1)


def stage_key_of(dotted_name: str) -> str:
    """The inverse of ``dotted``."""
    return dotted_name.replace(".", "/", 1)


def array_spec(stage_key: str, name: str, kind: str = "") -> ArraySpec | None:
    """The table's row for an array, or None; ``kind`` restricts the rows as ArraySpec.kind says."""
    for spec in ARRAYS.get(stage_word(stage_key), ()):
        if spec.name == name and (not kind or spec.kind in ("", kind)):
            return spec
    return None


def has_group(stage_key: str) -> bool:
    """Whether the stage keeps arrays (and attributes) in a Zarr group."""
    return stage_word(stage_key) in ARRAYS


def chunk_shape(spec: ArraySpec, shape: tuple[int, ...]) -> tuple[int, ...]:
    """The chunks of an array of this shape."""
    first = 1 if spec.is_pictures else min(CHUNK_ROWS, shape[0])
    return tuple(max(1, length) for length in (first, *shape[1:]))


def group_path(unit: Path, stage_key: str) -> Path:
    """The stage's Zarr group."""
    stage_word(stage_key)
    return unit / "data.zarr" / stage_key


def manifest_path(unit: Path, stage_key: str) -> Path:
    """The stage's manifest entry."""
    return unit / "manifest" / f"{dotted(stage_key)}.json"


def marker_path(unit: Path, stage_key: str) -> Path:
    """The stage's running or failed marker."""
    return unit / "state" / f"{dotted(stage_key)}.json"


def lock_path(unit: Path, stage_key: str) -> Path:
    """The file whose lock the stage's writer holds."""
    return unit / "state" / f"{dotted(stage_key)}.lock"


def temp_path(unit: Path, stage_key: str, pid: int, token: str) -> Path:
    """Where a writer of this machine prepares the stage; never read."""
    return unit / "tmp" / f"{dotted(stage_key)}~{host_name()}~{pid}~{token}"


def aside_path(unit: Path, stage_key: str, commit: str) -> Path:
    """Where the replaced artifact of that commit waits while its successor moves in."""
    return unit / "aside" / f"{dotted(stage_key)}~{commit}"


def host_name() -> str:
    """This machine's name as part of a file name."""
    return re.sub(r"[^A-Za-z0-9.-]", "-", socket.gethostname()) or "localhost"


def layout_table() -> str:
    """The layout as the Markdown of ``docs/store.md``."""
    lines: list[str] = []
    for word, specs in ARRAYS.items():
        lines += [f"### {'lift/&lt;teacher&gt;' if word == 'lift' else word}", ""]
        lines += ["| array | dtype | shape | unit | what |", "|---|---|---|---|---|"]
        for spec in specs:
            lines.append(
                f"| `{spec.name}` | {spec.dtype} | [{', '.join(spec.dims)}] | {spec.unit} | "
                f"{spec.description}{_remark(spec)} |"
            )
        lines += ["", "| attribute | what |", "|---|---|"]
        lines += [f"| `{attr.name}` | {attr.description}{_remark(attr)} |" for attr in ATTRS[word]]
        lines.append("")
    return "\n".join(lines)


def _remark(spec: ArraySpec | AttrSpec) -> str:
    parts = [f"kind {spec.kind}"] if spec.kind else []
    parts += ["optional"] if spec.optional else []
    return f" ({', '.join(parts)})" if parts else ""
