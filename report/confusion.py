"""Pictures of confusion matrices as inline SVG: what each true class is taken for, one row at a time.

Which rows get a picture is decided in ``report.results``; which classes of a matrix are drawn, in
``report.confusion_part``.
"""

import math
from collections.abc import Sequence

import numpy as np
from jaxtyping import Int64

from report.confusion_part import Matrix, drawn_part, percent_text
from report.svg import element, words
from report.tables import cell_text, esc

_CELL, _SMALL_CELL = 30, 20
_LONGEST = 22
_LETTER = 6.6
_TILT = math.radians(50)
_SCALE = (0.01, 0.1, 0.25, 0.5, 0.75, 1.0)
_STEP = 44


def confusion_figure(matrix: Int64[np.ndarray, "K K1"], names: Sequence[str], *, row: str) -> str:
    """A figure: heading, commonest mistakes, picture with numbers and a colour scale; empty without truth.

    Args:
        matrix: true by predicted class, last column "predicted nothing".
        names: K class names.
        row: what was evaluated.
    """
    part = drawn_part(matrix, names)
    if part is None:
        return ""
    right = np.trace(matrix[:, :-1]) / matrix.sum()
    left_out = int((matrix.sum(axis=1) > 0).sum()) - len(part.names)
    text = f"{percent_text(float(right))} % of {cell_text(int(matrix.sum()))} labelled points right."
    if left_out:
        text += f" The {len(part.names)} commonest classes are drawn, {left_out} are not."
    mistakes = "".join(f"<li>{esc(line)}</li>" for line in part.mistakes(5))
    listed = (
        f'<p class="quiet">commonest mistakes:</p><ul class="mix-ups">{mistakes}</ul>' if mistakes else ""
    )
    caption = f"<figcaption><h3>{esc(row)}</h3><p>{esc(text)}</p>{listed}</figcaption>"
    return f'<figure class="confusion">{caption}<div class="scroll">{_picture(part, row)}</div></figure>'


def _picture(part: Matrix, row: str) -> str:
    cell = _CELL if len(part.columns) <= 24 else _SMALL_CELL
    names, columns = [_short(name) for name in part.names], [_short(name) for name in part.columns]
    left = 16 + _LETTER * max(len("true class"), *map(len, names))
    top = 22 + _LETTER * max(map(len, columns)) * math.sin(_TILT)
    size = (cell * len(columns), cell * len(names))
    overhang = max(
        _LETTER * len(n) * math.cos(_TILT) - cell * (len(columns) - k - 0.5) for k, n in enumerate(columns)
    )
    width = left + max(size[0] + max(overhang, 0), _STEP * len(_SCALE)) + 14
    height = top + size[1] + 52
    parts = [
        element("desc", esc(part.in_words())),
        words("true class", 0, 12, class_="axis"),
        words("taken for", left, 12, class_="axis"),
        element("rect", class_="ground", x=left, y=top, width=size[0], height=size[1]),
        *_names(names, columns, left=left, top=top, cell=cell),
        *_cells(part, left, top, cell),
        _color_scale(left, height - 36),
    ]
    return element(
        "svg",
        "".join(parts),
        class_="matrix",
        viewBox=f"0 0 {width:.0f} {height:.0f}",
        width=f"{width:.0f}",
        height=f"{height:.0f}",
        role="img",
        aria_label=f"Confusion matrix of {row}: true classes down, what they are taken for across",
    )


def _names(names: Sequence[str], columns: Sequence[str], *, left: float, top: float, cell: int) -> list[str]:
    turn = -math.degrees(_TILT)
    across = [
        words(name, left + cell * (k + 0.5), top - 6, class_="tick", turn=turn)
        for k, name in enumerate(columns)
    ]
    down = [
        words(name, left - 8, top + cell * (k + 0.5) + 4, class_="tick", anchor="end")
        for k, name in enumerate(names)
    ]
    return across + down


def _cells(part: Matrix, left: float, top: float, cell: int) -> list[str]:
    """Squares of the cells that are not empty, the diagonal's framed; numbers where they can be read."""
    parts = []
    drawn = (part.counts > 0) | (np.eye(*part.counts.shape) > 0)
    for i, j in np.argwhere(drawn).tolist():
        x, y, share = left + cell * j, top + cell * i, float(part.shares[i, j])
        square = element(
            "rect",
            class_="cell right" if i == j else "cell",
            x=x + 0.5,
            y=y + 0.5,
            width=cell - 1,
            height=cell - 1,
            fill_opacity=_opacity(share),
        )
        number = _number(share, x + cell / 2, y + cell / 2 + 4) if cell == _CELL else ""
        parts.append(element("g", element("title", esc(part.said(i, j))) + square + number))
    return parts


def _number(share: float, x: float, y: float) -> str:
    if share < 0.005:
        return ""
    shade = "share on" if _strength(share) > 0.6 else "share"
    return words(percent_text(share), x, y, class_=shade, anchor="middle")


def _strength(share: float) -> float:
    """Opacity of a share: its square root, so that a mistake of some percent is seen."""
    return math.sqrt(min(max(share, 0.0), 1.0))


def _opacity(share: float) -> str:
    return f"{_strength(share):.2f}"


def _color_scale(left: float, top: float) -> str:
    parts = [
        words("share", left - 8, top + 10, class_="axis", anchor="end"),
        element("rect", class_="ground", x=left, y=top, width=_STEP * len(_SCALE) - 1, height=12),
    ]
    for k, share in enumerate(_SCALE):
        x = left + _STEP * k
        parts += [
            element(
                "rect", class_="cell", x=x, y=top, width=_STEP - 1, height=12, fill_opacity=_opacity(share)
            ),
            words(f"{percent_text(share)} %", x + _STEP / 2, top + 26, class_="tick", anchor="middle"),
        ]
    return "".join(parts)


def _short(name: str) -> str:
    return name if len(name) <= _LONGEST else name[: _LONGEST - 1] + "…"
