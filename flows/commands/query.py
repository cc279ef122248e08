"""``teach3d query``: score a scene's points by a text, print the best places, write them as PLY."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from flows.commands.inspect import scene_unit
from flows.console import console, print_json, print_table

if TYPE_CHECKING:  # help must not wait for what only the command needs
    from schema.config import PipelineConfig
    from storage.unit import Unit

Features = Literal["student", "fused"]
HISTOGRAM_BINS = 12
_PLACE = ("x_m", "y_m", "z_m", "longest_side_m", "num_points", "relevance", "score")


def query(
    scene: str,
    text: str,
    *,
    features: Features = "student",
    top: int = 5,
    output: Path | None = None,
    store: Path | None = None,
    json: bool = False,
) -> int:
    """Score a scene's points by a text, print where it fits best, write the cloud with its scores as PLY.

    A place is a superpoint. Its relevance, which decides the order, is how much the text rather than any
    class of the recipe's vocabulary says what its points are, 0..1; its score is their mean cosine.

    Args:
        scene: scene id.
        text: what to look for, e.g. "a red chair".
        features: ask the 3D student, or the fused 2D features it learned from (seen points only).
        top: how many of the best places to print.
        output: PLY file to write; by default queries/<scene>-<text>.ply in the store.
        store: the store to look at; by default the one run into last.
        json: print the result as JSON.
    """
    from ops.query import best_places, histogram
    from report.exported import write_scored_cloud
    from report.query import text_histogram
    from storage.recipes import find_store, stored_recipe

    opened = find_store(store)
    unit = scene_unit(opened, scene)
    scored = score_scene(unit, stored_recipe(opened), text, features)
    scores = scored.cosine
    slug = re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")[:60] or "query"
    path = output or opened.root / "queries" / f"{scene}-{slug}.ply"
    write_scored_cloud(path, unit, scores)
    places = best_places(
        scored.relevance,
        scores,
        scored.known,
        unit.array("oversegment", "superpoint_id"),
        unit.array("ingest", "points_world"),
        count=top,
    )
    best = list(
        zip(
            *places.centre_m.T.tolist(),
            places.size_m.max(axis=1).tolist(),
            places.num_points.tolist(),
            places.relevance.tolist(),
            places.score.tolist(),
            strict=True,
        )
    )
    counts, edges = histogram(scores, HISTOGRAM_BINS)
    result: dict[str, Any] = {
        "scene": scene,
        "text": text,
        "features": features,
        "unknown_words": scored.unknown_words,
        "top": [
            {"superpoint": place, **dict(zip(_PLACE, values, strict=True))}
            for place, values in zip(places.superpoint.tolist(), best, strict=True)
        ],
        "histogram": {"counts": counts, "edges": edges},
        "ply": str(path),
    }
    if json:
        print_json(result)
        return 0
    _print_warning(scored.unknown_words)
    columns = ["x / m", "y / m", "z / m", "longest side / m", "points", "relevance", "score"]
    print_table(columns, [list(values) for values in best], title=f"{text!r} in {scene}")
    for line in text_histogram(counts, edges):
        console.print(line, markup=False)
    console.print(f"scored cloud: {path}", markup=False, soft_wrap=True)
    return 0


@dataclass(frozen=True)
class Scored:
    """A scene of N points asked for a text.

    Attributes:
        cosine: between each point's feature and the text.
        relevance: see ``ops.query.relevance``.
        known: which points have a feature.
        unknown_words: of the text, that mean nothing here.
    """

    cosine: Any
    relevance: Any
    known: Any
    unknown_words: list[str]


def score_scene(unit: "Unit", config: "PipelineConfig", text: str, features: Features) -> Scored:
    """Ask a scene for a text.

    Raises:
        StoreError: the features are not in the store yet.
        SpaceMismatchError: the encoder's space is not the features'.
    """
    from models.cache import load_text
    from ops.query import query_scores, relevance
    from schema.spaces import check_same_space
    from storage.label_sets import load_label_set, load_synonyms

    encoder = load_text(config.text, synonyms=load_synonyms())
    stage, name = ("evaluate", "student_feat") if features == "student" else ("fuse", "feat")
    check_same_space(f"the {features} features", unit.attrs(stage)["text_space"], encoder.space)
    feat = unit.array(stage, name)
    embedding = encoder.encode([text])[0]
    names = encoder.encode(load_label_set(config.fuse.vocabulary).texts(config.fuse.template))
    scores = query_scores(feat, embedding)
    return Scored(
        cosine=scores,
        relevance=relevance(scores, feat, embedding, names),
        known=feat.any(axis=1),
        unknown_words=list(encoder.unknown_words([text], known_texts(unit, config))),
    )


def known_texts(unit: "Unit", config: "PipelineConfig") -> list[str]:
    """Every text that can have left a trace in the scene's features: captions and class names."""
    from storage.label_sets import load_label_set

    texts = list(load_label_set(config.fuse.vocabulary).names)
    for name in config.teachers:
        texts += unit.attrs(f"lift/{name}").get("captions") or []
    return texts


def _print_warning(unknown: list[str]) -> None:
    if unknown:
        words = ", ".join(repr(word) for word in unknown)
        console.print(
            f"note: no teacher used the word(s) {words}; this text encoder knows only words it shares",
            style="yellow",
            markup=False,
        )
