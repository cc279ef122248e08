"""Floor and walls as pieces that captions can be made of, since a room's own pieces are its furniture.

Captions are ``ops/scale_captions.py``'s business.
"""

import numpy as np

from ops.colour_names import name_colours, oklab_from_rgb
from ops.rooms import ROOM_CLASSES, Piece, Room

SHELL = ("floor", "wall")
"""Classes of what a room is built of: it fills no box, pictures of it are windows somewhere on it."""


def shell_pieces(room: Room) -> tuple[Piece, ...]:
    """Whatever of the shell the room's own pieces leave out.

    Colour and material are those of the object's first face: the surface itself, before any skirting.
    """
    known = {piece.instance_id for piece in room.pieces}
    found = []
    for label in SHELL:
        for instance in np.unique(room.face_instance[room.face_class == ROOM_CLASSES.index(label)]):
            if int(instance) in known:
                continue
            faces = np.flatnonzero(room.face_instance == instance)
            finish = room.finishes[room.face_part[faces[0]]]
            rgb = np.round(np.array([finish.color]) * 255).astype(np.uint8)
            color = name_colours(oklab_from_rgb(rgb))[0]
            corners = room.vertices[room.faces[faces].ravel()]
            box = np.stack([corners.min(axis=0), corners.max(axis=0)])
            found.append(Piece(label, label, finish.pattern, color, finish.material, "", int(instance), box))
    return tuple(found)
