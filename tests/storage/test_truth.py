import numpy as np
import pytest

from ops.rooms import ROOM_CLASSES, make_room
from schema.config_source import SyntheticConfig
from schema.errors import ConfigError
from storage.truth import read_truth
from tests.captures import write_seven_scenes

CONFIG = SyntheticConfig(seeds=(4, 7))


def test_points_on_triangles_take_their_class_and_object():
    room = make_room(7)
    rng = np.random.default_rng(0)
    corner = room.vertices[room.faces].astype(np.float64)
    points = np.einsum("mi,mij->mj", rng.dirichlet((3, 3, 3), len(corner)), corner)
    truth = read_truth(CONFIG, "room_7", points.astype(np.float32))
    assert truth.names == ROOM_CLASSES
    assert (truth.semantic_label == room.face_class).mean() > 0.98
    assert (truth.instance_id == room.face_instance).mean() > 0.97
    assert set(truth.semantic_label.tolist()) >= {-1, 0, 1}


def test_a_point_in_mid_air_is_unlabelled():
    room = make_room(7)
    points = np.array([[room.size_m[0] / 2, room.size_m[1] / 2, room.size_m[2] - 0.2]], dtype=np.float32)
    truth = read_truth(CONFIG, "room_7", points)
    assert truth.semantic_label.tolist() == [-1]
    assert truth.instance_id.tolist() == [-1]


def test_order_and_company_of_points_do_not_matter():
    points = make_room(4).vertices[:500]
    order = np.random.default_rng(0).permutation(500)
    whole, shuffled = read_truth(CONFIG, "room_4", points), read_truth(CONFIG, "room_4", points[order])
    assert np.array_equal(whole.instance_id[order], shuffled.instance_id)
    assert np.array_equal(whole.semantic_label[order], shuffled.semantic_label)


def test_a_real_capture_has_no_truth(tmp_path):
    assert read_truth(write_seven_scenes(tmp_path), tmp_path.name, np.zeros((3, 3), np.float32)) is None


def test_an_unknown_room_is_refused():
    with pytest.raises(ConfigError, match="unknown scene"):
        read_truth(CONFIG, "room_5", np.zeros((3, 3), np.float32))
