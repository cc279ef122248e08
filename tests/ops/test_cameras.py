import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from ops.cameras import (
    intrinsics_from_fov,
    intrinsics_problem,
    look_at,
    pose_problem,
    rotation_from_quaternion,
    world_from_cam_opencv,
)


def _pose(seed: int = 0) -> np.ndarray:
    pose = np.eye(4)
    pose[:3, :3] = Rotation.random(random_state=seed).as_matrix()
    pose[:3, 3] = (1.0, 2.0, 3.0)
    return pose


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda m: m.__setitem__((0, 3), np.nan), "not finite"),
        (lambda m: m.__setitem__((2, 3), -np.inf), "not finite"),
        (lambda m: m.__setitem__((3, 3), 2.0), "last row is 0 0 0 2"),
        (lambda m: m.__setitem__((3, 0), 1.0), "last row"),
        (lambda m: m.__imul__(np.array([[1.01], [1.01], [1.01], [1]])), "rotation is off by 0.02"),
        (lambda m: m.__setitem__((slice(0, 3), 0), -m[:3, 0]), "left-handed"),
    ],
)
def test_a_matrix_that_is_no_pose_is_named(change, words):
    pose = _pose()
    change(pose)
    assert words in pose_problem(pose)


def test_a_pose_written_with_four_digits_is_rigid():
    assert pose_problem(np.round(_pose(), 4)) is None
    assert pose_problem(np.round(_pose(), 2)) is not None


def test_the_four_conventions_give_the_same_camera():
    world_from_cam = _pose(1)
    flip = np.diag([1.0, -1, -1, 1])
    for inverse in (False, True):
        for opengl in (False, True):
            foreign = world_from_cam @ flip if opengl else world_from_cam
            foreign = np.linalg.inv(foreign) if inverse else foreign
            ours = world_from_cam_opencv(foreign, inverse=inverse, opengl=opengl)
            assert np.allclose(ours, world_from_cam, atol=1e-12)


def test_quaternions_match_scipy():
    rotation = Rotation.random(20, random_state=2)
    for quaternion, matrix in zip(rotation.as_quat(), rotation.as_matrix(), strict=True):
        assert np.allclose(rotation_from_quaternion(quaternion), matrix, atol=1e-12)


def test_a_quaternion_of_wrong_length_is_no_rotation():
    pose = np.eye(4)
    pose[:3, :3] = rotation_from_quaternion(np.array([0.0, 0.0, 0.0, 0.5]))
    assert "rotation" in pose_problem(pose)


def test_look_at_puts_the_target_in_the_middle_with_the_floor_below():
    eye, target = np.array([1.0, 2.0, 1.5]), np.array([4.0, 3.0, 0.5])
    world_from_cam = look_at(eye, target)
    assert pose_problem(world_from_cam) is None
    cam = np.linalg.inv(world_from_cam) @ [*target, 1]
    assert np.allclose(cam[:2], 0, atol=1e-12)
    assert cam[2] == pytest.approx(np.linalg.norm(target - eye))
    below = np.linalg.inv(world_from_cam) @ [*(target - (0, 0, 0.1)), 1]
    assert below[1] > 0


def test_field_of_view_spans_the_outer_edges_of_the_image():
    intrinsics = intrinsics_from_fov((240, 320), 70.0)
    edge = (-0.5 - intrinsics[0, 2]) / intrinsics[0, 0]
    assert np.rad2deg(np.arctan(-edge)) == pytest.approx(35.0)
    assert intrinsics_problem(intrinsics, (240, 320)) is None


@pytest.mark.parametrize(
    ("where", "value", "words"),
    [
        ((0, 0), np.nan, "not finite"),
        ((0, 0), 0.0, "focal length is not positive"),
        ((1, 1), -5.0, "focal length is not positive"),
        ((0, 2), 320.0, "principal point (320, 119.5) is outside the image of 320 x 240 px"),
        ((1, 2), -1.0, "outside the image"),
        ((2, 2), 2.0, "not of the form"),
        ((0, 1), 3.0, "not of the form"),
    ],
)
def test_intrinsics_that_fit_no_camera_are_named(where, value, words):
    intrinsics = intrinsics_from_fov((240, 320), 70.0)
    intrinsics[where] = value
    assert words in intrinsics_problem(intrinsics, (240, 320))[0]
