"""Twenty text queries that are in no label set: does the first place found show the right object?

    teach3d run configs/default.yaml
    python -m benchmarks.queries [--recipe configs/default.yaml]

Each query is asked in every room of the recipe whose cloud has such an object, as ``teach3d query`` does it:
the place is the superpoint whose points are most relevant, and it is right if most of its points belong to an
object of which the words are true. Fused features are asked in all rooms (nothing was learned from them
there), the student, which sees no colours, in those it was not taught in. Written to
benchmarks/results/queries.json.
"""

import argparse
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.conditions import conditions, write_results
from models.cache import load_text
from models.text.protocol import TextEncoder
from ops.query import best_places, query_scores, relevance
from ops.rooms import Piece, make_room
from ops.scale_captions import FACTS, facts_of
from ops.scale_shell import shell_pieces
from schema.config import PipelineConfig
from schema.config_source import SyntheticConfig
from schema.summary import PROCEDURAL
from storage.label_sets import load_label_set
from storage.recipes import load_recipe
from storage.sources.synthetic import SyntheticRooms
from storage.store import Store
from storage.truth import read_truth
from storage.unit import Unit

QUERIES: Mapping[str, Mapping[str, str]] = {
    "couch": {"label": "sofa"},
    "a settee": {"label": "sofa"},
    "a fridge": {"label": "refrigerator"},
    "a cupboard": {"label": "cabinet"},
    "a worktop": {"label": "counter"},
    "a washbasin": {"label": "sink"},
    "a lavatory": {"label": "toilet"},
    "a tub": {"label": "bathtub"},
    "drapes": {"label": "curtain"},
    "a seat": {"label": "chair"},
    "the ground": {"label": "floor"},
    "a television": {"kind": "television"},
    "a light": {"kind": "lamp"},
    "a box": {"kind": "box"},
    "a bin": {"kind": "trash can"},
    "something red": {"color": "red"},
    "something green": {"color": "green"},
    "something blue": {"color": "blue"},
    "a wooden table": {"label": "table", "material": "wood"},
    "a leather chair": {"label": "chair", "material": "leather"},
}
"""What is asked, and which facts (see ``FACTS``) the object must have."""


LEAST_POINTS = 100
"""Of an object in a room's cloud, 0.16 m2, for the room to be asked for it."""


@dataclass(frozen=True)
class Asked:
    """A scene's features as a query sees them."""

    feat: np.ndarray
    superpoint_id: np.ndarray
    points_world: np.ndarray
    instance: np.ndarray
    pieces: Mapping[int, Piece]


def fits(piece: Piece, wanted: Mapping[str, str]) -> bool:
    """Whether all that is wanted is true of an object."""
    facts = dict(zip(FACTS, facts_of(piece), strict=True))
    return all(facts[key] == value for key, value in wanted.items())


def asked(config: PipelineConfig, unit: Unit, scene_id: str, features: tuple[str, str]) -> Asked:
    """Features of a scene, and which object each point truly belongs to."""
    assert isinstance(config.source, SyntheticConfig)
    points = unit.array("ingest", "points_world")
    truth = read_truth(config.source, scene_id, points)
    assert truth is not None
    room = make_room(SyntheticRooms(config.source).seed(scene_id))
    return Asked(
        feat=unit.array(*features),
        superpoint_id=unit.array("oversegment", "superpoint_id"),
        points_world=points,
        instance=truth.instance_id,
        pieces={piece.instance_id: piece for piece in (*shell_pieces(room), *room.pieces)},
    )


def is_right(
    scene: Asked, text: str, wanted: Mapping[str, str], encoder: TextEncoder, names: np.ndarray
) -> bool | None:
    """Whether the best place for a text shows what is wanted; None where the room's cloud has none."""
    ids, counts = np.unique(scene.instance, return_counts=True)
    there = set(ids[counts >= LEAST_POINTS].tolist()) & scene.pieces.keys()
    if not any(fits(scene.pieces[i], wanted) for i in there):
        return None
    embedding = encoder.encode([text])[0]
    scores = query_scores(scene.feat, embedding)
    found = best_places(
        relevance(scores, scene.feat, embedding, names),
        scores,
        scene.feat.any(axis=1),
        scene.superpoint_id,
        scene.points_world,
        count=1,
    ).superpoint
    ids, counts = np.unique(scene.instance[scene.superpoint_id == found[0]], return_counts=True)
    most = int(ids[counts.argmax()])
    return most in scene.pieces and fits(scene.pieces[most], wanted)


def hits(scenes: Mapping[str, Asked], encoder: TextEncoder, names: np.ndarray) -> dict[str, Any]:
    """Per query the rooms asked and right, and the rates over queries and over all that was asked."""
    table: dict[str, Any] = {}
    for text, wanted in QUERIES.items():
        answers = {name: is_right(scene, text, wanted, encoder, names) for name, scene in scenes.items()}
        known = {name: answer for name, answer in answers.items() if answer is not None}
        table[text] = {
            "wanted": dict(wanted),
            "rooms": len(known),
            "right": sum(known.values()),
            "missed_in": [name for name, answer in known.items() if not answer],
        }
    rows = [row for row in table.values() if row["rooms"]]
    return {
        "queries": len(rows),
        "hit_rate": round(sum(r["right"] for r in rows) / max(1, sum(r["rooms"] for r in rows)), 4),
        "mean_over_queries": round(float(np.mean([r["right"] / r["rooms"] for r in rows])), 4),
        "by_query": table,
    }


def check_words(config: PipelineConfig) -> None:
    """No query is a class of the evaluated label set, and but for "couch" none is a label of a teacher."""
    names = set(load_label_set(config.evaluate.label_set).names)
    for teacher in config.teachers.values():
        assert teacher.kind in ("conv_dense", "conv_mask")
        names |= set(json.loads(teacher.weights.with_suffix(".json").read_text(encoding="utf-8"))["labels"])
    same = [text for text in QUERIES if text.removeprefix("a ").removeprefix("the ") in names - {"couch"}]
    assert not same, f"these are labels: {same}"


def measure(config: PipelineConfig) -> dict[str, Any]:
    """Everything asked in the rooms of a recipe that has been run."""
    check_words(config)
    store, encoder = Store(config.store), load_text(config.text, synonyms=[])
    assert isinstance(config.source, SyntheticConfig)
    rooms = SyntheticRooms(config.source).scene_ids()
    units = {name: store.scene(name) for name in rooms}
    judged = [name for name in rooms if units[name].entry("evaluate") is not None]
    found = {
        "fused": {name: asked(config, units[name], name, ("fuse", "feat")) for name in rooms},
        "student": {name: asked(config, units[name], name, ("evaluate", "student_feat")) for name in judged},
    }
    names = encoder.encode(load_label_set(config.fuse.vocabulary).texts(config.fuse.template))
    return {name: hits(scenes, encoder, names) for name, scenes in found.items()}


def main() -> None:
    """Ask everything and write the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--recipe", type=Path, default=Path("configs/default.yaml"))
    args = parser.parse_args()
    found = measure(load_recipe(args.recipe))
    write_results("queries", {**conditions(1), "what": PROCEDURAL, **found})


if __name__ == "__main__":
    main()
