"""Takes the pictures of reports that the documents show, in a headless Chromium.

Run ``teach3d run configs/kitchen.yaml`` or ``configs/default.yaml`` first, then

    python -m tools.report_pictures kitchen
    python -m tools.report_pictures default
"""

import argparse
import io
from base64 import b64decode
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import quote

import numpy as np
from PIL import Image

from tests.browser import Page

FRAME = "new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))"
FOLDER = Path(__file__).parent.parent / "docs" / "pictures"
VIEWS: Mapping[str, Mapping[str, tuple[str, str]]] = {
    "kitchen": {"kitchen-fused": ("kitchen", "fused"), "kitchen-student": ("kitchen", "student")},
    "default": {
        "default-fused": ("room_100000", "fused"),
        "default-couch": ("room_100000", "query-fused:couch"),
    },
}
"""Per recipe: picture -> scene and layer of the 3D view."""

SECTIONS: Mapping[str, Mapping[str, str]] = {
    "kitchen": {},
    "default": {"default-results": "#results", "default-training": "#training"},
}
"""Per recipe: picture -> section of the page."""


def main() -> None:
    """Write the pictures of a recipe's report to docs/pictures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("recipe", choices=sorted(VIEWS))
    parser.add_argument("--store", type=Path, help="by default store/RECIPE")
    chosen = parser.parse_args()
    index = ((chosen.store or Path("store") / chosen.recipe) / "report" / "index.html").resolve()
    with Page(size=(1380, 1280)) as page:
        for name, (scene, layer) in VIEWS[chosen.recipe].items():
            page.open("about:blank")
            page.open(f"{index.as_uri()}#scene={scene}&layer={quote(layer)}")
            page.wait_for(f"window.teach3d && window.teach3d.ready && window.teach3d.layer === {layer!r}")
            page.run(FRAME)
            save(page.picture(), name)
        for name, selector in SECTIONS[chosen.recipe].items():
            save(section(page, selector), name)


def section(page: Page, selector: str) -> np.ndarray:
    """One section of the page, whatever its height."""
    page.run(f"document.querySelector('{selector}').scrollIntoView()")
    box = page.run(
        f"(() => {{ const r = document.querySelector('{selector}').getBoundingClientRect();"
        " return [r.x + scrollX, r.y + scrollY, r.width, r.height]; })()"
    )
    clip = dict(zip(("x", "y", "width", "height"), box, strict=True), scale=1)
    shot = page.call("Page.captureScreenshot", format="png", clip=clip, captureBeyondViewport=True)
    return np.asarray(Image.open(io.BytesIO(b64decode(shot["data"]))).convert("RGB"))


def save(picture: np.ndarray, name: str) -> None:
    """A PNG of few colours."""
    Image.fromarray(picture).quantize(128).save(FOLDER / f"{name}.png", optimize=True)


if __name__ == "__main__":
    main()
