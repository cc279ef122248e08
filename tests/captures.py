"""Small captures written to disk for tests: the same six frames of a procedural room in several layouts."""

from pathlib import Path

import numpy as np
from PIL import Image
from scipy.spatial.transform import Rotation

from ops.cameras import OPENCV_FROM_OPENGL
from schema.config_source import FramePatterns, RgbdFolderConfig, SyntheticConfig
from schema.records import View
from storage.sources.synthetic import SyntheticRooms

NUM_FRAMES = 6
HW = (48, 64)


def room_views(seed: int = 0, num_frames: int = NUM_FRAMES, hw: tuple[int, int] = HW) -> list[View]:
    config = SyntheticConfig(seeds=(seed,), num_frames=num_frames, image_hw=hw, depth="exact")
    return list(SyntheticRooms(config).open(f"room_{seed}").views())


def write_seven_scenes(
    folder: Path, *, color: str = "jpg", frames: str = ".", **settings: object
) -> RgbdFolderConfig:
    """A capture named as 7-Scenes names its frames; returns its configuration."""
    target = folder / frames
    target.mkdir(parents=True, exist_ok=True)
    views = room_views()
    for i, view in enumerate(views):
        Image.fromarray(view.color).save(target / f"frame-{i:06d}.color.{color}")
        _save_depth(target / f"frame-{i:06d}.depth.png", view, 1000)
        np.savetxt(target / f"frame-{i:06d}.pose.txt", np.linalg.inv(view.cam_from_world))
    np.savetxt(folder / "intrinsics.txt", views[0].intrinsics)
    return RgbdFolderConfig(root=folder, frames_folder=frames, intrinsics_file="intrinsics.txt", **settings)


def write_tum(folder: Path, **settings: object) -> RgbdFolderConfig:
    """A miniature replica of a TUM RGB-D sequence: lists of stamps, quaternions, depth of 1/5000 m."""
    rgb, depth = ["# timestamp filename"], ["# timestamp filename"]
    poses = ["# ground truth", "# timestamp tx ty tz qx qy qz qw"]
    for name in ("rgb", "depth"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    views = room_views()
    for i, view in enumerate(views):
        stamp_s = 1305031102.1753 + i / 30
        Image.fromarray(view.color).save(folder / "rgb" / f"{stamp_s:.6f}.png")
        rgb.append(f"{stamp_s:.6f} rgb/{stamp_s:.6f}.png")
        _save_depth(folder / "depth" / f"{stamp_s - 0.004:.6f}.png", view, 5000)
        depth.append(f"{stamp_s - 0.004:.6f} depth/{stamp_s - 0.004:.6f}.png")
        world_from_cam = np.linalg.inv(view.cam_from_world)
        quaternion = Rotation.from_matrix(world_from_cam[:3, :3]).as_quat()
        for shift_s, offset_m in ((-0.009, 0.5), (0.001, 0.0), (0.011, 0.5)):  # the middle one is nearest
            numbers = [*(world_from_cam[:3, 3] + offset_m), *quaternion]
            poses.append(f"{stamp_s + shift_s:.4f} " + " ".join(f"{x:.6f}" for x in numbers))
    for name, lines in (("rgb", rgb), ("depth", depth), ("groundtruth", poses)):
        (folder / f"{name}.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
    focal, center = views[0].intrinsics[0, 0], views[0].intrinsics[:2, 2]
    return RgbdFolderConfig(
        root=folder,
        naming="tum",
        depth_units_per_m=5000,
        intrinsics_px=(focal, focal, center[0], center[1]),
        **settings,
    )


def write_patterns(folder: Path, **settings: object) -> RgbdFolderConfig:
    """A capture with a folder per kind of file, OpenGL axes, ``cam_from_world``, ids not padded."""
    for name in ("rgb", "depth", "poses"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    views = room_views()
    for i, view in enumerate(views, start=7):
        Image.fromarray(view.color).save(folder / "rgb" / f"{i}.png")
        _save_depth(folder / "depth" / f"{i}.png", view, 1000)
        np.savetxt(folder / "poses" / f"{i}.txt", OPENCV_FROM_OPENGL @ view.cam_from_world)
    intrinsics = np.eye(4)
    intrinsics[:3, :3] = views[0].intrinsics
    np.savetxt(folder / "K.txt", intrinsics)
    return RgbdFolderConfig(
        root=folder,
        naming="patterns",
        patterns=FramePatterns(color="rgb/{frame}.png", depth="depth/{frame}.png", pose="poses/{frame}.txt"),
        pose_direction="cam_from_world",
        camera_axes="opengl",
        intrinsics_file="K.txt",
        **settings,
    )


def _save_depth(path: Path, view: View, units_per_m: float) -> None:
    assert view.depth_m is not None
    Image.fromarray(np.rint(view.depth_m * units_per_m).astype(np.uint16)).save(path)
