"""Inline SVG line charts drawn with text alone: colours come from the page's style sheet.

What is charted is decided in ``report.training``, how long series become short ones in ``report.curves``;
values under the pointer are shown by ``page/charts.js``.
"""

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from report.curves import Curve
from report.svg import element, words
from report.tables import esc

_W, _H = 640, 250
_LEFT, _RIGHT, _TOP, _BOTTOM = 58, 24, 18, 40


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


def number_text(value: float) -> str:
    """A number for an axis or a sentence: thousands apart, small ones as powers of ten.

    >>> [number_text(v) for v in (0.0, 12000.0, 0.25, 0.0001, 3.2e-05)]
    ['0', '12 000', '0.25', '1e-4', '3.2e-5']
    """
    if abs(value) >= 1000:
        return f"{value:,.0f}".replace(",", " ")
    if value != 0 and abs(value) < 5e-3:
        mantissa, exponent = f"{value:.2e}".split("e")
        return f"{float(mantissa):g}e{int(exponent)}"
    return f"{value:.4g}"


@dataclass(frozen=True)
class _Frame:
    """Where a value lies in the picture: the ranges of both axes."""

    x_low: float
    x_high: float
    y_low: float
    y_high: float

    def across(self, x: float) -> float:
        return round(_LEFT + (x - self.x_low) / (self.x_high - self.x_low) * (_W - _LEFT - _RIGHT), 1)

    def down(self, y: float) -> float:
        inside = min(max(y, self.y_low), self.y_high)
        return round(_TOP + (self.y_high - inside) / (self.y_high - self.y_low) * (_H - _TOP - _BOTTOM), 1)

    def to_json(self) -> str:
        """What a script needs to read values back from places."""
        values = {
            "x": [self.x_low, self.x_high],
            "y": [self.y_low, self.y_high],
            "box": [_LEFT, _TOP, _W - _RIGHT, _H - _BOTTOM],
        }
        return json.dumps(values)


def line_chart(
    curves: Sequence[Curve],
    *,
    title: str,
    x_label: str,
    unit: str = "",
    marks: Sequence[tuple[float, str]] = (),
) -> str:
    """A figure: heading, key, last values, and a line through each curve; empty text if there is none.

    Behind a line lies a band from the smallest to the largest of the values that each of its points stands
    for. Lone values far away from all others lie at the edge: they would flatten the rest.

    Args:
        curves: those of fewer than two points are left out.
        title: heading, and what a screen reader says.
        x_label: under the axis.
        unit: over the upright axis.
        marks: places on the axis with a word each.
    """
    shown = [curve for curve in curves if len(curve.x) > 1]
    if not shown:
        return ""
    frame = _frame(shown)
    last = ", ".join(f"{curve.name} {number_text(float(curve.y[-1]))}" for curve in shown)
    parts = [
        *(_y_tick(frame.down(tick), tick) for tick in nice_ticks(frame.y_low, frame.y_high, 4)),
        *(
            _x_tick(frame.across(tick), tick)
            for tick in nice_ticks(frame.x_low, frame.x_high, 6)
            if tick % 1 == 0
        ),
        *(_band(curve, frame, k) for k, curve in enumerate(shown) if curve.spreads),
        *(_line(curve, frame, k) for k, curve in enumerate(shown)),
        *(_mark(frame.across(x), word, _LEFT + 90 if unit else _LEFT) for x, word in marks),
        element("line", class_="cursor", y1=_TOP, y2=_H - _BOTTOM, visibility="hidden"),
        words(x_label, (_LEFT + _W - _RIGHT) / 2, _H - 5, class_="axis", anchor="middle"),
        words(unit, _LEFT, 11, class_="axis"),
    ]
    picture = element(
        "svg",
        "".join(parts),
        class_="chart",
        viewBox=f"0 0 {_W} {_H}",
        role="img",
        aria_label=_spoken(title, shown),
        data_scale=frame.to_json(),
    )
    keys = "".join(map(_key, range(len(shown)), shown)) if len(shown) > 1 else ""
    keys = f'<ul class="keys">{keys}</ul>' if keys else ""
    caption = f'<h3>{esc(title)}</h3>{keys}<p class="reading">at the end: {esc(last)}</p>'
    return f'<figure class="plot"><figcaption>{caption}</figcaption>{picture}</figure>'


def _frame(curves: Sequence[Curve]) -> _Frame:
    reach = [_reach(curve) for curve in curves]
    low, high = min(ends[0] for ends in reach), max(ends[1] for ends in reach)
    pad = 0.06 * (high - low) or 0.05 * abs(high) or 0.5
    x_low, x_high = min(curve.x[0] for curve in curves), max(curve.x[-1] for curve in curves)
    x_low = 0.0 if 0 < x_low < 0.03 * x_high else x_low
    bottom = 0.0 if 0 <= low < max(pad, 0.3 * high) else low - pad
    return _Frame(float(x_low), float(max(x_high, x_low + 1e-9)), bottom, high + pad)


def _reach(curve: Curve) -> tuple[float, float]:
    """Range of the axis for a curve: what lies far beyond 98 hundredths of its values is cut off."""
    first, last = np.percentile(curve.low, 1), np.percentile(curve.high, 99)
    spare = (last - first) / 2
    low, high = min(first, max(curve.y.min(), first - spare)), max(last, min(curve.y.max(), last + spare))
    return float(low), float(high)


def _spoken(title: str, curves: Sequence[Curve]) -> str:
    ends = [
        f"{curve.name} from {number_text(float(curve.y[0]))} to {number_text(float(curve.y[-1]))}"
        for curve in curves
    ]
    return f"{title}: {'; '.join(ends)}"


def _line(curve: Curve, frame: _Frame, k: int) -> str:
    places = [(frame.across(x), frame.down(y)) for x, y in zip(curve.x, curve.y, strict=True)]
    points = " ".join(f"{across},{down}" for across, down in places)
    marked = places if curve.dots else places[-1:]
    dots = "".join(element("circle", class_="dot", cx=across, cy=down, r=3) for across, down in marked)
    line = element("polyline", class_="line", data_name=curve.name, points=points)
    return element("g", line + dots, class_=_series(k))


def _band(curve: Curve, frame: _Frame, k: int) -> str:
    there = [f"{frame.across(x)},{frame.down(y)}" for x, y in zip(curve.x, curve.high, strict=True)]
    back = [f"{frame.across(x)},{frame.down(y)}" for x, y in zip(curve.x, curve.low, strict=True)]
    return element("polygon", class_=f"band {_series(k)}", points=" ".join([*there, *reversed(back)]))


def _key(k: int, curve: Curve) -> str:
    drawn = element("line", class_="line", x1=0, x2=22, y1=6, y2=6)
    drawn += element("circle", class_="dot", cx=11, cy=6, r=3) if curve.dots else ""
    picture = element("svg", drawn, class_=f"key {_series(k)}", viewBox="0 0 22 12", aria_hidden="true")
    return f"<li>{picture}{esc(curve.name)}</li>"


def _series(k: int) -> str:
    """The style sheet has four colours."""
    return f"s{k % 4}"


def _mark(across: float, word: str, first: float) -> str:
    """A broken line with a word over it, which begins no further left than ``first``."""
    near_end = across > _LEFT + 0.8 * (_W - _LEFT - _RIGHT)
    place, anchor = (across + 4, "end") if near_end else (max(across - 4, first), None)
    line = element("line", class_="mark", x1=across, x2=across, y1=_TOP - 3, y2=_H - _BOTTOM)
    return line + words(word, place, 11, class_="axis", anchor=anchor)


def _y_tick(down: float, value: float) -> str:
    line = element("line", class_="grid", x1=_LEFT, x2=_W - _RIGHT, y1=down, y2=down)
    return line + words(number_text(value), _LEFT - 8, down + 4, class_="tick", anchor="end")


def _x_tick(across: float, value: float) -> str:
    return words(number_text(value), across, _H - _BOTTOM + 16, class_="tick", anchor="middle")
