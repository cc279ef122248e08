"""``teach3d import-checkpoint``: a student trained by OpenScene's or SAS's code as one of this project."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from flows.console import console, print_json, print_table
from schema.errors import ConfigError

if TYPE_CHECKING:  # help must not wait for what only the command needs
    from models.student.imported import ImportedStudent


def import_checkpoint(
    file: Path,
    *,
    output: Path | None = None,
    architecture: str | None = None,
    voxel_m: float = 0.02,
    text_space: str | None = None,
    check: bool = False,
    json: bool = False,
) -> int:
    """Turn a PyTorch checkpoint of a MinkUNet into a student's folder; reads weights only, runs nothing.

    Architecture and channels follow from the tensors. See docs/checkpoints.md.

    Args:
        file: .pth or .pth.tar with MinkowskiEngine's parameter names.
        output: folder for student.safetensors and student.json.
        architecture: what it must be, e.g. MinkUNet18A; by default whatever it is.
        voxel_m: edge of the voxels it was trained with, m; the file does not say.
        text_space: where its features live, e.g. open_clip:ViT-B-32-quickgelu; by default by their length:
            512 CLIP ViT-B/32 (LSeg students), 768 CLIP ViT-L/14@336px (OpenSeg students).
        check: say what the file holds, write nothing.
        json: print it as JSON.
    """
    from models.student.imported import import_student

    _check_options(output, voxel_m, check=check)
    student = import_student(file, architecture)
    space = text_space or student.text_space
    if output is not None and not check:
        _write(student, file, output, voxel_m=voxel_m, space=_known(space, student.channels))
    found = {
        "file": str(file),
        "architecture": student.architecture,
        "planes": None if student.planes is None else list(student.planes),
        "channels": student.channels,
        "parameters": student.num_parameters,
        "voxel_m": voxel_m,
        "text_space": space,
        "changes": list(student.changes),
        "extras": dict(student.extras),
        "output": None if check else str(output),
    }
    if json:
        print_json(found)
    else:
        _print(found)
    return 0


def _check_options(output: Path | None, voxel_m: float, *, check: bool) -> None:
    if output is None and not check:
        raise ConfigError("is missing", field="--output", remedy="name a folder, or only look with --check")
    if not voxel_m > 0:
        raise ConfigError(
            "is no length", field="--voxel-m", value=voxel_m, remedy="0.02 in published students"
        )


def _known(space: str | None, channels: int) -> str:
    if space is None:
        raise ConfigError(
            f"no published student has features of length {channels}, so their text space is unknown",
            field="--text-space",
            remedy="name it, e.g. --text-space open_clip:ViT-B-32-quickgelu",
        )
    return space


def _write(student: "ImportedStudent", file: Path, output: Path, *, voxel_m: float, space: str) -> None:
    from storage.disk import full_disk_told
    from storage.fingerprint import file_digest
    from storage.layout import STUDENT_FILE, STUDENT_JSON
    from training.checkpoint import save_student

    for name in (STUDENT_JSON, STUDENT_FILE):
        if (output / name).exists():
            raise ConfigError(
                "there is a student already", file=output / name, remedy="choose another --output folder"
            )
    output.mkdir(parents=True, exist_ok=True)
    about: dict[str, Any] = {
        "architecture": student.architecture,
        "planes": None if student.planes is None else list(student.planes),
        "channels": student.channels,
        "voxel_m": voxel_m,
        "text_space": space,
        "imported": {"file": file.name, "sha256": file_digest(file), "extras": dict(student.extras)},
    }
    with full_disk_told(output):
        save_student(output, student.network(), about)


def _print(found: dict[str, Any]) -> None:
    planes = found["planes"]
    rows = [
        ["architecture", found["architecture"]],
        [
            "channels of the levels",
            "the architecture's own" if planes is None else ", ".join(map(str, planes)),
        ],
        ["length of a feature", found["channels"]],
        ["parameters", f"{found['parameters']:,}"],
        ["voxel", f"{found['voxel_m']:g} m (not in the file)"],
        ["text space", found["text_space"] or "unknown, give --text-space"],
        *(["changed", change] for change in found["changes"]),
        *([f"beside the weights: {name}", value] for name, value in found["extras"].items()),
    ]
    print_table(["", "found"], rows, title=Path(found["file"]).name)
    if found["output"] is not None:
        console.print(f"student: {found['output']}", markup=False, soft_wrap=True)
