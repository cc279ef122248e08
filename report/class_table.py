"""Tables of one score per class and row: classes down, rows across, a bar behind each number.

Which score it is and where it comes from is decided in ``report.results``.
"""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Bool, Float, Int

from report.tables import breakable, cell_text, esc


def class_table(
    names: Sequence[str],
    rows: Sequence[str],
    scores: Float[np.ndarray, "R K"],
    *,
    num_truth: Int[np.ndarray, "K"],
    foot: Sequence[tuple[str, Sequence[float]]],
    contends: Sequence[bool],
    caption: str = "",
) -> str:
    """One line a class that has ground truth, the best row of each line marked, means below.

    Args:
        names: K class names.
        rows: R names of what was evaluated.
        scores: 0..1, NaN where the class has no ground truth.
        num_truth: true points per class.
        foot: means: a heading and R values each.
        contends: which rows may be marked best.
        caption: read out and shown above.
    """
    heads = "".join(f'<th scope="col" class="num">{breakable(row)}</th>' for row in rows)
    may = np.array(contends, dtype=bool)
    body = "".join(
        _line(esc(name), scores[:, k], may, f'<td class="num">{cell_text(int(num_truth[k]))}</td>')
        for k, name in enumerate(names)
        if num_truth[k]
    )
    means = "".join(_line(esc(name), np.asarray(values), may, "<td></td>") for name, values in foot)
    title = f"<caption>{esc(caption)}</caption>" if caption else ""
    return (
        f'<div class="scroll"><table class="classes">{title}<thead><tr><th scope="col">class</th>'
        f'<th scope="col" class="num">true points</th>{heads}</tr></thead>'
        f"<tbody>{body}</tbody><tfoot>{means}</tfoot></table></div>"
    )


def _line(heading: str, values: Float[np.ndarray, "R"], may: Bool[np.ndarray, "R"], second: str) -> str:
    best = is_best(values, may)
    cells = "".join(_cell(value, mark) for value, mark in zip(values.tolist(), best.tolist(), strict=True))
    return f'<tr><th scope="row">{heading}</th>{second}{cells}</tr>'


def is_best(values: Float[np.ndarray, "R"], may: Bool[np.ndarray, "R"]) -> Bool[np.ndarray, "R"]:
    """Rows whose printed value is the highest of those that may win; none where all of them are zero.

    >>> is_best(np.array([0.5, 0.9, 0.5, np.nan]), np.array([True, False, True, True])).tolist()
    [True, False, True, False]
    """
    printed = np.round(np.where(may, np.nan_to_num(values), 0.0), 3)
    return np.asarray(may & (printed > 0) & (printed == printed.max(initial=0.0)))


def _cell(value: float, best: bool) -> str:
    if not np.isfinite(value):
        return f'<td class="num quiet">{cell_text(None)}</td>'
    width = round(min(max(value, 0.0), 1.0) * 100, 1)
    text = f"<strong>{value:.3f}</strong>" if best else f"<span>{value:.3f}</span>"
    return (
        f'<td class="num meter{" best" if best else ""}"><svg class="under" viewBox="0 0 100 1" '
        f'preserveAspectRatio="none" aria-hidden="true"><rect width="{width}" height="1"/></svg>{text}</td>'
    )
