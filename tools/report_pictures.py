"""Takes the pictures of the kitchen's report that the documents show, in a headless Chromium.

Run ``teach3d run configs/kitchen.yaml`` first.
"""

import argparse
from pathlib import Path

from PIL import Image

from tests.browser import Page

FRAME = "new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))"


def main() -> None:
    """Write docs/pictures/kitchen-fused.png and kitchen-student.png."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--store", type=Path, default=Path("store/kitchen"))
    index = (parser.parse_args().store / "report" / "index.html").resolve()
    folder = Path(__file__).parent.parent / "docs" / "pictures"
    with Page(size=(1380, 1280)) as page:
        for layer in ("fused", "student"):
            page.open("about:blank")
            page.open(f"{index.as_uri()}#scene=kitchen&layer={layer}")
            page.wait_for(f"window.teach3d && window.teach3d.ready && window.teach3d.layer === {layer!r}")
            page.run(FRAME)
            Image.fromarray(page.picture()).quantize(128).save(folder / f"kitchen-{layer}.png", optimize=True)


if __name__ == "__main__":
    main()
