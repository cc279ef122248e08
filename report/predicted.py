"""A student's answers about a bare cloud as a coloured file and as a table; the formats are storage's."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import UInt8

from report.palette import UNLABELLED, class_colors, known_colors
from report.query import score_colors
from schema.prediction import Prediction
from storage.clouds import BareCloud
from storage.export import export_cloud

_COLUMN_CHARACTERS = 20  # LAS files have 32 bytes for a name


@dataclass(frozen=True)
class Legend:
    """Names and colours of classes, and texts that were scored besides.

    Attributes:
        names: of the K classes; empty where no classes were asked for.
        colors: RGB, one row a class.
        texts: the Q texts.
    """

    names: tuple[str, ...]
    colors: UInt8[np.ndarray, "K 3"]
    texts: tuple[str, ...]


def make_legend(names: Sequence[str], label_set: str | None, texts: Sequence[str]) -> Legend:
    """Colours of the classes: the label set's own, else by their names."""
    known = known_colors([label_set]) if label_set else known_colors()
    return Legend(tuple(names), class_colors(names, known), tuple(texts))


def write_prediction(
    path: Path,
    format: str,  # noqa: A002 - the word of storage.export
    *,
    cloud: BareCloud,
    prediction: Prediction,
    legend: Legend,
) -> list[str]:
    """Write the cloud as it was given, coloured by class, or by score where there is one text and no class.

    Args:
        path: file to write.
        format: name of a format known to ``storage.export``.
        cloud: what was asked about; its own unit and axes are kept.
        prediction: the answers.
        legend: names, colours and texts of the answers.

    Returns:
        Names of the columns: ``label`` and ``score``, and ``score_<text>`` where texts were scored besides.
    """
    columns: dict[str, np.ndarray] = {"score": prediction.score}
    colors = score_colors(prediction.score)
    if prediction.label is not None:
        columns = {"label": prediction.label, "score": prediction.score}
        names = score_columns(legend.texts)
        columns.update({name: prediction.text_score[:, q] for q, name in enumerate(names)})
        table = np.concatenate([legend.colors, np.array([UNLABELLED], dtype=np.uint8)])
        colors = table[prediction.label]
    export_cloud(path, format, points=cloud.points, colors=colors, scalars=columns, faces=cloud.faces)
    return list(columns)


def score_columns(texts: Sequence[str]) -> list[str]:
    """A name that every format can hold for each text's scores: "a red chair" is ``score_a_red_chair``.

    >>> score_columns(["table", "Table?", "the very long name of a piece of furniture"])
    ['score_table', 'score_table_2', 'score_the_very_long_name_o']
    """
    names: dict[str, None] = {}
    for text in texts:
        word = re.sub(r"[^a-z0-9]+", "_", text.lower()).strip("_")[:_COLUMN_CHARACTERS] or "text"
        name = f"score_{word}"
        number = 2
        while name in names:
            name, number = f"score_{word}_{number}", number + 1
        names[name] = None
    return list(names)


def write_features(path: Path, *, cloud: BareCloud, prediction: Prediction) -> None:
    """Write the student's features beside the points; NPZ, float16."""
    assert prediction.feat is not None
    export_cloud(path, "npz", points=cloud.points, scalars={"feat": prediction.feat})


def class_rows(prediction: Prediction, legend: Legend) -> list[dict[str, Any]]:
    """One row a class that occurs, most points first: name, colour, points, share, mean score."""
    if prediction.label is None:
        return []
    counts = np.bincount(prediction.label + 1, minlength=len(legend.names) + 1)
    sums = np.bincount(prediction.label + 1, prediction.score, minlength=len(legend.names) + 1)
    names, colors = ("(none)", *legend.names), [UNLABELLED, *legend.colors.tolist()]
    return [
        {
            "class": names[k],
            "color": "#{:02x}{:02x}{:02x}".format(*colors[k]),
            "points": int(counts[k]),
            "share": float(counts[k] / len(prediction.label)),
            "score": float(sums[k] / counts[k]),
        }
        for k in np.argsort(-counts, kind="stable").tolist()
        if counts[k]
    ]


def text_rows(prediction: Prediction, legend: Legend) -> list[dict[str, Any]]:
    """One row a text: smallest, mean, 99th percentile and largest score."""
    return [
        {
            "text": text,
            "min": float(column.min()),
            "mean": float(column.mean()),
            "p99": float(np.percentile(column, 99)),
            "max": float(column.max()),
        }
        for text, column in zip(legend.texts, prediction.text_score.T, strict=True)
    ]
