import numpy as np

from report.palette import class_color, class_colors, id_colors, known_colors
from storage.label_sets import load_label_set


def test_label_sets_decide_first_come_first() -> None:
    known = known_colors(["scannet20", "indoor21"])
    label_set = load_label_set("scannet20")
    assert all(known[name] == color for name, color in zip(label_set.names, label_set.colors, strict=True))


def test_a_label_set_that_is_gone_only_loses_colours() -> None:
    assert known_colors(["no/such/file.json"]) == {}


def test_other_names_have_a_colour_of_their_own_wherever_they_stand() -> None:
    alone = class_colors(["espresso machine"], {})
    among = class_colors(["chair", "espresso machine"], {"chair": (1, 2, 3)})
    np.testing.assert_array_equal(alone[0], among[1])
    np.testing.assert_array_equal(among[0], (1, 2, 3))
    assert class_color("espresso machine") == tuple(int(v) for v in alone[0])


def test_no_names() -> None:
    assert class_colors([], {}).shape == (0, 3)


def test_neighbouring_ids_differ_clearly() -> None:
    colors = id_colors(300).astype(int)
    assert np.abs(np.diff(colors, axis=0)).max(axis=1).min() > 40
    assert id_colors(0).shape == (0, 3)
