"""What fuse and evaluate both read: every teacher's features in the shared text space."""

from dataclasses import dataclass
from typing import Any

from models.text.protocol import TextEncoder
from ops.fuse import mask_features
from ops.masks import stack_columns
from schema.records import DenseLift
from schema.spaces import check_same_space
from storage.scene_io import lift_space, read_lift
from storage.unit import Unit


@dataclass(frozen=True)
class LiftedFeatures:
    """T teachers on N points: a list of [N, C] features and the [N, T] mask of seen points."""

    features: list[Any]
    seen: Any


def lifted_features(unit: Unit, teachers: tuple[str, ...], text: TextEncoder) -> LiftedFeatures:
    """Read all teachers; captions become embeddings of ``text``; other spaces are refused by name.

    Raises:
        SpaceMismatchError: a dense teacher's features live in another text space.
    """
    features, seen = [], []
    for name in teachers:
        check_same_space(name, lift_space(unit, name), text.space)
        lift = read_lift(unit, name)
        feat = lift.feat if isinstance(lift, DenseLift) else mask_features(lift, text.encode(lift.captions))
        features.append(feat)
        seen.append(lift.num_views > 0)
    return LiftedFeatures(features, stack_columns(seen))
