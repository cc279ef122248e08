"""SVG elements as text: attributes escaped, numbers short.

What is drawn is left to ``report.charts`` and ``report.confusion``; colours come from the page's style sheet.
"""

from report.tables import esc


def element(tag: str, content: str = "", **attributes: object) -> str:
    """One element; ``content`` is markup already, attributes are not.

    Args:
        tag: its name.
        content: what stands inside.
        attributes: by name; ``class_`` is class, other underscores are hyphens; None leaves one out.

    >>> element("rect", x=1.26, class_="a<b", fill_opacity=0.5)
    '<rect x="1.3" class="a&lt;b" fill-opacity="0.5"/>'
    """
    parts = [tag]
    for name, value in attributes.items():
        if value is not None:
            parts.append(f'{"class" if name == "class_" else name.replace("_", "-")}="{esc(_short(value))}"')
    opened = " ".join(parts)
    return f"<{opened}>{content}</{tag}>" if content else f"<{opened}/>"


def words(text: str, x: float, y: float, *, class_: str, anchor: str | None = None, turn: float = 0) -> str:
    """A text that begins, ends or has its middle at a place, turned by so many degrees about it.

    >>> words("a & b", 1, 2, class_="axis")
    '<text class="axis" x="1" y="2">a &amp; b</text>'
    """
    place = {"transform": f"translate({x:.1f} {y:.1f}) rotate({turn:.0f})"} if turn else {"x": x, "y": y}
    return element("text", esc(text), class_=class_, **place, text_anchor=anchor)


def _short(value: object) -> object:
    return f"{value:.1f}".removesuffix(".0") if isinstance(value, float) else value
