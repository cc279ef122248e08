import re
from pathlib import Path

import pytest

from report.results import results
from storage.store import Store
from tests import factories_report as factory
from training.summarise import headline_table


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    store = Store(tmp_path_factory.mktemp("results") / "s", create=True)
    factory.fill_scene(store, "a", points_per_m2=30)
    factory.fill_scene(store, "b", points_per_m2=30, seed=1)
    factory.fill_scene(store, "c", points_per_m2=30, seed=2, truth=False)
    return store


def foot(page: str, heading: str) -> list[float]:
    line = re.search(rf'<tr><th scope="row">{heading}</th>(.*?)</tr>', page)
    assert line is not None
    return [float(value) for value in re.findall(r">(\d\.\d{3})<", line[1])]


def test_scenes_are_added_up_and_those_without_truth_left_out(store: Store) -> None:
    page = results(store, ["a", "b", "c"])
    assert "2 scenes with ground truth together, the student under protocol single" in page
    assert "3 scenes together" in page
    assert all(f"<summary>{scene_id}</summary>" in page for scene_id in "abc")


def test_the_page_and_the_headline_say_the_same(store: Store) -> None:
    page = results(store, ["a", "b", "c"])
    table = headline_table(store, ["a", "b", "c"])
    assert table is not None
    assert "protocol single" in table["title"]
    for heading, column in (("mIoU", 1), ("mIoU, all classes", 2), ("mAcc", 3)):
        assert foot(page, heading) == pytest.approx([row["cells"][column] for row in table["rows"]], abs=6e-4)


def test_both_scores_of_every_class_are_there(store: Store) -> None:
    page = results(store, ["a", "b"])
    iou, accuracy = page.split("<summary>accuracy per class</summary>")
    for part in (iou, accuracy):
        assert all(f'<th scope="row">{name}</th>' in part for name in factory.NAMES)
    assert "points right" in accuracy


def test_the_chosen_fusion_and_the_student_have_open_pictures(store: Store) -> None:
    page = results(store, ["a", "b"])
    assert re.findall(r'aria-label="Confusion matrix of (.*?):', page) == [
        "student",
        "fuse",
        "lift/deeplab_small",
        "lift/deeplab_large",
    ]
    before, folded = page.split("<summary>lift/deeplab_small</summary>")
    assert before.count("<svg") > folded.count("<svg")
    assert before.count('class="matrix"') == 2


def test_without_any_truth_there_is_agreement_alone(store: Store) -> None:
    page = results(store, ["c"])
    assert "IoU" not in page
    assert "Agreement" in page


def test_classes_that_were_void_do_not_count(tmp_path: Path) -> None:
    store = Store(tmp_path / "s", create=True)
    factory.fill_scene(store, "a", points_per_m2=30, void=(0,))
    table = results(store, ["a"]).split("Confusion")[0]
    assert '<th scope="row">wall</th>' not in table
    assert '<th scope="row">chair</th>' in table


def test_nothing_evaluated_gives_nothing(tmp_path: Path) -> None:
    store = Store(tmp_path / "s", create=True)
    factory.fill_scene(store, "a", points_per_m2=10).discard("evaluate")
    assert results(store, ["a"]) == ""
