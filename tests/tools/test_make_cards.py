"""Cards hold the figures that stand beside the models, and nothing else."""

import re

from ops.rooms import ROOM_CLASSES
from tools.make_cards import BEGIN, END, cards, page
from training.scale.publish import publish

MACHINE = {"device": "a processor", "cores": 2, "threads": 2, "torch": "2"}


def teacher(folder, name, accuracy):
    held_out = {
        "rooms": 3,
        "mean_accuracy": 0.4321,
        "accuracy": {**dict.fromkeys(ROOM_CLASSES, 0.5), **accuracy},
    }
    figures = {
        "model": "some.Class",
        "parameters": 1_234_567,
        "trained_on": {"rooms": [7, 9], "labels": {"seat": ["chair", "sofa"]}, "rest": None},
        "seconds": 600,
        "machine": MACHINE,
        "held_out": held_out,
    }
    publish(folder / name, {"w.bin": b"x" * 2_000_000}, fingerprint="f", figures=figures)


def test_a_card_holds_the_figures(tmp_path):
    teacher(tmp_path, "dense_teacher", {"bed": 0.125, "sofa": None})
    text = cards(tmp_path)
    for words in ("### dense_teacher", "`some.Class`", "1.23 M parameters, 2.00 MB", "10 min on a processor"):
        assert words in text
    assert "| mean accuracy | 0.432 |" in text
    assert "| bed | 0.125 |" in text
    assert "| sofa | - |" in text
    assert "Weakest by accuracy: bed 0.125," in text
    assert "seat: chair, sofa" in text
    assert "Not here yet: " in text


def test_where_teachers_cross(tmp_path):
    teacher(tmp_path, "dense_teacher", {"desk": 0.9, "wall": 0.66})
    teacher(tmp_path, "mask_teacher", {"toilet": 0.7, "wall": 0.5})
    text = cards(tmp_path)
    assert "dense_teacher is ahead by at least 15 points at 2: wall 0.660 : 0.500, desk 0.900 : 0.500" in text
    assert "mask_teacher is ahead by at least 15 points at 1: toilet 0.500 : 0.700" in text


def test_figures_over_all_classes_stand_beside_those_of_each(tmp_path):
    held_out = {
        "images": {
            "accuracy": {"all": 0.875, "bed": 0.75, "sofa": 1.0},
            "auc": {"all": 0.9, "bed": None},
            "named_instead": {"bed": {"sofa": 5}},
        },
        "judges": {"classifier": {"all": 0.95, "bed": 0.5}},
    }
    figures = {
        "model": "some.Pipeline",
        "parameters": {"vae": 1_000_000, "unet": 4_000_000},
        "trained_on": {"steps": {"vae": 10, "unet": 20}},
        "seconds": {"vae": 60, "unet": 120},
        "machine": MACHINE,
        "held_out": held_out,
    }
    publish(tmp_path / "generator", {"w.bin": b"x"}, fingerprint="f", figures=figures)
    text = cards(tmp_path)
    for words in (
        "5.00 M parameters",
        "3 min on",
        "| steps | vae: 10; unet: 20 |",
        "| images: accuracy: all | 0.875 |",
        "| judges: classifier: all | 0.950 |",
        "| class | images: accuracy | images: auc | images: named instead | judges: classifier |",
        "| bed | 0.750 | - | sofa: 5 | 0.500 |",
        "Weakest by images: accuracy: bed 0.750, sofa 1.000.",
    ):
        assert words in text


def test_the_page_is_changed_between_its_marks_only(tmp_path, repository_root):
    teacher(tmp_path, "mask_teacher", {})
    old = (repository_root / "docs" / "scale-models.md").read_text()
    new = page(tmp_path)
    outside = re.compile(f"{BEGIN}.*{END}", re.DOTALL)
    assert outside.sub("", old) == outside.sub("", new)
    assert "### mask_teacher" in new


def test_without_models_it_says_so(tmp_path):
    assert "No model is shipped yet" in cards(tmp_path)
