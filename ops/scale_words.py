"""The words of the scale models' captions: several names for a kind of object, for colours, materials, sizes.

How words become captions is ``ops/scale_captions.py``'s business. Whoever reads two of these words as one has
learned it from pictures: no caption holds two names of the same thing.
"""

from collections.abc import Mapping

NAMES: Mapping[str, tuple[str, ...]] = {
    "cabinet": ("cabinet", "cupboard"),
    "bed": ("bed",),
    "chair": ("chair", "seat"),
    "sofa": ("sofa", "couch", "settee"),
    "table": ("table",),
    "floor": ("floor", "ground"),
    "bookshelf": ("bookshelf", "bookcase"),
    "picture": ("picture", "painting"),
    "counter": ("counter", "worktop"),
    "curtain": ("curtain", "drape"),
    "refrigerator": ("refrigerator", "fridge"),
    "toilet": ("toilet", "lavatory"),
    "sink": ("sink", "washbasin"),
    "bathtub": ("bathtub", "tub"),
    "television": ("television", "tv"),
    "trash can": ("trash can", "bin"),
    "rug": ("rug", "mat"),
    "lamp": ("lamp", "light"),
}
"""Names of a kind, the usual one first; a kind that is not here is called what it is called."""

OTHER_NAMES = ("other", "other furniture", "otherfurniture")
"""What the class of everything else is called, apart from each thing's own name."""

COLOR_WORDS: Mapping[str, tuple[str, ...]] = {"grey": ("grey", "gray"), "purple": ("purple", "violet")}
MATERIAL_WORDS: Mapping[str, tuple[str, ...]] = {
    "wood": ("wooden",),
    "ceramic": ("ceramic", "porcelain"),
    "fabric": ("fabric", "cloth"),
    "stone": ("stone", "marble"),
    "metal": ("metal", "steel"),
    "carpet": ("carpeted",),
}
SUBSTANCES = frozenset(
    {
        "wood",
        "metal",
        "fabric",
        "ceramic",
        "glass",
        "plastic",
        "stone",
        "leather",
        "paper",
        "cardboard",
        "wicker",
    }
)
"""Materials of which a person says that something is made of them."""

SIZE_WORDS: Mapping[str, tuple[str, ...]] = {"small": ("small", "little"), "large": ("large", "big")}
PLAN_WORDS: Mapping[str, tuple[str, ...]] = {
    "living room": ("living room", "lounge"),
    "office": ("office", "study"),
    "bathroom": ("bathroom", "washroom"),
}

_PLURALS = {"bookshelf": "bookshelves", "couch": "couches", "box": "boxes", "washbasin": "washbasins"}


def names_of(kind: str) -> tuple[str, ...]:
    """What a kind of object is called.

    >>> names_of("sofa")
    ('sofa', 'couch', 'settee')
    """
    return NAMES.get(kind, (kind,))


def plural(name: str) -> str:
    """Several of it.

    >>> [plural(name) for name in ("chair", "bookshelf", "books", "lavatory", "bench")]
    ['chairs', 'bookshelves', 'books', 'lavatories', 'benches']
    """
    if name in _PLURALS or name.endswith("s"):
        return _PLURALS.get(name, name)
    if name.endswith("y"):
        return name[:-1] + "ies"
    return name + ("es" if name.endswith(("ch", "sh", "x")) else "s")


def is_plural(name: str) -> bool:
    """Whether a name stands without an article ("books")."""
    return name.endswith("s") and not name.endswith("ss")
