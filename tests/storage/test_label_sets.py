"""Label sets are the benchmarks' facts, with colours one can tell apart; bad files get one clear line."""

import json
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from ops.rooms import ROOM_CLASSES
from schema.errors import ConfigError, InputError
from storage import label_sets
from storage.label_colors import _lab, distinct_colors
from storage.label_sets import load_aliases, load_label_set, load_synonyms, read_label_file

SIZES = {
    "scannet20": 20,
    "scannet200": 200,
    "matterport21": 21,
    "matterport40": 40,
    "matterport80": 80,
    "matterport160": 160,
    "nuscenes16": 16,
    "voc20": 20,
    "indoor21": 21,
}


def test_the_sets_that_exist() -> None:
    assert {name: len(load_label_set(name).names) for name in label_sets.label_set_names()} == SIZES
    assert load_label_set("scannet20").names == ROOM_CLASSES


@pytest.mark.parametrize("name", SIZES)
def test_colors_are_distinct(name: str) -> None:
    label_set = load_label_set(name)
    assert label_set.name == name
    assert len(set(label_set.colors)) == len(label_set.names)
    assert all(0 <= part <= 255 for color in label_set.colors for part in color)


def test_generated_colors_are_far_apart_and_nested() -> None:
    assert distinct_colors(160)[:40] == distinct_colors(40) == load_label_set("matterport40").colors
    assert distinct_colors(200) == load_label_set("scannet200").colors
    for count, least in ((21, 35.0), (40, 25.0), (200, 13.0)):
        lab = _lab(np.array(distinct_colors(count)))
        distance = np.linalg.norm(lab[:, None] - lab[None], axis=-1) + np.eye(count) * 1e9
        assert distance.min() > least
    assert distinct_colors(0) == ()


def test_lab_of_known_colors() -> None:
    lab = _lab(np.array([[255, 255, 255], [0, 0, 0], [255, 0, 0]]))
    np.testing.assert_allclose(lab, [[100, 0, 0], [0, 0, 0], [53.24, 80.09, 67.20]], atol=0.02)


def test_facts() -> None:
    scannet, voc = load_label_set("scannet20"), load_label_set("voc20")
    assert scannet.source_ids == (1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 14, 16, 24, 28, 33, 34, 36, 39)
    assert scannet.colors[0] == (174, 199, 232), "wall; black is ScanNet's unlabelled"
    assert scannet.texts("a {label} in a scene")[-2:] == ["a bathtub in a scene", "other"]
    assert load_label_set("indoor21").texts("a {label}")[-2:] == ["other", "a ceiling"]
    assert load_label_set("indoor21").texts("{label} {of} {}")[0] == "wall {of} {}"
    assert voc.void == ("background",)
    assert "background" not in voc.names
    assert {"dining table", "potted plant", "tv", "sofa", "person"} <= set(voc.names)
    assert load_label_set("matterport160").names[:80] == load_label_set("matterport80").names
    assert load_label_set("matterport80").names[:40] == load_label_set("matterport40").names
    facts = label_sets.label_set_facts("nuscenes16")
    assert len(facts["detail_names"]) == len(facts["detail_to_class"]) == 43
    assert set(facts["detail_to_class"]) == set(range(16))


def test_aliases_lead_to_names_of_voc() -> None:
    original = (
        "aeroplane bicycle bird boat bottle bus car cat chair cow diningtable dog horse motorbike person "
        "pottedplant sheep sofa train tvmonitor"
    )
    aliases = load_aliases()
    assert tuple(aliases.get(name, name) for name in original.split()) == load_label_set("voc20").names
    assert not set(aliases) & set(aliases.values()), "an alias of an alias"


def test_synonyms_keep_classes_apart() -> None:
    groups = load_synonyms()
    words = [word for group in groups for word in group]
    assert max(Counter(words).values()) == 1, "a word in two groups"
    assert all(word == word.lower() and word.isalpha() for word in words)
    first = {word: group[0] for group in groups for word in group}
    for name in SIZES:
        names = load_label_set(name).names
        plain = [tuple(sorted(first.get(word, word) for word in label.split())) for label in names]
        assert len(set(plain)) == len(plain), [
            n for n, p in zip(names, plain, strict=True) if plain.count(p) > 1
        ]


def test_unknown_set_lists_and_suggests() -> None:
    with pytest.raises(
        ConfigError, match=r"unknown label set; did you mean 'scannet20'\?.*known are: .*voc20"
    ):
        load_label_set("scannet_20")


def test_own_files(tmp_path: Path) -> None:
    path = tmp_path / "mine.json"
    path.write_text(json.dumps({"names": ["oak", "elm"], "prompts": {"elm": "an elm"}}))
    mine = load_label_set(path)
    assert (mine.name, mine.names, mine.colors) == ("mine", ("oak", "elm"), distinct_colors(2))
    lines = tmp_path / "mine.txt"
    lines.write_text("oak\nelm\n")
    assert load_label_set(str(lines)).names == ("oak", "elm")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", "is not JSON"),
        ("[]", "is not a JSON object"),
        ("{}", "names: Field required"),
        ('{"names": ["a"], "colors": []}', "1 names but 0 colors"),
        ('{"names": ["a", "a"]}', "names repeat"),
        ('{"names": ["a"], "colours": []}', "colours: Extra inputs"),
    ],
)
def test_bad_files(tmp_path: Path, content: str, message: str) -> None:
    path = tmp_path / "mine.json"
    path.write_text(content)
    with pytest.raises(ConfigError, match=message) as caught:
        load_label_set(path)
    assert str(caught.value).startswith(str(path))
    assert "\n" not in str(caught.value)


def test_missing_file() -> None:
    with pytest.raises(ConfigError, match="does not exist"):
        load_label_set("labels/mine.json")


def test_label_files(tmp_path: Path) -> None:
    path = tmp_path / "labels.txt"
    path.write_bytes("\ufeffbackground\r\ndiningtable \r\nKüche\r\n\r\n".encode())
    assert read_label_file(path) == ("background", "diningtable", "Küche")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "cannot be read: no such file"),
        (b"", "is empty"),
        (b"\n \n", "is empty"),
        (b"a\n\nb\n", "line 2 is empty"),
        (b"\xff\xfea", "not UTF-8"),
    ],
)
def test_bad_label_files(tmp_path: Path, content: bytes | None, message: str) -> None:
    path = tmp_path / "labels.txt"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(InputError, match=message):
        read_label_file(path)


def test_real_label_file(litert_root: Path) -> None:
    labels = read_label_file(litert_root / "labels.txt")
    assert tuple(load_aliases().get(label, label) for label in labels[1:]) == load_label_set("voc20").names
