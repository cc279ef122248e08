"""A real headless Chromium driven over its DevTools protocol; nothing but ``websockets`` is needed.

Use as a context manager; ``Page`` runs scripts, presses keys, takes pictures and remembers every request and
every error of the page.
"""

import base64
import io
import itertools
import json
import os
import shutil
import signal
import subprocess
import tempfile
import time
import urllib.request
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from websockets.sync.client import connect

_FLAGS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync"),
    *("--disable-background-networking", "--disable-component-update", "--disable-dev-shm-usage"),
    *("--enable-unsafe-swiftshader", "--hide-scrollbars", "--mute-audio"),
    *("--remote-debugging-port=0", "--remote-allow-origins=*"),
)


def find_chromium() -> str | None:
    """The browser's path, or None."""
    names = ("chromium", "chromium-browser", "google-chrome", "chrome")
    return next((path for name in names if (path := shutil.which(name))), None)


class Page:
    """One tab.

    Attributes:
        requests: addresses the page asked for.
        errors: uncaught exceptions, console errors, violated policies.
    """

    def __init__(self, *, size: tuple[int, int] = (1280, 900), flags: tuple[str, ...] = ()) -> None:
        self.requests: list[str] = []
        self.errors: list[str] = []
        self._ids = itertools.count(1)
        self._size = size
        self._flags = flags

    def __enter__(self) -> "Page":
        chromium = find_chromium()
        assert chromium is not None
        self._profile = tempfile.mkdtemp(prefix="browser-")
        size = f"--window-size={self._size[0]},{self._size[1]}"
        command = [chromium, *_FLAGS, *self._flags, size, f"--user-data-dir={self._profile}", "about:blank"]
        self._process = subprocess.Popen(
            command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
        )
        try:
            self._socket = connect(self._page_address(), max_size=None, compression=None)
            for domain in ("Page", "Runtime", "Network", "Log"):
                self.call(f"{domain}.enable")
            self.resize(*self._size)
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        if hasattr(self, "_socket"):
            self._socket.close()
        try:
            # the group is this browser's own: it was started in its own session
            os.killpg(self._process.pid, signal.SIGTERM)
            self._process.wait(10)
        except (ProcessLookupError, subprocess.TimeoutExpired):
            self._process.kill()
            self._process.wait()
        shutil.rmtree(self._profile, ignore_errors=True)

    def _page_address(self, timeout_s: float = 60.0) -> str:
        port_file = Path(self._profile) / "DevToolsActivePort"
        end = time.monotonic() + timeout_s
        while time.monotonic() < end:
            if port_file.is_file() and (lines := port_file.read_text().split()):
                with urllib.request.urlopen(f"http://127.0.0.1:{lines[0]}/json", timeout=20) as answer:
                    pages = [target for target in json.load(answer) if target["type"] == "page"]
                if pages:
                    return str(pages[0]["webSocketDebuggerUrl"])
            assert self._process.poll() is None, "Chromium ended"
            time.sleep(0.05)
        raise TimeoutError("Chromium did not open its DevTools port")

    def call(self, method: str, **params: Any) -> dict[str, Any]:
        """One DevTools call; events that arrive meanwhile are remembered."""
        number = next(self._ids)
        self._socket.send(json.dumps({"id": number, "method": method, "params": params}))
        while True:
            message = json.loads(self._socket.recv(timeout=60))
            if message.get("id") == number:
                if "error" in message:
                    raise RuntimeError(f"{method}: {message['error']}")
                return dict(message["result"])
            self._remember(message)

    def _remember(self, message: dict[str, Any]) -> None:
        params = message.get("params", {})
        match message.get("method"):
            case "Network.requestWillBeSent":
                self.requests.append(params["request"]["url"])
            case "Network.webSocketCreated":
                self.requests.append(params["url"])
            case "Runtime.exceptionThrown":
                details = params["exceptionDetails"]
                self.errors.append(details.get("exception", {}).get("description", details["text"]))
            case "Runtime.consoleAPICalled" if params["type"] in ("error", "assert"):
                self.errors.append(str([arg.get("value") for arg in params["args"]]))
            case "Log.entryAdded" if params["entry"]["level"] == "error":
                self.errors.append(params["entry"]["text"] + " " + params["entry"].get("url", ""))

    def open(self, address: str) -> None:
        """Go to an address (or another fragment of this one)."""
        self.call("Page.navigate", url=address)

    def resize(self, width: int, height: int, *, mobile: bool = False, scale: float = 1.0) -> None:
        """Size of the page's window."""
        self.call(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=scale,
            mobile=mobile,
        )

    def prefer(self, scheme: str) -> None:
        """``dark`` or ``light``."""
        self.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])

    def run(self, script: str) -> Any:
        """Value of an expression in the page; promises are waited for."""
        result = self.call("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in result:
            raise RuntimeError(result["exceptionDetails"].get("exception", {}).get("description", "failed"))
        return result["result"].get("value")

    def wait_for(self, script: str, timeout_s: float = 60.0) -> Any:
        """Wait until an expression is true and return its value."""
        end = time.monotonic() + timeout_s
        while time.monotonic() < end:
            if value := self.run(script):
                return value
            time.sleep(0.05)
        raise TimeoutError(f"{script} stayed false; errors: {self.errors}")

    def press(self, key: str) -> None:
        """One key, as ``KeyboardEvent.key`` names it."""
        text = {"text": key} if len(key) == 1 else {}
        self.call("Input.dispatchKeyEvent", type="keyDown", key=key, **text)
        self.call("Input.dispatchKeyEvent", type="keyUp", key=key)

    def mouse(self, kind: str, x: float, y: float, **more: Any) -> None:
        """``mouseMoved``, ``mousePressed``, ``mouseReleased`` or ``mouseWheel`` at a place, px."""
        self.call("Input.dispatchMouseEvent", type=kind, x=x, y=y, **more)

    def box(self, selector: str) -> dict[str, float]:
        """Place of an element in the window: x, y, width, height, px."""
        return dict(
            self.run(f"document.querySelector({json.dumps(selector)}).getBoundingClientRect().toJSON()")
        )

    def picture(self, selector: str | None = None, *, full: bool = False) -> np.ndarray:
        """What is seen, RGB: the window, the whole page, or one element."""
        params: dict[str, Any] = {"captureBeyondViewport": full}
        if selector is not None:
            box = self.run(
                f"(() => {{ const b = document.querySelector({json.dumps(selector)}).getBoundingClientRect();"
                "return {x: b.x + scrollX, y: b.y + scrollY, width: b.width, height: b.height}; })()"
            )
            params["clip"] = {**box, "scale": 1}
        shot = self.call("Page.captureScreenshot", format="png", **params)
        return np.asarray(Image.open(io.BytesIO(base64.b64decode(shot["data"]))).convert("RGB"))
