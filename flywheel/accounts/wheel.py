"""Where everything of the drawn flywheel goes: a plain state in, coordinates out. The template only writes them down.

The ring runs clockwise: market (top) → conversion (lower right) → after-sales (lower left) → market. Every label has a
zone of its own and is wrapped to that zone's width, so labels cannot touch each other in any language.
"""

import math
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import count
from typing import Any

CENTRES = {"market": -90.0, "conversion": 30.0, "aftersales": 150.0}  # degrees, clockwise from three o'clock
HALF_SPAN = 40.0  # of an engine's arc; what is left between two arcs is the link's
NOT_FIRST = " \uff09\uff0c\u3002\uff1b\uff1a\uff1f\uff01\u3001\u300d\u201d)"  # never at the start of a line
NOT_LAST = "\uff08\u300c\u201c("  # never at its end
TEXT_SIGN = "\ufe0e"  # asks for a sign in the text's own colour; has no width
SMALLEST_HEADLINE = 12.0  # below it the figure cannot be read on a phone
TOP_ROOM = 340.0  # width of the labels above and below the wide ring


@dataclass(frozen=True)
class Line:
    """One line of text: `x`, `y` of its base line, its font size, and the class that gives it its look."""

    text: str
    x: float
    y: float
    size: float
    look: str
    anchor: str

    @property
    def box(self) -> tuple[float, float, float, float]:
        """Left, top, right, bottom; the width is estimated on the safe side."""
        width = text_width(self.text, self.size)
        left = {"start": self.x, "middle": self.x - width / 2, "end": self.x - width}[self.anchor]
        return left, self.y - self.size, left + width, self.y + self.size * 0.3


@dataclass(frozen=True)
class Segment:
    """One engine on the ring. `fill` is the attained part of `track`, empty when attainment is unknown or zero."""

    key: str
    track: str
    fill: str
    outline: str
    icon: str
    icon_x: float
    icon_y: float
    warn_x: float
    warn_y: float
    is_weakest: bool
    lines: tuple[Line, ...]

    @property
    def mark_y(self) -> float:
        """Middle of the first line, where a row's mark goes."""
        return self.lines[0].y - self.lines[0].size * 0.35


@dataclass(frozen=True)
class Arrow:
    """One hand-off between two engines: its arc, its arrow head, its number on the ring and its words."""

    number: int
    path: str
    head: str
    x: float
    y: float
    is_weakest: bool
    lines: tuple[Line, ...]

    @property
    def mark_y(self) -> float:
        """Middle of the first line, where a row's mark goes."""
        return self.lines[0].y - self.lines[0].size * 0.35


@dataclass(frozen=True)
class Layout:
    """Everything that is drawn, in the units of `width` × `height`."""

    shape: str
    width: float
    height: float
    cx: float
    cy: float
    radius: float
    thickness: float
    segments: tuple[Segment, ...]
    arrows: tuple[Arrow, ...]
    centre: tuple[Line, ...]
    ticks: tuple[str, ...]
    hub: float
    inner: float

    @property
    def labels(self) -> list[Line]:
        """Every line of text outside the hub."""
        of_engines = [line for segment in self.segments for line in segment.lines]
        return of_engines + [line for arrow in self.arrows for line in arrow.lines]


@dataclass(frozen=True)
class _Frame:
    """Sizes of one shape of the drawing."""

    shape: str
    width: float
    cx: float
    cy: float
    radius: float
    thickness: float
    name: float
    value: float
    small: float


WIDE = _Frame("wide", 820, 410, 268, 158, 30, name=16, value=26, small=13.5)
NARROW = _Frame("narrow", 360, 180, 150, 108, 22, name=14.5, value=20, small=12.5)
ICONS = {"market": "world", "conversion": "shopping-cart", "aftersales": "heart-handshake"}


def text_width(text: str, size: float) -> float:
    """A safe estimate of a text's width: one em for wide characters, 0.64 em for the others."""
    return sum(size * (1.0 if _is_wide(c) else 0.64) for c in text if c != TEXT_SIGN)


def wrap(text: str, size: float, width: float, most: int = 2) -> list[str]:
    """The text in at most `most` lines no wider than `width`; what does not fit ends in "…"."""
    lines: list[str] = []
    current = ""
    for token in _tokens(text):
        if current and text_width((current + token).rstrip(), size) > width:
            lines.append(current.rstrip())
            current = token.lstrip()
        else:
            current += token
    lines.append(current.rstrip())
    kept = [line for line in lines if line][:most]
    if len(lines) > most:
        kept[-1] += "…"
    return [_shorten(line, size, width) for line in kept]


def _tokens(text: str) -> list[str]:
    """Pieces between which a line may break: after a space, and around a wide character that is no bracket or stop."""
    tokens: list[str] = []
    for character in text:
        joins = bool(tokens) and (
            character in NOT_FIRST
            or tokens[-1][-1] in NOT_LAST
            or (not _is_wide(character) and not _is_wide(tokens[-1][-1]) and tokens[-1][-1] != " ")
        )
        if joins:
            tokens[-1] += character
        else:
            tokens.append(character)
    return tokens


def _is_wide(character: str) -> bool:
    return unicodedata.east_asian_width(character) in "WF"


def _shorten(line: str, size: float, width: float) -> str:
    """The line cut to fit, with "…" when it was cut."""
    if text_width(line, size) <= width:
        return line
    line = line.rstrip("…")
    while line and text_width(line + "…", size) > width:
        line = line[:-1]
    return line.rstrip() + "…"


def lay_out(state: Mapping[str, Any], shape: str = "wide") -> Layout:
    """The drawing of `state` in the shape "wide" (labels beside the ring) or "narrow" (labels below it, for a phone).

    `state` holds `engines` (key, name, attainment 0-1 or None, attainment_text, value_text, is_weakest, weakest_text),
    three `links` in the order of the ring (source, target, flow_text, quality_text, is_weakest, weakest_text) and
    `centre` (headline, caption).
    """
    engines = sorted(state["engines"], key=lambda e: list(CENTRES).index(e["key"]))
    frame = _frame(shape, engines[0])
    engine_lines, link_lines, height = _labels(frame, engines, state["links"])
    return Layout(
        shape=frame.shape,
        width=frame.width,
        height=height,
        cx=frame.cx,
        cy=frame.cy,
        radius=frame.radius,
        thickness=frame.thickness,
        segments=tuple(_segment(frame, e, lines) for e, lines in zip(engines, engine_lines, strict=True)),
        arrows=tuple(map(partial(_arrow, frame), count(1), state["links"], link_lines)),
        centre=_centre(frame, state["centre"]),
        ticks=_ticks(frame),
        hub=frame.radius - frame.thickness / 2 - 24,
        inner=frame.radius - frame.thickness / 2 - 10,
    )


def _frame(shape: str, top_engine: Mapping[str, Any]) -> _Frame:
    """The sizes of a shape; the wide ring moves down when the label above it needs more lines."""
    if shape != "wide":
        return NARROW
    above = _column(_engine_texts(WIDE, top_engine), 0, 0, "middle", TOP_ROOM)[1]
    return replace(WIDE, cy=above + 20 + WIDE.radius + WIDE.thickness / 2 + 6)


def _on_ring(frame: _Frame, degrees: float, radius: float) -> tuple[float, float]:
    angle = math.radians(degrees)
    return round(frame.cx + radius * math.cos(angle), 2), round(frame.cy + radius * math.sin(angle), 2)


def _arc(frame: _Frame, start: float, end: float, radius: float) -> str:
    """Path data of a clockwise arc."""
    (x0, y0), (x1, y1) = _on_ring(frame, start, radius), _on_ring(frame, end, radius)
    return f"M{x0:g} {y0:g}A{radius:g} {radius:g} 0 {int(end - start > 180)} 1 {x1:g} {y1:g}"


def _segment(frame: _Frame, engine: Mapping[str, Any], lines: Sequence[Line]) -> Segment:
    middle = CENTRES[engine["key"]]
    start, end = middle - HALF_SPAN, middle + HALF_SPAN
    share = engine["attainment"]
    filled = start + (end - start) * min(max(share or 0.0, 0.0), 1.0)
    icon_x, icon_y = _on_ring(frame, middle, frame.radius)
    warn_x, warn_y = _on_ring(frame, middle + 17, frame.radius + frame.thickness * 0.72)
    return Segment(
        key=engine["key"],
        track=_arc(frame, start, end, frame.radius),
        fill=_arc(frame, start, filled, frame.radius) if share else "",
        outline=_outline(frame, start, end),
        icon=ICONS[engine["key"]],
        icon_x=icon_x,
        icon_y=icon_y,
        warn_x=warn_x,
        warn_y=warn_y,
        is_weakest=engine["is_weakest"],
        lines=tuple(lines),
    )


def _outline(frame: _Frame, start: float, end: float) -> str:
    """A closed band around an engine's arc, with round ends."""
    reach = frame.thickness / 2 + 6
    outer, inner = frame.radius + reach, frame.radius - reach
    (x0, y0), (x1, y1) = _on_ring(frame, start, outer), _on_ring(frame, end, outer)
    (x2, y2), (x3, y3) = _on_ring(frame, end, inner), _on_ring(frame, start, inner)
    cap = f"A{reach:g} {reach:g} 0 0 1"
    return (
        f"M{x0:g} {y0:g}A{outer:g} {outer:g} 0 0 1 {x1:g} {y1:g}{cap} {x2:g} {y2:g}"
        f"A{inner:g} {inner:g} 0 0 0 {x3:g} {y3:g}{cap} {x0:g} {y0:g}Z"
    )


def _arrow(frame: _Frame, number: int, link: Mapping[str, Any], lines: Sequence[Line]) -> Arrow:
    gap = CENTRES[link["source"]] + 60
    cap = math.degrees((frame.thickness / 2 + 7) / frame.radius)  # arcs' round ends and outline reach into the gap
    start, end = gap - 60 + HALF_SPAN + cap + 2, gap + 60 - HALF_SPAN - cap - 2
    tip, wing = _on_ring(frame, end, frame.radius), 6.5 if frame.shape == "wide" else 5.5
    heading = math.radians(end + 90 - 4)
    head = " ".join(
        f"{tip[0] + wing * math.cos(heading + turn):.2f},{tip[1] + wing * math.sin(heading + turn):.2f}"
        for turn in (0.0, 2.4, -2.4)
    )
    x, y = _on_ring(frame, gap, frame.radius + frame.thickness / 2 + (13 if frame.shape == "wide" else 11))
    path = _arc(frame, start, end, frame.radius)
    return Arrow(number, path, head, x, y, link["is_weakest"], tuple(lines))


def _centre(frame: _Frame, centre: Mapping[str, str]) -> tuple[Line, ...]:
    """The growth figure, shrunk to the hub when long, and its caption."""
    room = 2 * (frame.radius - frame.thickness / 2 - 24) - 34
    size = 38.0 if frame.shape == "wide" else 26.0
    while size > SMALLEST_HEADLINE and text_width(centre["headline"], size) > room:
        size -= 1
    headline = Line(
        _shorten(centre["headline"], size, room), frame.cx, frame.cy + size * 0.2, size, "headline", "middle"
    )
    caption = _stack(centre["caption"], frame.cx, frame.cy + size * 0.2 + 10, frame.small, "caption", "middle", room)
    return (headline, *caption[0])


def _ticks(frame: _Frame) -> tuple[str, ...]:
    """Short strokes around the hub that turn slowly."""
    radius = frame.radius - frame.thickness / 2 - 10
    marks = []
    for i in range(60):
        (x0, y0), (x1, y1) = (_on_ring(frame, 6.0 * i, r) for r in (radius - (5 if i % 5 else 8), radius))
        marks.append(f"M{x0:g} {y0:g}L{x1:g} {y1:g}")
    return tuple(marks)


def _stack(
    text: str, x: float, top: float, size: float, look: str, anchor: str, width: float, most: int = 3
) -> tuple[list[Line], float]:
    """Lines of one text set below `top`, and where the next text may start."""
    lines = []
    for piece in wrap(text, size, width, most) if text else []:
        top += size * 1.3
        lines.append(Line(piece, x, round(top - size * 0.25, 2), size, look, anchor))
    return lines, top


def _engine_texts(frame: _Frame, engine: Mapping[str, Any]) -> list[tuple[str, float, str]]:
    weakest = [(engine["weakest_text"], frame.small, "weakest")] if engine["is_weakest"] else []
    return [
        *weakest,
        (engine["name"], frame.name, "name"),
        (engine["attainment_text"], frame.small, "value"),
        (engine["value_text"], frame.small, "note"),
    ]


def _link_texts(frame: _Frame, link: Mapping[str, Any]) -> list[tuple[str, float, str]]:
    weakest = [(link["weakest_text"], frame.small, "weakest")] if link["is_weakest"] else []
    return [*weakest, (link["flow_text"], frame.small, "flow"), (link["quality_text"], frame.small, "quality")]


def _column(
    texts: Sequence[tuple[str, float, str]], x: float, top: float, anchor: str, width: float
) -> tuple[list[Line], float]:
    """Several texts below each other, and where the column ends."""
    lines: list[Line] = []
    for text, size, look in texts:
        more, top = _stack(text, x, top, size, look, anchor, width)
        lines += more
    return lines, top


def _labels(
    frame: _Frame, engines: Sequence[Mapping[str, Any]], links: Sequence[Mapping[str, Any]]
) -> tuple[list[list[Line]], list[list[Line]], float]:
    """The lines of each engine and link, and the drawing's height."""
    return (_labels_beside if frame.shape == "wide" else _labels_below)(frame, engines, links)


def _labels_beside(
    frame: _Frame, engines: Sequence[Mapping[str, Any]], links: Sequence[Mapping[str, Any]]
) -> tuple[list[list[Line]], list[list[Line]], float]:
    """Labels around the ring: market above, its link at the upper right, conversion at the lower right, and so on."""
    right, left = frame.cx + frame.radius + 48, frame.cx - frame.radius - 48
    side = frame.width - right - 4
    upper, lower, bottom = frame.cy - frame.radius * 0.85, frame.cy + frame.radius * 0.18, frame.cy + frame.radius + 34
    names = [
        _column(_engine_texts(frame, engines[0]), frame.cx, 0, "middle", TOP_ROOM)[0],
        _column(_engine_texts(frame, engines[1]), right, lower, "start", side)[0],
        _column(_engine_texts(frame, engines[2]), left, lower, "end", side)[0],
    ]
    below, end = _column(_link_texts(frame, links[1]), frame.cx, bottom, "middle", TOP_ROOM)
    flows = [
        _column(_link_texts(frame, links[0]), right, upper, "start", side)[0],
        below,
        _column(_link_texts(frame, links[2]), left, upper, "end", side)[0],
    ]
    return names, flows, end + 12


def _labels_below(
    frame: _Frame, engines: Sequence[Mapping[str, Any]], links: Sequence[Mapping[str, Any]]
) -> tuple[list[list[Line]], list[list[Line]], float]:
    """Labels in rows under the ring: the engines, then the numbered links."""
    top, width = frame.cy + frame.radius + frame.thickness / 2 + 34, frame.width - 44
    names, flows = [], []
    for engine in engines:
        lines, top = _column(_engine_texts(frame, engine), 36, top, "start", width)
        names.append(lines)
        top += 10
    top += 6
    for link in links:
        lines, top = _column(_link_texts(frame, link), 36, top, "start", width)
        flows.append(lines)
        top += 10
    return names, flows, top
