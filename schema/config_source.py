"""Configuration of raw captures: where a scene's images, depths and poses come from."""

from pathlib import Path
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from schema.config_base import Config, ImageSide
from schema.config_clouds import CloudFilesConfig


class FramePatterns(Config):
    """File names of one frame, relative to the scene's folder; ``{frame}`` stands for the frame's id."""

    color: str = Field("color/{frame}.jpg", description="colour image")
    depth: str | None = Field("depth/{frame}.png", description="16-bit depth image; null: none")
    pose: str = Field("pose/{frame}.txt", description="4x4 text matrix")


class RgbdFolderConfig(Config):
    """A folder of posed RGB-D frames."""

    NOT_IN_FINGERPRINT: ClassVar[frozenset[str]] = frozenset({"root", "scenes"})

    kind: Literal["rgbd_folder"] = "rgbd_folder"
    root: Path = Field(description="folder of the capture, or of several captures")
    scenes: tuple[str, ...] = Field(
        (".",), min_length=1, description="scene folders relative to root; '.' is root itself; globs allowed"
    )
    naming: Literal["7scenes", "tum", "patterns"] = Field(
        "7scenes", description="how frames' files are named"
    )
    patterns: FramePatterns = Field(
        default_factory=FramePatterns, description="used when naming is 'patterns'"
    )
    frames_folder: str = Field(".", description="folder with the frames, relative to the scene's folder")
    intrinsics_file: str | None = Field(
        None, description="3x3 (or 4x4) text matrix in px of the colour image, relative to the scene's folder"
    )
    intrinsics_px: tuple[float, float, float, float] | None = Field(
        None, description="fx, fy, cx, cy in px of the colour image, instead of a file"
    )
    depth_units_per_m: float = Field(1000.0, gt=0, description="depth image value of one metre (TUM: 5000)")
    depth_invalid: tuple[int, ...] = Field((0, 65535), description="depth image values that mean: no depth")
    pose_direction: Literal["world_from_cam", "cam_from_world"] = Field(
        "world_from_cam", description="what a pose file's matrix does"
    )
    camera_axes: Literal["opencv", "opengl"] = Field(
        "opencv", description="opencv: x right, y down, z forward; opengl: x right, y up, z backward"
    )
    max_time_gap_s: float = Field(
        0.02, gt=0, description="TUM naming: largest gap between a frame's stamps, s"
    )
    stride: int = Field(1, ge=1, description="take every n-th frame")
    max_frames: int | None = Field(None, ge=1, description="take at most this many frames, from the first")
    invalid_pose: Literal["drop", "refuse"] = Field(
        "drop",
        description="a frame whose pose is missing, not finite or not rigid: drop and count, or refuse",
    )
    max_dropped_share: float = Field(
        0.5, ge=0, le=1, description="refuse the scene if more than this share of its frames is dropped"
    )


class SyntheticConfig(Config):
    """Procedural furnished rooms, rendered by ray casting; scene ids are ``room_<seed>``."""

    NOT_IN_FINGERPRINT: ClassVar[frozenset[str]] = frozenset({"seeds"})

    kind: Literal["synthetic"] = "synthetic"
    seeds: tuple[int, ...] = Field((0,), min_length=1, description="one room per seed")
    num_frames: int = Field(24, ge=1, le=1000, description="views of a room")
    image_hw: tuple[ImageSide, ImageSide] = Field((240, 320), description="height and width of a view, px")
    fov_deg: float = Field(70.0, gt=10, lt=150, description="horizontal field of view, degrees")


SourceConfig = Annotated[RgbdFolderConfig | SyntheticConfig | CloudFilesConfig, Field(discriminator="kind")]
