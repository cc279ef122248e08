"""``teach3d view``: a scene in the browser of this machine; type a query and it recolours."""

from pathlib import Path

from flows.commands.inspect import scene_unit
from flows.console import console, print_json


def view(
    scene: str,
    *,
    port: int = 8080,
    store: Path | None = None,
    json: bool = False,
) -> int:
    """Serve a scene on this machine only, until stopped with Ctrl-C.

    Args:
        scene: scene id.
        port: port on the loopback address.
        store: the store to look at; by default the one run into last.
        json: print the address as JSON before serving.
    """
    from flows.commands.query import known_texts
    from models.cache import load_text
    from report.live import serve_scene
    from storage.label_sets import load_synonyms
    from storage.recipes import find_store, stored_recipe

    opened = find_store(store)
    unit = scene_unit(opened, scene)
    config = stored_recipe(opened)
    encoder = load_text(config.text, synonyms=load_synonyms())
    known = known_texts(unit, config)

    def announce(address: str) -> None:
        if json:
            print_json({"scene": scene, "address": address})
        else:
            console.print(f"{scene}: {address} (Ctrl-C stops)", markup=False, soft_wrap=True)

    serve_scene(
        unit,
        encode=lambda text: (encoder.encode([text])[0], list(encoder.unknown_words([text], known))),
        space=encoder.space,
        port=port,
        announce=announce,
        pictures=opened.root / "pictures" / scene,
    )
    return 0
