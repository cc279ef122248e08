"""Lifting dense 512-channel features of 100 frames at 320x240: `lift_dense` against the plain dense loop.

The plain loop projects all N points of every frame in float64, gathers C x N features, masks and adds; its
fastest form of several (numpy and torch, channel-first and channel-last) is the one compared with. Both
sides run on the same two threads, frame by frame in turn, on the same features, and must agree: equal
numbers of views, means to 1e-5.

Counted before writing the fast path, per frame, with V of N points visible (kitchen: N = 143k, V = 33k) and
a row of C = 512 float32 being 2 KiB:

- plain: gather reads and writes N rows, masked adding reads the gathered and the summed rows and writes the
  sums: 5 N rows = 1.5 GB, and N * C multiply-adds.
- fast: project 24 N bytes; read V feature rows, read and write V sum rows: 3 V rows = 0.2 GB, V * C adds.

So the bytes alone promise 7 times. No arithmetic worth the name is left (one add per 12 bytes): the limit is
the memory, whose copy bandwidth is measured in the same run and printed beside what the fast path reaches.
- up to four views are added together, so that a row of sums travels once for all of them: between V and 3 V
  rows. The figure printed counts 3 V rows and so can pass the copy bandwidth.

Features that come channel-first, as the released code has them, are first copied to channel-last; the same
run is repeated with such features and stated beside one copy.

Usage: ``python -m benchmarks.lift [--data FOLDER]``, FOLDER holding ``kitchen/`` (or set TEACH3D_TEST_DATA);
without it an analytic spherical room stands in.
"""

import argparse
import os
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch

from benchmarks.conditions import RESULTS, conditions, copy_bandwidth, use_threads, write_results
from ops.lift import lift_dense
from ops.tsdf import fuse_tsdf
from schema.config_source import RgbdFolderConfig
from schema.config_stages import IngestConfig, LiftConfig
from schema.records import View
from storage.sources.catalog import open_source

CHANNELS = 512
HW = (240, 320)
CONFIG = LiftConfig(visibility="depth_relative", tau=0.2, border_px=10)
THREADS = 2


class Maps(NamedTuple):
    """One frame's features in both orders: [H, W, C] and [C, H * W]."""

    last: np.ndarray
    first: np.ndarray


def main() -> None:
    """Run, print and write the results."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--data", type=Path, default=os.environ.get("TEACH3D_TEST_DATA"), help="folder of kitchen/"
    )
    parser.add_argument("--frames", type=int, default=100)
    parser.add_argument("--voxel-m", type=float, default=0.014, help="0.014 gives the kitchen 143k points")
    parser.add_argument("--out", type=Path, default=RESULTS)
    options = parser.parse_args()
    use_threads(THREADS)
    views = kitchen(Path(options.data)) if options.data else sphere(options.frames)
    views = views[: options.frames]
    points = cloud(views, options.voxel_m) if options.data else sphere_points(140_000)
    results = {
        "what": "lift of dense float32 features, channel-last",
        **conditions(THREADS),
        "scene": "kitchen" if options.data else "sphere",
        "points": len(points),
        "frames": len(views),
        "image_hw": HW,
        "channels": CHANNELS,
        **compare(views, points),
    }
    write_results("lift-cpu", results, options.out)
    if not results["agrees"]:
        raise SystemExit("the fast path and the plain loop disagree")


def compare(views: list[View], points: np.ndarray) -> dict[str, Any]:
    """Seconds of both, interleaved frame by frame, and whether they agree."""
    bank = feature_bank()
    forms = {name: timed_form(form, views, points, bank) for name, form in FORMS.items()}
    best = min(forms, key=forms.__getitem__)
    lift_dense(views[:2], lambda _: bank[0].last, points, config=CONFIG, channels=CHANNELS)  # compile
    start = time.perf_counter()
    loop = FORMS[best](points)
    spent = {"plain": time.perf_counter() - start}
    frames = iter(range(len(views)))

    def alternating() -> Iterator[View]:
        for i, view in enumerate(views):
            start = time.perf_counter()
            loop.add(view, bank[i % len(bank)])
            spent["plain"] += time.perf_counter() - start
            yield view

    allocated = spent["plain"]
    start = time.perf_counter()
    fast = lift_dense(
        alternating(), lambda _: bank[next(frames) % len(bank)].last, points, config=CONFIG, channels=CHANNELS
    )
    fast_s = time.perf_counter() - start - (spent["plain"] - allocated)
    start = time.perf_counter()
    mean, num_views = loop.result()
    plain_s = spent["plain"] + time.perf_counter() - start
    scale = np.maximum(np.abs(mean).max(axis=1, keepdims=True), 1e-12)
    error = float((np.abs(fast.feat - mean) / scale).max())
    moved = 3 * int(fast.num_views.sum()) * CHANNELS * 4
    bandwidth = copy_bandwidth()
    first_s, first_error = channel_first(views, points, bank, fast.feat)
    return {
        "fast_s": round(fast_s, 3),
        "plain_s": round(plain_s, 3),
        "speedup": round(plain_s / fast_s, 2),
        "plain_form": best,
        "plain_forms_s_per_frame": {name: round(seconds, 4) for name, seconds in forms.items()},
        "fast_from_channel_first_s": round(first_s, 3),
        "speedup_from_channel_first": round(plain_s / first_s, 2),
        "channel_last_copy_of_one_frame_s": round(conversion_seconds(bank), 4),
        "visible_points_per_frame": int(fast.num_views.sum() / len(views)),
        "fast_gb_moved": round(moved / 1e9, 2),
        "fast_gb_per_s": round(moved / 1e9 / fast_s, 2),
        "copy_gb_per_s": round(bandwidth / 1e9, 2),
        "share_of_copy_bandwidth": round(moved / fast_s / bandwidth, 3),
        "largest_relative_difference": error,
        "views_equal": bool((fast.num_views == num_views).all()),
        "agrees": bool((fast.num_views == num_views).all() and max(error, first_error) < 1e-5),
    }


class PlainLoop:
    """The dense loop: everything for every point, then a mask. ``add`` takes one frame."""

    def __init__(self, points: np.ndarray) -> None:
        self.xyz = [np.ascontiguousarray(axis) for axis in points.astype(np.float64).T]
        self.sums = self.new_sums(len(points))
        self.views = np.zeros(len(points), dtype=np.int32)

    def new_sums(self, num_points: int) -> Any:
        """Zeros in this form's own layout, memory already touched."""
        raise NotImplementedError

    def gather_add(self, maps: Maps, index: np.ndarray, mask: np.ndarray) -> None:
        """Gather all points' features, mask, add."""
        raise NotImplementedError

    def add(self, view: View, maps: Maps) -> None:
        """Project all points, then gather, mask and add."""
        index, mask = self.project(view)
        self.gather_add(maps, index, mask)
        self.views += mask

    def project(self, view: View) -> tuple[np.ndarray, np.ndarray]:
        """Pixel of every point (0 where there is none) and whether it is seen."""
        m, c = view.cam_from_world, view.intrinsics
        x, y, z = (r[0] * self.xyz[0] + r[1] * self.xyz[1] + r[2] * self.xyz[2] + r[3] for r in m[:3])
        with np.errstate(divide="ignore", invalid="ignore"):
            across, down = x / z, y / z
            u = np.floor(c[0, 0] * across + c[0, 1] * down + c[0, 2] + 0.5)
            v = np.floor(c[1, 1] * down + c[1, 2] + 0.5)
        edge, (height, width) = CONFIG.border_px, HW
        mask = (z > 0) & (u >= edge) & (u < width - edge) & (v >= edge) & (v < height - edge)
        index = np.where(mask, v * width + u, 0).astype(np.int64)
        depth = view.depth_m.reshape(-1)[index].astype(np.float64)
        return index, mask & (depth > 0) & (np.abs(depth - z) <= CONFIG.tau * depth)

    def result(self) -> tuple[np.ndarray, np.ndarray]:
        """Mean [N, C] and numbers of views."""
        sums = np.asarray(self.sums)
        rows = sums if sums.shape[0] == len(self.views) else np.ascontiguousarray(sums.T)
        rows /= np.maximum(self.views, 1)[:, None].astype(np.float32)
        return rows, self.views


class NumpyTake(PlainLoop):
    """Channel-first; np.take into a kept buffer, half of the channels on each thread."""

    def new_sums(self, num_points: int) -> np.ndarray:
        """C x N."""
        self.buffer = np.ones((CHANNELS, num_points), dtype=np.float32)
        self.pool = ThreadPoolExecutor(THREADS)
        return self.buffer * 0

    def gather_add(self, maps: Maps, index: np.ndarray, mask: np.ndarray) -> None:
        """One channel at a time, so that what was gathered is still in the cache when it is added."""
        weight = mask.astype(np.float32)

        def some(channels: range) -> None:
            for c in channels:
                row = np.take(maps.first[c], index, out=self.buffer[c], mode="clip")
                np.multiply(row, weight, out=row)
                np.add(self.sums[c], row, out=self.sums[c])

        list(self.pool.map(some, [range(t, CHANNELS, THREADS) for t in range(THREADS)]))


class TorchSelect(PlainLoop):
    """Channel-first; index_select to C x N, then one fused multiply-add with the mask."""

    def new_sums(self, num_points: int) -> torch.Tensor:
        """C x N."""
        return torch.ones(CHANNELS, num_points) * 0

    def gather_add(self, maps: Maps, index: np.ndarray, mask: np.ndarray) -> None:
        """Two passes."""
        gathered = torch.from_numpy(maps.first).index_select(1, torch.from_numpy(index))
        self.sums.addcmul_(gathered, torch.from_numpy(mask.astype(np.float32))[None].expand_as(gathered))


class TorchRows(PlainLoop):
    """Channel-last; index_select to N x C, then one fused multiply-add with the mask."""

    def new_sums(self, num_points: int) -> torch.Tensor:
        """N x C."""
        return torch.ones(num_points, CHANNELS) * 0

    def gather_add(self, maps: Maps, index: np.ndarray, mask: np.ndarray) -> None:
        """Two passes."""
        gathered = torch.from_numpy(maps.last.reshape(-1, CHANNELS)).index_select(0, torch.from_numpy(index))
        self.sums.addcmul_(gathered, torch.from_numpy(mask.astype(np.float32))[:, None].expand_as(gathered))


class TorchBoolean(TorchRows):
    """Channel-first gather, seen from N x C, added where the mask is set: the form of the released code."""

    def gather_add(self, maps: Maps, index: np.ndarray, mask: np.ndarray) -> None:
        """Three passes, two of them over seen points only."""
        seen = torch.from_numpy(mask)
        gathered = torch.from_numpy(maps.first)[:, torch.from_numpy(index)].permute(1, 0)
        self.sums[seen] += gathered[seen]


FORMS: dict[str, Callable[[np.ndarray], PlainLoop]] = {
    "numpy take, channel-first": NumpyTake,
    "torch index_select, channel-first": TorchSelect,
    "torch index_select, channel-last": TorchRows,
    "torch boolean mask, channel-first": TorchBoolean,
}


def timed_form(
    form: Callable[[np.ndarray], PlainLoop],
    views: list[View],
    points: np.ndarray,
    bank: list[Maps],
) -> float:
    """Seconds per frame: the best of a few frames across the capture."""
    loop = form(points)
    seconds = []
    for i, view in enumerate(views[:: max(len(views) // 6, 1)]):
        start = time.perf_counter()
        loop.add(view, bank[i % len(bank)])
        seconds.append(time.perf_counter() - start)
    return min(seconds)


def feature_bank(size: int = 3) -> list[Maps]:
    """A few random frames of features, used in turn, each as [H, W, C] and as [C, H*W]: 157 MB apiece."""
    rng = np.random.default_rng(0)
    maps = [rng.standard_normal((*HW, CHANNELS), dtype=np.float32) for _ in range(size)]
    return [Maps(feat, np.ascontiguousarray(feat.reshape(-1, CHANNELS).T)) for feat in maps]


def channel_first(
    views: list[View], points: np.ndarray, bank: list[Maps], expected: np.ndarray
) -> tuple[float, float]:
    """Seconds of the fast path on channel-first features, and its largest difference from ``expected``."""
    frames = iter(range(len(views) + 2))

    def encode(_: np.ndarray) -> np.ndarray:
        return bank[next(frames) % len(bank)].first.reshape(CHANNELS, *HW).transpose(1, 2, 0)

    lift_dense(views[:1], encode, points, config=CONFIG, channels=CHANNELS)  # compile
    frames = iter(range(len(views)))
    start = time.perf_counter()
    lift = lift_dense(views, encode, points, config=CONFIG, channels=CHANNELS)
    return time.perf_counter() - start, float(np.abs(lift.feat - expected).max())


def conversion_seconds(bank: list[Maps]) -> float:
    """Seconds to turn one channel-first frame into channel-last, as `lift_dense` does it."""
    from ops.accumulate import channels_last

    best = float("inf")
    for maps in bank * 2:
        start = time.perf_counter()
        channels_last(maps.first.reshape(CHANNELS, *HW).transpose(1, 2, 0))
        best = min(best, time.perf_counter() - start)
    return best


def kitchen(data: Path) -> list[View]:
    """The capture's frames at half size: every second pixel, pixel centres kept where they are."""
    config = RgbdFolderConfig(
        root=data / "kitchen", frames_folder="frames", intrinsics_file="camera-intrinsics.txt"
    )
    source = open_source(config)
    capture = source.open(source.scene_ids()[0])
    return [halved(view) for view in capture.views()]


def halved(view: View) -> View:
    """Every second row and column."""
    intrinsics = view.intrinsics.copy()
    intrinsics[:2] /= 2
    return View(
        view.name,
        np.ascontiguousarray(view.color[::2, ::2]),
        None if view.depth_m is None else np.ascontiguousarray(view.depth_m[::2, ::2]),
        view.cam_from_world,
        intrinsics,
    )


def cloud(views: list[View], voxel_m: float) -> np.ndarray:
    """The capture's own points, as ingest makes them."""
    return fuse_tsdf(views, IngestConfig(voxel_m=voxel_m)).points_world.astype(np.float64)


def sphere(num_frames: int, radius_m: float = 2.0) -> list[View]:
    """Frames looking around in the middle of a sphere, with exact depth."""
    intrinsics = np.array([[292.5, 0, 159.5], [0, 292.5, 119.5], [0, 0, 1]])
    v, u = np.mgrid[: HW[0], : HW[1]]
    rays = np.stack([(u - 159.5) / 292.5, (v - 119.5) / 292.5, np.ones(HW)], axis=2)
    depth = (radius_m / np.linalg.norm(rays, axis=2)).astype(np.float32)
    color = np.zeros((*HW, 3), dtype=np.uint8)
    views = []
    for i in range(num_frames):
        a = 2 * np.pi * i / num_frames
        cam_from_world = np.eye(4)
        cam_from_world[:3, :3] = [[np.cos(a), 0, -np.sin(a)], [0, 1, 0], [np.sin(a), 0, np.cos(a)]]
        views.append(View(f"frame-{i:06d}", color, depth, cam_from_world, intrinsics))
    return views


def sphere_points(num_points: int, radius_m: float = 2.0) -> np.ndarray:
    """Points spread evenly over the sphere (Fibonacci lattice), in Morton order."""
    from ops.morton import morton_order

    i = np.arange(num_points)
    z = 1 - (2 * i + 1) / num_points
    turn = i * np.pi * (3 - np.sqrt(5))
    flat = np.sqrt(1 - z * z)
    points = radius_m * np.stack([flat * np.cos(turn), flat * np.sin(turn), z], axis=1)
    return points[morton_order(points, 0.05)]


if __name__ == "__main__":
    main()
