"""What the store keeps of scenes' evaluations, as what adding them up needs.

Adding up is ``ops/tally.py``'s business.
"""

from collections.abc import Sequence

from ops.tally import SceneTally, tally_scene
from storage.store import Store
from storage.unit import Unit


def read_tally(unit: Unit) -> SceneTally | None:
    """A scene's counts; None before it is evaluated."""
    entry = unit.entry("evaluate")
    if entry is None:
        return None
    return tally_scene(
        unit.array("evaluate", "label"),
        attrs=unit.attrs("evaluate"),
        metrics=entry.metrics,
        truth=unit.array("evaluate", "truth_label") if unit.has("evaluate", "truth_label") else None,
        matrices=unit.array("evaluate", "confusion") if unit.has("evaluate", "confusion") else None,
    )


def read_tallies(store: Store, scene_ids: Sequence[str]) -> dict[str, SceneTally]:
    """The counts of those of these scenes that are evaluated, by id, in their order."""
    found = {scene_id: read_tally(store.scene(scene_id)) for scene_id in scene_ids}
    return {scene_id: tally for scene_id, tally in found.items() if tally is not None}
