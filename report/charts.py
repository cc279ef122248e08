"""Inline SVG charts drawn with text alone: colours come from the page's style sheet.

What is charted is decided in ``report.build``; tables are in ``report.tables``.
"""

import html
import math
from collections.abc import Sequence

_W, _H = 720, 240
_LEFT, _RIGHT, _TOP, _BOTTOM = 56, 14, 14, 34


def nice_ticks(low: float, high: float, num: int = 5) -> list[float]:
    """Round numbers (1, 2 or 5 times a power of ten apart) within ``low`` .. ``high``."""
    span = high - low
    if not math.isfinite(span) or span <= 0:
        return [low]
    raw = span / num
    power = 10.0 ** math.floor(math.log10(raw))
    step = next((factor * power for factor in (1, 2, 5) if factor * power >= raw), 10 * power)
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return [round(k * step, 12) for k in range(first, last + 1)]


def line_chart(x: Sequence[float], y: Sequence[float], *, title: str, x_label: str, y_label: str) -> str:
    """A line through the finite points, as one ``<svg>``; empty text for fewer than two of them.

    Args:
        x: positions, ascending.
        y: values.
        title: spoken by screen readers.
        x_label: under the axis.
        y_label: beside the axis.
    """
    pairs = [(float(a), float(b)) for a, b in zip(x, y, strict=True) if math.isfinite(a) and math.isfinite(b)]
    if len(pairs) < 2:
        return ""
    x_low, x_high = pairs[0][0], max(pairs[-1][0], pairs[0][0] + 1e-9)
    values = [b for _, b in pairs]
    pad = 0.06 * (max(values) - min(values)) or 0.5
    y_low, y_high = min(values) - pad, max(values) + pad

    def place(a: float, b: float) -> tuple[float, float]:
        across = _LEFT + (a - x_low) / (x_high - x_low) * (_W - _LEFT - _RIGHT)
        down = _TOP + (y_high - b) / (y_high - y_low) * (_H - _TOP - _BOTTOM)
        return round(across, 1), round(down, 1)

    points = " ".join(f"{px},{py}" for px, py in (place(a, b) for a, b in _thin(pairs)))
    grid = [_y_tick(place(x_low, tick)[1], tick) for tick in nice_ticks(y_low, y_high, 4)]
    grid += [_x_tick(place(tick, y_low)[0], tick) for tick in nice_ticks(x_low, x_high, 6)]
    last = place(*pairs[-1])
    middle, spoken = (_LEFT + _W - _RIGHT) / 2, html.escape(title, quote=True)
    parts = [
        f'<svg class="chart" viewBox="0 0 {_W} {_H}" role="img" aria-label="{spoken}">',
        f"<title>{spoken}</title>",
        *grid,
        f'<polyline class="line" points="{points}"/>',
        f'<circle class="dot" cx="{last[0]}" cy="{last[1]}" r="3.5"/>',
        f'<text class="axis" x="{middle}" y="{_H - 3}" text-anchor="middle">{html.escape(x_label)}</text>',
        f'<text class="axis" x="{_LEFT}" y="10">{html.escape(y_label)}</text></svg>',
    ]
    return "".join(parts)


def _y_tick(down: float, value: float) -> str:
    return (
        f'<line class="grid" x1="{_LEFT}" x2="{_W - _RIGHT}" y1="{down}" y2="{down}"/>'
        f'<text class="tick" x="{_LEFT - 8}" y="{down + 4}" text-anchor="end">{value:g}</text>'
    )


def _x_tick(across: float, value: float) -> str:
    return f'<text class="tick" x="{across}" y="{_H - _BOTTOM + 16}" text-anchor="middle">{value:g}</text>'


def _thin(pairs: list[tuple[float, float]], limit: int = 1500) -> list[tuple[float, float]]:
    """Evenly chosen points, first and last always kept."""
    if len(pairs) <= limit:
        return pairs
    return [pairs[round(k * (len(pairs) - 1) / (limit - 1))] for k in range(limit)]
