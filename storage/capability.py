"""Reading a capability table: teacher -> class -> score in 0..1, JSON; how it weighs is fusion's business."""

import json
from pathlib import Path

import numpy as np
from jaxtyping import Float

from schema.errors import ConfigError, unknown_name
from schema.labels import LabelSet


def read_capability(
    path: Path | None, teachers: tuple[str, ...], vocabulary: LabelSet
) -> Float[np.ndarray, "T K"] | None:
    """The table as an array, NaN where a score is not known; None without a file.

    Raises:
        ConfigError: the file is missing, not JSON, names an unknown teacher or class, or a score is no
            number in 0..1.
    """
    if path is None:
        return None
    table = np.full((len(teachers), len(vocabulary.names)), np.nan, np.float32)
    for teacher, scores in _read(path).items():
        if teacher not in teachers:
            raise unknown_name("teacher in the capability table", teacher, teachers, field=str(path))
        for name, score in scores.items():
            if name not in vocabulary.names:
                raise unknown_name("class in the capability table", name, vocabulary.names, field=str(path))
            if score is not None:
                table[teachers.index(teacher), vocabulary.names.index(name)] = _checked(
                    score, path, f"{teacher}.{name}"
                )
    return table


def _read(path: Path) -> dict[str, dict[str, object]]:
    remedy = "give JSON {teacher: {class: score or null}}, or fuse.capability=null for uniform weights"
    try:
        table = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ConfigError("no such file", file=path, field="fuse.capability", remedy=remedy) from None
    except (OSError, ValueError) as error:
        raise ConfigError(f"not JSON ({error})", file=path, field="fuse.capability", remedy=remedy) from None
    if not isinstance(table, dict) or not all(isinstance(row, dict) for row in table.values()):
        raise ConfigError("not a table of tables", file=path, field="fuse.capability", remedy=remedy)
    return table


def _checked(score: object, path: Path, field: str) -> float:
    if isinstance(score, bool) or not isinstance(score, int | float) or not 0 <= score <= 1:
        raise ConfigError(
            "not a score in 0..1", file=path, field=field, value=score, remedy="give an IoU, or null"
        )
    return float(score)
