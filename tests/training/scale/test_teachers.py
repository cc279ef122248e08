"""The scale teachers: their labels, their files through the adapters, and that a few steps learn."""

import json

import numpy as np
import pytest
import torch
from pydantic import ValidationError

from models.cache import load_teacher
from models.teachers.conv_file import read_conv
from models.teachers.conv_net import STRIDE, build_conv_net, to_input
from ops.rooms import ROOM_CLASSES
from schema.config_models import ConvDenseTeacherConfig, ConvMaskTeacherConfig
from schema.config_scale import ScaleTeacherConfig, dense_teacher_config, mask_teacher_config
from schema.errors import ConfigError, WeightsError
from training.metrics_log import read_metrics
from training.scale.loop import fit, rng_of
from training.scale.publish import FIGURES_FILE
from training.scale.teacher_data import (
    batch,
    class_of_outputs,
    class_weight,
    names_table,
    output_table,
    teacher_views,
)
from training.scale.teacher_figures import crossing, predicted_classes
from training.scale.teachers import (
    DENSE,
    MASK,
    WEIGHTS_FILE,
    TeacherRecipe,
    caption_loss,
    class_vectors,
    label_texts,
    scale_encoder,
    train_teacher,
)
from training.scale.views import training_views


@pytest.fixture(scope="module")
def views(small, rendered):
    return training_views(small.VIEWS, rendered)


def test_a_kinds_label_goes_before_its_classs():
    config = ScaleTeacherConfig(
        kind="mask",
        labels={"seat": ("chair", "sofa"), "lamp": ("lamp",), "thing": ("otherfurniture",)},
        rest="background",
        steps=1,
        batch=1,
    )
    of = output_table(config)
    assert [of("sofa", "sofa"), of("otherfurniture", "lamp"), of("otherfurniture", "box")] == [0, 1, 2]
    assert of("wall", "wall") == 3
    assert output_table(config.model_copy(update={"rest": None}))("wall", "wall") == -1
    assert class_of_outputs(config).tolist() == [ROOM_CLASSES.index("chair"), 19, 19, -1]


def test_label_sets_are_checked():
    for labels, problem in (({"a": ("bed",), "b": ("bed",)}, "under two"), ({"a": ()}, "without a class")):
        with pytest.raises(ValidationError, match=problem):
            ScaleTeacherConfig(kind="mask", labels=labels)
    with pytest.raises(ValidationError, match="label of its own"):
        ScaleTeacherConfig(kind="mask", labels={"a": ("bed",)}, rest="a")


def test_the_two_know_different_things_and_together_all():
    known = []
    for config in (dense_teacher_config(), mask_teacher_config()):
        first = class_of_outputs(config)
        known.append({ROOM_CLASSES[k] for k in first[first >= 0]})
    assert len(known[0] - known[1]) >= 4
    assert len(known[1] - known[0]) >= 4
    assert known[0] | known[1] == set(ROOM_CLASSES)
    assert dense_teacher_config().plans


def test_targets_are_what_the_pixels_show(small, views):
    config = small.MASK
    data = teacher_views(config, views)
    of = output_table(config)
    for index in range(3):
        rng = np.random.default_rng(index)  # the same draws as below decide whether it is mirrored
        mirrored = np.random.default_rng(index).random() < 0.5
        output = batch(data, [index], stride=STRIDE, rng=rng).output[0].numpy()
        output = output[:, ::-1] if mirrored else output
        pieces = views.pieces(index)
        semantic = views.semantic[index, ::STRIDE, ::STRIDE]
        instance = views.instance[index, ::STRIDE, ::STRIDE]
        for row, column in np.random.default_rng(9).integers(0, semantic.shape, (50, 2)):
            if semantic[row, column] < 0:
                assert output[row, column] == -1
            else:
                piece = pieces[int(instance[row, column])]
                assert output[row, column] == of(piece.label, piece.kind)


def test_texts_name_colour_and_material(small, views):
    data = teacher_views(small.DENSE, views)
    room = views.rooms[0]
    piece = next(piece for piece in room.pieces if piece.label == "door")
    text = data.texts[data.text[0, piece.instance_id]]
    assert text.endswith("door")
    assert piece.color_name in text


def test_who_takes_one_class_for_another_calls_it_so():
    called = names_table(dense_teacher_config())
    assert called("refrigerator", "refrigerator") == called("cabinet", "cabinet") == "cabinet"
    assert called("sink", "sink") == "counter"
    assert called("otherfurniture", "box") == "box"
    assert called("otherfurniture", "lamp") == "lamp"
    assert called("bookshelf", "bookshelf") == "bookshelf"
    assert called("toilet", "toilet") == ""


def test_dense_vectors_are_judged_by_the_nearest_class(made):
    config = dense_teacher_config()
    model = read_conv(made / DENSE / WEIGHTS_FILE, "dense", "cpu")
    text = class_vectors(scale_encoder(made))
    color = np.random.default_rng(0).integers(0, 255, (32, 48, 3), dtype=np.uint8)
    with torch.inference_mode():
        vector = model.net(to_input(torch.from_numpy(color[None])))[0, :, 3, 5]
    found = predicted_classes(model, config, color, text)
    assert found.shape == (32, 48)
    assert (found[6:8, 10:12] == int((text @ vector).argmax())).all()
    mask = read_conv(made / MASK / WEIGHTS_FILE, "mask", "cpu")
    assert set(np.unique(predicted_classes(mask, mask_teacher_config(), color, None))) <= {-1, *range(20)}


def test_the_caption_loss_by_hand():
    captions = torch.eye(3)[:, [0, 1]] * 1.0
    captions[2] = torch.tensor([0.6, 0.8])
    unit = torch.zeros(1, 2, 1, 3)
    unit[0, 0] = 1.0  # all cells point at the first caption
    text = torch.tensor([[[0, 1, -1]]])
    weight = torch.tensor([[[1.0, 3.0, 100.0]]])
    right, wrong = np.log1p(np.exp(-30.0)), 30.0 + np.log1p(np.exp(-30.0))  # the third is in no cell
    assert float(caption_loss(unit, text, captions, weight)) == pytest.approx(
        (right + 3 * wrong) / 4, rel=1e-5
    )


def test_only_rooms_of_its_plans_are_seen(small, views):
    plan = views.rooms[0].plan
    data = teacher_views(small.DENSE.model_copy(update={"plans": (plan,)}), views)
    assert {views.rooms[views.room[i]].plan for i in data.chosen} == {plan}
    with pytest.raises(ConfigError, match="no room is of these plans"):
        teacher_views(small.DENSE.model_copy(update={"plans": ("garage",)}), views)


def test_rare_labels_weigh_more(small, views):
    data = teacher_views(small.MASK, views)
    weight = class_weight(data, len(small.MASK.names), STRIDE)
    assert weight[small.MASK.names.index("wall")] == weight.min()
    assert float(weight.max()) <= 4


def test_the_teachers_load_and_answer(made):
    image = np.random.default_rng(0).integers(0, 255, (97, 128, 3), dtype=np.uint8)
    dense = load_teacher(ConvDenseTeacherConfig(weights=made / DENSE / WEIGHTS_FILE), aliases={})
    vectors = dense.encode(image)
    assert vectors.shape == (49, 64, 32)
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=2), 1, atol=1e-5)
    assert dense.text_space == scale_encoder(made).space
    mask = load_teacher(ConvMaskTeacherConfig(weights=made / MASK / WEIGHTS_FILE), aliases={})
    masks = mask.segment(image)
    assert masks.mask_map.shape == (97, 128)
    assert "background" not in mask.labels


def test_figures_are_by_class_and_say_what_is_unknown(made, small):
    figures = {name: json.loads((made / name / FIGURES_FILE).read_text()) for name in (DENSE, MASK)}
    for name, values in figures.items():
        assert set(values["held_out"]["accuracy"]) == set(ROOM_CLASSES)
        assert 0 <= values["held_out"]["pixel_accuracy"] <= 1
        assert values["trained_on"]["steps"] == 3, name
    assert {"toilet", "bathtub"} <= set(figures[DENSE]["trained_on"]["unknown"])
    assert {"picture", "window"} <= set(figures[MASK]["trained_on"]["unknown"])


def test_they_are_made_again_with_the_same_bytes_and_only_if_needed(made, small):
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    for name, config in ((DENSE, small.DENSE), (MASK, small.MASK)):
        weights = made / name / WEIGHTS_FILE
        content, written = weights.read_bytes(), weights.stat().st_mtime_ns
        train_teacher(name, config, small.VIEWS, made)
        assert weights.stat().st_mtime_ns == written
        weights.write_bytes(b"torn")
        train_teacher(name, config, small.VIEWS, made)
        assert weights.read_bytes() == content
    torch.set_num_threads(threads)


@pytest.mark.parametrize("kind", ["dense", "mask"])
def test_the_loss_falls(kind, small, views, made, tmp_path):
    config = (small.DENSE if kind == "dense" else small.MASK).model_copy(update={"steps": 40})
    encoder = scale_encoder(made) if kind == "dense" else None
    outputs = len(config.names) if encoder is None else encoder.dim
    net = build_conv_net(outputs, 8, seed=0)
    recipe = TeacherRecipe(
        kind, net, teacher_views(config, views), config, fingerprint="test", encoder=encoder
    )
    fit(recipe, tmp_path, learning_rate=0.01, weight_decay=0.0, ema=0.9, save_every_s=1e9, label="test")
    losses = [line["loss"] for line in read_metrics(tmp_path)]
    share = 0.9 if kind == "dense" else 0.8  # the texts of an encoder of three steps are hard to tell apart
    assert np.mean(losses[-8:]) < share * np.mean(losses[:4])


def test_a_dense_teacher_needs_the_encoder_and_labels_of_different_texts(small, made, tmp_path):
    with pytest.raises(WeightsError, match="train-scale-models --only text_image"):
        train_teacher(DENSE, small.DENSE, small.VIEWS, tmp_path)
    twice = small.DENSE.model_copy(update={"labels": {"a bed": ("bed",), "A bed": ("sofa",)}})
    with pytest.raises(ConfigError, match="same text"):
        label_texts(twice, scale_encoder(made))


def test_crossing_by_hand():
    one = dict.fromkeys(ROOM_CLASSES, 0.5)
    other = {**one, "wall": 0.34, "bed": 0.66, "desk": 0.6, "sofa": None}
    assert crossing(one, other) == (["wall"], ["bed"])


def test_batches_are_functions_of_their_generator(small, views):
    data = teacher_views(small.MASK, views)
    one, other = (batch(data, [0, 1], stride=2, rng=rng_of(0, 3)) for _ in range(2))
    assert torch.equal(one.image, other.image)
    assert torch.equal(one.output, other.output)
