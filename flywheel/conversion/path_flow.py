"""The flow chart of a path map: touch points as columns from left to right, flows as ribbons between them.

Drawing only: the counts are those of engines.paths, kept as plain data.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from engines.conversion import STAGES
from engines.paths import ENTRY, EXIT
from flywheel.accounts.templatetags.formats import number, percent
from flywheel.conversion.words import touch_point

Json = Mapping[str, Any]
WIDTH, TOP, BODY = 960.0, 46.0, 250.0  # of the drawing; BODY is the height of the column with most visits
BAR, GAP, FOOT = 14.0, 38.0, 26.0  # width of a touch point; room between two; room for the words below the last
LEAST = 2.0  # the least height, so that a rare touch point can be seen
LINE_CHARACTERS = 15  # of a name in one line
LINE_HEIGHT = 13.0
MIN_EXIT_SHARE = 0.005  # smaller shares have no words


@dataclass
class Node:
    """A touch point: its place and height; `left`, the height of the sessions that ended there, is its lower end."""

    key: str
    column: int
    visits: float
    exits: float
    x: float = 0.0
    y: float = 0.0
    height: float = 0.0
    left: float = 0.0
    names: list[tuple[float, str]] = field(default_factory=list)
    sent: float = 0.0
    received: float = 0.0

    @property
    def count(self) -> str:
        """The visits in words."""
        return number(self.visits)

    @property
    def exit_words(self) -> str:
        """The share of visits that ended the session, in words, unless hardly any did."""
        share = self.exits / self.visits if self.visits else 0.0
        return percent(share, 0) if share >= MIN_EXIT_SHARE else ""

    @property
    def middle(self) -> float:
        """The middle of the bar."""
        return self.x + BAR / 2

    @property
    def foot(self) -> float:
        """Where the words below the bar stand."""
        return self.y + self.height + LINE_HEIGHT

    @property
    def left_y(self) -> float:
        """Where the part that ended begins."""
        return self.y + self.height - self.left


def lay_out(found: Json) -> dict[str, Any]:
    """The drawing of a path map: width, height, nodes, ribbons (an SVG path and words each), share of moves drawn."""
    nodes = _nodes(found)
    columns = sorted({node.column for node in nodes})
    scale = BODY / max((sum(n.visits for n in nodes if n.column == c) for c in columns), default=1.0)
    step = (WIDTH - 110) / max(len(columns) - 1, 1)
    for at, column in enumerate(columns):
        _stack([n for n in nodes if n.column == column], 50 + at * step, scale)
    flows = [f for f in found["flows"] if f["target"] != EXIT]
    ribbons = _ribbons(flows, {n.key: n for n in nodes}, scale)
    drawn = sum(r["count"] for r in ribbons)
    return {
        "width": WIDTH,
        "height": max((n.foot for n in nodes), default=TOP) + FOOT / 2,
        "bar": BAR,
        "nodes": nodes,
        "ribbons": ribbons,
        "drawn": drawn / total if (total := sum(f["count"] for f in flows)) else None,
    }


def _nodes(found: Json) -> list[Node]:
    """The start, touch points that are no stage in one column, stages in their order, each in a column of its own."""
    start = Node(ENTRY, 0, float(found["sessions"]), 0.0)
    return [start, *(Node(p["key"], _column(p["key"]), p["visits"], p["exits"]) for p in found["points"])]


def _column(key: str) -> int:
    return 2 + STAGES.index(key) if key in STAGES else 1


def _stack(nodes: Sequence[Node], x: float, scale: float) -> None:
    y = TOP
    for node in nodes:
        node.height = max(node.visits * scale, LEAST)
        node.left = min(node.exits * scale, node.height)
        lines = _lines(touch_point(node.key))
        y += LINE_HEIGHT * (len(lines) - 1)
        node.x, node.y = x, y
        node.names = [(y - 18 - LINE_HEIGHT * (len(lines) - 1 - at), line) for at, line in enumerate(lines)]
        y += node.height + GAP + LINE_HEIGHT


def _lines(name: str) -> list[str]:
    """A name in one line or two, a long one cut."""
    if len(name) <= LINE_CHARACTERS:
        return [name]
    cut = name.rfind(" ", 0, LINE_CHARACTERS + 1)
    first, rest = (name[:cut], name[cut + 1 :]) if cut > 0 else (name[:LINE_CHARACTERS], name[LINE_CHARACTERS:])
    return [first, rest if len(rest) <= LINE_CHARACTERS else rest[: LINE_CHARACTERS - 1] + "…"]


def _ribbons(flows: Sequence[Json], nodes: Mapping[str, Node], scale: float) -> list[dict[str, Any]]:
    """The flows that go on to a later column, from the top of one bar to the top of the next."""
    onward = [(nodes[f["source"]], nodes[f["target"]], f) for f in flows if {f["source"], f["target"]} <= nodes.keys()]
    onward = [(a, b, f) for a, b, f in onward if b.column > a.column]
    onward.sort(key=lambda item: (item[0].column, item[0].y, item[1].y, item[1].column))
    return [_ribbon(source, target, flow, flow["count"] * scale) for source, target, flow in onward]


def _ribbon(source: Node, target: Node, flow: Json, thick: float) -> dict[str, Any]:
    x1, x2 = source.x + BAR, target.x
    y1, y2, bend = source.y + source.sent, target.y + target.received, (x1 + x2) / 2
    source.sent += thick
    target.received += thick
    path = (f"M{x1:.1f} {y1:.1f}C{bend:.1f} {y1:.1f} {bend:.1f} {y2:.1f} {x2:.1f} {y2:.1f}V{y2 + thick:.1f}"
            f"C{bend:.1f} {y2 + thick:.1f} {bend:.1f} {y1 + thick:.1f} {x1:.1f} {y1 + thick:.1f}Z")  # fmt: skip
    words = f"{touch_point(source.key)} → {touch_point(target.key)}: {number(flow['count'])}"
    return {"path": path, "words": words, "count": flow["count"], "is_paid": flow["paid"] >= flow["count"] / 2}
