"""Ground truth of a scene's points, where a source has any. Evaluation alone may import this module.

How truth is compared with predictions is evaluation's business.
"""

import numpy as np
from jaxtyping import Float

from schema.config_source import SourceConfig, SyntheticConfig
from schema.records import Truth

MAX_DISTANCE_M = 0.05
"""A point farther than this from every surface is unlabelled; a TSDF puts points within about a voxel."""


def read_truth(source: SourceConfig, scene_id: str, points_world: Float[np.ndarray, "N 3"]) -> Truth | None:
    """The true class and object of each point, or None if the source has no labels.

    A point of a procedural room takes those of the triangle nearest to it.

    Args:
        source: where the scene comes from.
        scene_id: the scene.
        points_world: metres.

    Raises:
        ConfigError: the source has no such scene.
    """
    if isinstance(source, SyntheticConfig):
        return _synthetic_truth(source, scene_id, points_world)
    return None


def _synthetic_truth(source: SyntheticConfig, scene_id: str, points_world: Float[np.ndarray, "N 3"]) -> Truth:
    from ops.raycast import nearest_faces
    from ops.rooms import ROOM_CLASSES, make_room
    from storage.sources.synthetic import SyntheticRooms

    room = make_room(SyntheticRooms(source).seed(scene_id))
    face, distance_m = nearest_faces(room, points_world)
    near = distance_m <= MAX_DISTANCE_M
    return Truth(
        semantic_label=np.where(near, room.face_class[face], -1).astype(np.int16),
        instance_id=np.where(near, room.face_instance[face], -1).astype(np.int32),
        names=ROOM_CLASSES,
    )
