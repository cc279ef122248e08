"""The written page in a real Chromium, from disk: what a person does with it, and what it must never do."""

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from report.build import build_report
from storage.store import Store
from tests import factories_report as factory
from tests.browser import Page, find_chromium

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(find_chromium() is None, reason="no Chromium on this machine"),
]
EVIL = '<img src=x onerror="window.hacked=1">\'</script>'
FRAME = "new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))"
READY = "document.body && document.body.dataset.ready === 'true'"


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Path:
    store = Store(tmp_path_factory.mktemp("page") / "s", create=True)
    factory.fill_scene(store, "room_a", points_per_m2=150)
    factory.fill_scene(store, "room_b", points_per_m2=60, seed=1, truth=False)
    factory.fill_student(store)
    ids = ("room_a", "room_b")
    config = factory.recipe(store.root, report={"max_points": 5000, "queries": ["a chair", EVIL]})
    summary = {**factory.summary(ids), "recipe": EVIL}
    return build_report(store, ids, config=config, summary=summary, encode=factory.encode)


@pytest.fixture(scope="module")
def browser() -> Iterator[Page]:
    with Page() as page:
        yield page


@pytest.fixture
def page(browser: Page, index: Path) -> Iterator[Page]:
    browser.errors.clear()
    browser.requests.clear()
    browser.resize(1280, 900)
    browser.prefer("light")
    browser.open("about:blank")
    browser.open(index.as_uri())
    browser.wait_for(READY)
    yield browser
    assert browser.errors == []
    outside = [
        address
        for address in browser.requests
        if not address.startswith(("file:", "data:", "about:", "blob:"))
    ]
    assert outside == []


def drawn(page: Page) -> np.ndarray:
    """Which pixels of the 3D view are not its background."""
    picture = page.picture("#canvas").astype(int)[20:-60, 20:-20]
    return np.asarray(np.abs(picture - picture[0, 0]).max(axis=2) > 12)


def test_points_are_drawn_in_the_middle_of_the_view(page: Page) -> None:
    assert page.run("teach3d.pointsDrawn") == 5000
    seen = drawn(page)
    assert seen.mean() > 0.08
    rows, columns = np.nonzero(seen)
    assert 0.3 < rows.mean() / seen.shape[0] < 0.7
    assert 0.3 < columns.mean() / seen.shape[1] < 0.7


def test_every_layer_looks_different(page: Page) -> None:
    keys = page.run("[...document.querySelectorAll('#layers input')].map((input) => input.value)")
    assert keys[:2] == ["colour", "normals"]
    wanted = {"superpoints", "views", "fused", "student", "student-score", "truth", "query-student:a chair"}
    assert wanted <= set(keys)
    pictures = []
    for key in keys:
        page.run(f"document.querySelector(`#layers input[value=${{CSS.escape({json.dumps(key)})}}]`).click()")
        assert page.run("teach3d.layer") == key
        page.run(FRAME)
        pictures.append(page.picture("#canvas").tobytes())
    assert len(set(pictures)) == len(keys)


def test_clicking_a_layer_and_a_class_of_its_legend(page: Page) -> None:
    page.run("document.querySelector('#layers input[value=student]').click()")
    page.wait_for("teach3d.layer === 'student'")
    names = page.run("[...document.querySelectorAll('#legend .name')].map((name) => name.textContent)")
    assert set(names) == set(factory.NAMES)
    whole = page.picture("#canvas")
    row = "[...document.querySelectorAll('#legend button')].find((b) => b.textContent.startsWith('chair'))"
    page.run(f"{row}.click()")
    assert page.run("teach3d.isolated.length") == 1
    assert page.run(f"{row}.getAttribute('aria-pressed')") == "true"
    page.run(FRAME)
    assert (page.picture("#canvas") != whole).any()
    page.run(f"{row}.click()")
    page.run(FRAME)
    np.testing.assert_array_equal(page.picture("#canvas"), whole)


def test_keys_switch_layers(page: Page) -> None:
    page.press("2")
    assert page.run("teach3d.layer") == "normals"
    page.press("ArrowRight")
    assert page.run("teach3d.layer") == "superpoints"
    page.press("ArrowLeft")
    page.press("ArrowLeft")
    assert page.run("teach3d.layer") == "colour"


def test_dragging_turns_and_the_wheel_zooms(page: Page) -> None:
    box = page.box("#canvas")
    x, y = box["x"] + box["width"] / 2, box["y"] + 200
    still = drawn(page)
    page.mouse("mousePressed", x, y, button="left", buttons=1, clickCount=1)
    page.mouse("mouseMoved", x + 150, y + 10, button="left", buttons=1)
    page.mouse("mouseReleased", x + 150, y + 10, button="left", clickCount=1)
    turned = drawn(page)
    assert (turned != still).mean() > 0.02
    page.mouse("mouseWheel", x, y, deltaX=0, deltaY=240)
    page.mouse("mouseWheel", x, y, deltaX=0, deltaY=240)
    page.run(FRAME)
    assert drawn(page).mean() < 0.8 * turned.mean()


def test_a_click_tells_about_a_point(page: Page) -> None:
    box = page.box("#canvas")
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse("mousePressed", x, y, button="left", buttons=1, clickCount=1)
    page.mouse("mouseReleased", x, y, button="left", clickCount=1)
    page.wait_for("!document.getElementById('picked').hidden")
    text = page.run("document.getElementById('picked').textContent")
    assert "Student" in text
    assert " m" in text


def test_the_address_chooses_scene_and_layer(page: Page, index: Path) -> None:
    page.open(f"{index.as_uri()}#scene=room_b&layer=fused")
    page.wait_for("teach3d.scene === 'room_b' && teach3d.ready")
    assert page.run("teach3d.layer") == "fused"
    assert page.run("document.getElementById('scene').value") == "room_b"
    assert (
        page.run("[...document.querySelectorAll('#layers input')].some((input) => input.value === 'truth')")
        is False
    )
    page.open(f"{index.as_uri()}#scene=room_a&layer=query-student%3Aa+chair")
    page.wait_for("teach3d.scene === 'room_a' && teach3d.ready")
    assert page.run("teach3d.layer") == "query-student:a chair"
    assert page.run("document.getElementById('ramp').hidden") is False


def test_scenes_are_fetched_when_they_are_looked_at(page: Page) -> None:
    def fetched() -> int:
        return sum(".js" in address for address in page.requests)

    page.run("1")
    assert fetched() == 1
    page.run("document.getElementById('scene-next').click()")
    page.wait_for("teach3d.scene === 'room_b' && teach3d.ready")
    assert fetched() == 2
    page.run("document.getElementById('scene-back').click()")
    page.wait_for("teach3d.scene === 'room_a' && teach3d.ready")
    assert fetched() == 2


def test_outside_text_stays_text(page: Page) -> None:
    assert page.run("document.querySelector('h1').textContent") == EVIL
    page.press("9")
    assert page.run("window.hacked") is None
    assert page.run("document.querySelectorAll('img[src=x]').length") == 0


def test_masks_lie_over_frames_and_their_opacity_is_adjustable(page: Page) -> None:
    page.run("document.getElementById('frames').scrollIntoView()")
    images = "[...document.querySelectorAll('.picture img')]"
    page.wait_for(f"{images}.every((image) => image.complete && image.naturalWidth)")
    masked = page.picture(".picture")
    page.run(
        "{const o = document.getElementById('opacity'); o.value = 0; o.dispatchEvent(new Event('input'))}"
    )
    plain = page.picture(".picture")
    assert np.abs(masked.astype(int) - plain).max() > 40
    assert page.run("document.querySelectorAll('#frame-teachers input').length") == len(factory.TEACHERS)


def test_dark_and_light(page: Page) -> None:
    light = page.picture().mean()
    page.prefer("dark")
    page.run(FRAME)
    assert page.picture().mean() < light - 80


def test_a_phone_has_no_sideways_scroll(page: Page) -> None:
    page.resize(390, 844, mobile=True, scale=2)
    assert page.run("document.documentElement.scrollWidth") <= 390
    assert page.box("#canvas")["height"] > 300


OVERLAPS = """
(() => {
  const found = [];
  for (const picture of document.querySelectorAll("svg.chart, svg.matrix")) {
    const texts = [...picture.querySelectorAll("text:not([transform])")].filter((text) => text.textContent);
    const boxes = texts.map((text) => text.getBoundingClientRect());
    for (let a = 0; a < texts.length; a++) for (let b = 0; b < a; b++) {
      const [p, q] = [boxes[a], boxes[b]];
      const apart = p.right <= q.left || q.right <= p.left || p.bottom <= q.top + 1 || q.bottom <= p.top + 1;
      if (!apart) found.push(texts[a].textContent + " | " + texts[b].textContent);
    }
  }
  return found;
})()
"""


OUTSIDE = """
[...document.querySelectorAll("svg.chart text, svg.matrix text")].filter((text) => {
  const [a, b] = [text.getBoundingClientRect(), text.closest("svg").getBoundingClientRect()];
  return a.left < b.left - 1 || a.right > b.right + 1 || a.top < b.top - 1 || a.bottom > b.bottom + 1;
}).map((text) => text.textContent)
"""


@pytest.mark.parametrize("width", [1280, 800])
def test_words_in_pictures_do_not_overlap_and_stay_inside(page: Page, width: int) -> None:
    page.resize(width, 900)
    page.run("document.querySelectorAll('details').forEach((details) => { details.open = true; })")
    page.run(FRAME)
    assert page.run("document.querySelectorAll('svg.chart').length") == 5
    assert page.run("document.querySelectorAll('svg.matrix').length") == 4
    assert page.run(OVERLAPS) == []
    assert page.run(OUTSIDE) == []
    assert page.run("document.documentElement.scrollWidth") <= width
    ticks = "[...document.querySelectorAll('svg.chart .tick')]"
    assert page.run(f"Math.min(...{ticks}.map((tick) => tick.getBoundingClientRect().height))") > 9


def test_a_chart_tells_the_values_under_the_pointer(page: Page) -> None:
    page.run("document.querySelector('.plots figure:nth-child(2)').scrollIntoView()")
    box = page.box(".plots figure:nth-child(2) svg.chart")
    reading = "document.querySelector('.plots figure:nth-child(2) .reading').textContent"
    before = page.run(reading)
    assert before.startswith("at the end: sum ")
    page.mouse("mouseMoved", box["x"] + 58 / 640 * box["width"], box["y"] + box["height"] / 2)
    text = page.wait_for(f"{reading}.startsWith('step 0:') && {reading}")
    values = [float(part.split()[-1]) for part in text.split(": ")[1].split(", ")]
    first = factory.training_lines()[0]
    assert values[0] == pytest.approx(first["loss"], rel=0.02)
    assert values[1] == pytest.approx(first["loss_point"], rel=0.02)
    assert values[2] == pytest.approx(first["loss_superpoint"], rel=0.02)
    assert page.run("document.querySelectorAll('.cursor[visibility=visible]').length") == 1
    page.mouse("mouseMoved", 5, 5)
    page.wait_for(f"{reading} === {json.dumps(before)}")
    assert page.run("document.querySelectorAll('.cursor[visibility=visible]').length") == 0


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_lines_and_cells_stand_out_from_the_page(page: Page, scheme: str) -> None:
    page.prefer(scheme)
    colour = "getComputedStyle(document.querySelector({!r})).{}.match(/[0-9.]+/g).slice(0, 3).map(Number)"
    ground = np.array(page.run(colour.format("body", "backgroundColor")))
    for selector, name in ((".s0 .line", "stroke"), (".s1 .line", "stroke"), (".s2 .line", "stroke")):
        assert contrast(np.array(page.run(colour.format(selector, name))), ground) > 3
    for selector in (".chart .tick", ".matrix .tick", ".reading"):
        name = "color" if selector == ".reading" else "fill"
        assert contrast(np.array(page.run(colour.format(selector, name))), ground) > 4.5


def contrast(a: np.ndarray, b: np.ndarray) -> float:
    """WCAG's contrast ratio of two sRGB colours."""
    light = []
    for color in (a, b):
        linear = np.where(color / 255 <= 0.04045, color / 255 / 12.92, ((color / 255 + 0.055) / 1.055) ** 2.4)
        light.append(float(linear @ [0.2126, 0.7152, 0.0722]))
    return (max(light) + 0.05) / (min(light) + 0.05)


def test_every_control_has_a_name(page: Page) -> None:
    nameless = page.run(
        "[...document.querySelectorAll('button, input, select')].filter((e) => "
        "!(e.textContent.trim() || e.getAttribute('aria-label') || e.labels?.length)).map((e) => e.outerHTML)"
    )
    assert nameless == []


def test_without_webgl_the_page_says_so_and_keeps_its_tables(index: Path) -> None:
    with Page(flags=("--disable-3d-apis",)) as page:
        page.open(index.as_uri())
        page.wait_for("window.teach3d?.ready")
        assert "WebGL2" in page.run("document.getElementById('message').textContent")
        assert page.run("document.getElementById('message').hidden") is False
        assert page.run("document.querySelectorAll('table').length") > 2
        assert page.run("document.querySelectorAll('.picture').length") == 4
        assert page.errors == []


def test_a_scene_file_that_is_gone_is_named(index: Path, tmp_path: Path) -> None:
    alone = tmp_path / "index.html"
    alone.write_bytes(index.read_bytes())
    with Page() as page:
        page.open(alone.as_uri())
        message = page.wait_for("window.teach3d?.error")
        assert "is missing beside this page" in message
