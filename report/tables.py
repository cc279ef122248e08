"""HTML tables of a run: every text in them is escaped, every number aligned.

Where the numbers come from is decided in ``report.sections``.
"""

import html
import math
from collections.abc import Mapping, Sequence
from typing import Any

_NONE = "\N{EN DASH}"


def esc(value: object) -> str:
    """Text for HTML content or a quoted attribute."""
    return html.escape(str(value), quote=True)


def breakable(name: object) -> str:
    """A name as HTML that may be broken after its separators.

    >>> breakable("fuse/winner_takes")
    'fuse/<wbr>winner_<wbr>takes'
    """
    return esc(name).replace("/", "/<wbr>").replace("_", "_<wbr>")


def seconds_text(seconds: float) -> str:
    """A duration for people: ``0.04 s``, ``12.3 s``, ``2 min 05 s``, ``1 h 02 min``."""
    if not math.isfinite(seconds):
        return _NONE
    if seconds < 9.95:
        return f"{seconds:.2g} s" if seconds >= 0.01 else "0 s"
    if seconds < 59.5:
        return f"{seconds:.0f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest:02d} s"
    return f"{minutes // 60} h {minutes % 60:02d} min"


def cell_text(value: object) -> str:
    """A value as a cell shows it: floats with three digits, whole numbers with spaces, None as a dash."""
    if value is None or (isinstance(value, float) and not math.isfinite(value)):
        return _NONE
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}".replace(",", " ")
    if isinstance(value, float):
        return f"{value:.3f}" if abs(value) < 1000 else f"{value:.4g}"
    return str(value)


def is_number(value: object) -> bool:
    """Whether a cell is aligned as a number."""
    return value is None or (isinstance(value, int | float) and not isinstance(value, bool))


def table(
    columns: Sequence[object], rows: Sequence[Sequence[object]], *, caption: str = "", corner: str = ""
) -> str:
    """A table whose first column heads its rows; a row's cells may be fewer than the columns.

    Args:
        columns: headings, without that of the first column.
        rows: first item is the row's heading.
        caption: read out and shown above.
        corner: heading of the first column.
    """
    sides = ["text", *(_side(rows, k + 1) for k in range(len(columns)))]
    headings = zip((corner, *columns), sides, strict=True)
    head = "".join(f'<th scope="col" class="{side}">{breakable(column)}</th>' for column, side in headings)
    body = "".join(_row(row) for row in rows)
    title = f"<caption>{esc(caption)}</caption>" if caption else ""
    return (
        f'<div class="scroll"><table>{title}<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>'
    )


def _side(rows: Sequence[Sequence[object]], column: int) -> str:
    return "num" if all(is_number(row[column]) for row in rows if len(row) > column) else "text"


def _row(row: Sequence[object]) -> str:
    first, *rest = row
    cells = "".join(f'<td class="{"num" if is_number(v) else "text"}">{esc(cell_text(v))}</td>' for v in rest)
    return f'<tr><th scope="row">{esc(cell_text(first))}</th>{cells}</tr>'


def summary_table(content: Mapping[str, Any] | None) -> str:
    """The run's headline table; empty text if there is none or its parts do not fit.

    Args:
        content: ``title``, ``columns`` (headings) and ``rows``, each with ``name`` and ``cells``; or ``rows``
            (headings) beside ``cells`` (one list per row).
    """
    lines = _summary_lines(content or {})
    if not lines:
        return ""
    columns = list((content or {}).get("columns") or [])
    columns = columns[len(columns) - max(len(line) - 1 for line in lines) :]
    return table(columns, lines, caption=str((content or {}).get("title") or ""))


def _summary_lines(content: Mapping[str, Any]) -> list[list[object]]:
    rows, cells = list(content.get("rows") or []), list(content.get("cells") or [])
    if rows and all(isinstance(row, Mapping) for row in rows):
        return [_named_line(str(row.get("name", "")), list(row.get("cells") or [])) for row in rows]
    return [[row, *line] for row, line in zip(rows, cells, strict=True)] if len(rows) == len(cells) else []


def _named_line(name: str, cells: list[object]) -> list[object]:
    return cells if cells and cells[0] == name else [name, *cells]


def stage_table(stages: Sequence[Mapping[str, Any]]) -> str:
    """Seconds of each stage (columns) of each unit (rows), and whether this run computed them."""
    units = list(dict.fromkeys(str(stage.get("unit", "?")) for stage in stages))
    names = list(dict.fromkeys(str(stage.get("stage", "?")) for stage in stages))
    cells = {(str(s.get("unit", "?")), str(s.get("stage", "?"))): s for s in stages}
    head = "<th></th>" + "".join(f'<th scope="col" class="num">{esc(name)}</th>' for name in names)
    lines = [(unit, "".join(_stage_cell(cells.get((unit, name))) for name in names)) for unit in units]
    body = "".join(f'<tr><th scope="row">{esc(unit)}</th>{line}</tr>' for unit, line in lines)
    return f'<div class="scroll"><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>'


def _stage_cell(stage: Mapping[str, Any] | None) -> str:
    if stage is None:
        return '<td class="num quiet">·</td>'
    status = str(stage.get("status", ""))
    seconds = stage.get("seconds")
    text = seconds_text(float(seconds)) if is_number(seconds) and seconds is not None else _NONE
    return f'<td class="num"><span class="status {_word(status)}">{esc(status)}</span> {esc(text)}</td>'


def _word(status: str) -> str:
    return status if status in {"computed", "cached", "failed"} else "other"
