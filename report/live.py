"""The live view of one scene: type a query and the scene recolours; layers, threshold, pictures.

What is shown is made in ``report.live_scene``; text becomes vectors in the caller's ``encode``. The server
belongs to viser and listens on this machine alone unless the caller says otherwise.
"""

import contextlib
import io
import logging
import re
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float, UInt8
from PIL import Image

from report.live_scene import LiveScene, layer_colors, load_live_scene, query_layer, seen_points
from report.palette import known_colors
from schema.errors import MissingPartError, Teach3dError
from schema.spaces import check_same_space
from storage.unit import Unit

Answer = tuple[Float[np.ndarray, "C"], Sequence[str]]
_LOG = logging.getLogger(__name__)
_DEBOUNCE_S = 0.4
_MOVE_S = 0.25
_NO_QUERY = "type what to look for; the scene recolours"


class LiveView:
    """A running live view; made by ``open_view``.

    Attributes:
        server: viser's server.
        url: address for a browser on this machine.
        layer: the layer that is shown.
        message: what the view says about it.
    """

    def __init__(
        self,
        server: Any,
        scene: LiveScene,
        *,
        encode: Callable[[str], Answer] | None,
        pictures: Path | None,
    ) -> None:
        self.server = server
        self.url = f"http://{server.get_host()}:{server.get_port()}"
        self.layer = scene.layers[0]
        self.message = self.layer.note
        self._scene = scene
        self._encode = encode
        self._pictures = pictures
        self._lock = threading.RLock()
        self._timer: threading.Timer | None = None
        self._eye: Float[np.ndarray, 3] | None = None
        self._mover: threading.Timer | None = None
        self._key_of = {layer.name: layer.key for layer in scene.layers}
        self._add_controls()
        self._add_scene()

    def show_layer(self, key: str) -> None:
        """Colour the points by a layer; an unknown key shows the first."""
        with self._lock:
            self.layer = next((item for item in self._scene.layers if item.key == key), self._scene.layers[0])
            self._say(self.layer.note)
            self._recolour()

    def show_query(self, text: str) -> None:
        """Colour the points by how well they fit a text; an empty one goes back to the chosen layer."""
        text = " ".join(text.split())
        if not text or self._encode is None:
            self.show_layer(self._key_of[self._layers.value])
            return
        try:
            vector, unknown = self._encode(text)
            layer = query_layer(self._scene, text, vector)
        except Teach3dError as error:
            self._say(str(error))
            return
        best = float(np.nanmax(layer.values, initial=-1.0))
        warning = f"; no teacher used the word(s) {', '.join(map(repr, unknown))}" if unknown else ""
        with self._lock:
            self.layer = layer
            self._say(f"{layer.note}, best {best:.3f}{warning}")
            self._recolour()

    def look_from(self, eye: Float[np.ndarray, "3"] | None) -> None:
        """Hide what turns its back to a place; None shows all."""
        with self._lock:
            self._eye = eye
            self._cloud.points = seen_points(self._scene, eye if self._through.value else None)

    def stop(self) -> None:
        """Close the server and its port."""
        for timer in (self._timer, self._mover):
            if timer is not None:
                timer.cancel()
        with contextlib.redirect_stdout(io.StringIO()):
            self.server.stop()

    def _add_controls(self) -> None:
        gui, scene = self.server.gui, self._scene
        gui.configure_theme(dark_mode=True, show_logo=False, show_share_button=False)
        gui.set_panel_label(scene.scene_id)
        no_query = scene.feat is None or self._encode is None
        hint = "this scene has no features to compare with" if no_query else _NO_QUERY
        self._text = gui.add_text("query", "", disabled=no_query, hint=hint)
        self._layers = gui.add_dropdown("layer", list(self._key_of))
        self._threshold = gui.add_slider("fade below", 0.0, 1.0, 0.01, 0.0, hint="share of the drawn range")
        self._size = gui.add_slider("point size", 0.2, 4.0, 0.1, 1.0)
        self._through = gui.add_checkbox("through walls", True, hint="hide what is seen from behind")
        save = gui.add_button("save picture")
        self._message = gui.add_text("shown", self.message, multiline=True, disabled=True)
        self._text.on_update(lambda _: self._later())
        self._layers.on_update(lambda _: self.show_layer(self._key_of[self._layers.value]))
        self._threshold.on_update(lambda _: self._recolour())
        self._size.on_update(lambda _: self._resize())
        self._through.on_update(lambda _: self.look_from(self._eye))
        save.on_click(self._save)

    def _add_scene(self) -> None:
        view = self._scene.view
        target = np.array(view.target)
        eye = target - 2.1 * view.radius_m * np.array(view.forward)
        self.server.scene.set_up_direction(view.up)
        self._cloud = self.server.scene.add_point_cloud(
            "/points",
            seen_points(self._scene, eye),
            layer_colors(self.layer),
            point_size=1.2 * view.spacing_m,
            point_shape="circle",
            precision="float32",
            point_shading="flat",
        )
        camera = self.server.initial_camera
        camera.look_at, camera.position, camera.up = target, eye, np.array(view.up)
        self._eye = eye
        self.server.on_client_connect(lambda client: client.camera.on_update(self._camera_moved))

    def _camera_moved(self, camera: Any) -> None:
        """Hide anew a few times a second while the camera moves, and once it rests."""
        with self._lock:
            if self._mover is None:
                self._mover = threading.Timer(_MOVE_S, lambda: self._follow(camera))
                self._mover.daemon = True
                self._mover.start()

    def _follow(self, camera: Any) -> None:
        with self._lock:
            self._mover = None
            self.look_from(np.asarray(camera.position))

    def _later(self) -> None:
        """Wait until typing stops: encoding a text for every letter would lag behind the hand."""
        if self._timer is not None:
            self._timer.cancel()
        self._timer = threading.Timer(_DEBOUNCE_S, lambda: self.show_query(self._text.value))
        self._timer.daemon = True
        self._timer.start()

    def _say(self, text: str) -> None:
        self.message = text
        self._message.value = text

    def _recolour(self) -> None:
        with self._lock:
            self._cloud.colors = layer_colors(self.layer, threshold=float(self._threshold.value))

    def _resize(self) -> None:
        self._cloud.point_size = 1.2 * self._scene.view.spacing_m * self._size.value

    def _save(self, event: Any) -> None:
        camera = event.client.camera
        pixels = event.client.get_render(height=camera.image_height, width=camera.image_width)
        word = re.sub(r"[^A-Za-z0-9]+", "-", self.layer.key).strip("-") or "layer"
        name = f"{self._scene.scene_id}-{word}.png"
        if self._pictures is None:
            event.client.send_file_download(name, png_bytes(pixels))
            return
        self._pictures.mkdir(parents=True, exist_ok=True)
        (self._pictures / name).write_bytes(png_bytes(pixels))
        self._say(f"saved {self._pictures / name}")


def png_bytes(pixels: UInt8[np.ndarray, "H W C"]) -> bytes:
    """A picture as the bytes of a PNG file, without its alpha."""
    buffer = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(pixels[..., :3])).save(buffer, "PNG")
    return buffer.getvalue()


def open_view(
    scene: LiveScene,
    *,
    host: str = "127.0.0.1",
    port: int = 8080,
    encode: Callable[[str], Answer] | None = None,
    pictures: Path | None = None,
) -> LiveView:
    """Start a live view and return at once.

    Args:
        scene: what is shown.
        host: address to listen on; the default is reachable from this machine alone.
        port: first port tried; if it is taken, the next free one.
        encode: a text to its unit vector in the scene's text space and its words that nothing relates to;
            None: no queries.
        pictures: folder of saved pictures; None: they are downloaded by the browser.

    Raises:
        MissingPartError: viser is not installed.
    """
    try:
        import viser
    except ImportError:
        remedy = 'install it: pip install "teach3d[view]"'
        raise MissingPartError("the live view needs viser", remedy=remedy) from None
    with contextlib.redirect_stdout(io.StringIO()):  # it prints its address whatever it is told
        server = viser.ViserServer(host=host, port=port, verbose=False)
    return LiveView(server, scene, encode=encode, pictures=pictures)


def serve_scene(
    unit: Unit,
    *,
    encode: Callable[[str], Answer] | None,
    space: str,
    port: int = 8080,
    announce: Callable[[str], None] = _LOG.info,
    pictures: Path | None = None,
    host: str = "127.0.0.1",
) -> None:
    """Serve a scene of a store until interrupted (Ctrl-C ends it cleanly).

    Args:
        unit: the scene.
        encode: see ``open_view``.
        space: text space of ``encode``.
        port: see ``open_view``.
        announce: told the address once the server listens.
        pictures: see ``open_view``.
        host: see ``open_view``.

    Raises:
        StoreError: the scene has no cloud.
        SpaceMismatchError: the scene's features are of another text space.
        MissingPartError: viser is not installed.
    """
    teachers = [key.removeprefix("lift/") for key in unit.stage_keys() if key.startswith("lift/")]
    scene = load_live_scene(unit, teachers=teachers, known=known_colors())
    if scene.feat is not None and encode is not None:
        check_same_space("the scene's features", scene.text_space, space)
    view = open_view(scene, host=host, port=port, encode=encode, pictures=pictures)
    try:
        announce(view.url)
        threading.Event().wait()
    except KeyboardInterrupt:
        _LOG.info("stopped")
    finally:
        view.stop()
