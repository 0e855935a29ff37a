"""The drawn flywheel: everything in its place, in both languages."""

import itertools
from typing import Any

import pytest
from django.template import Context, Template
from django.utils import translation

from flywheel.accounts.styleguide import wheel_state
from flywheel.accounts.wheel import Line, lay_out, text_width, wrap

SHAPES = ("wide", "narrow")
LONG = {
    "en": "A remarkably long description of what flows between two engines every single week of the year",
    "zh": "从市场拓展引擎流向客户转化引擎的每周有效访问量以及经过验证的产品市场匹配信息与本地化的用户行为洞察",
}


def _state(text: str = "") -> dict[str, Any]:
    """A complete state; with `text`, every label says it, and everything is marked weakest."""
    state = wheel_state("aftersales", link=1)
    for engine in state["engines"]:
        engine |= {"attainment_text": "91% attained", "weakest_text": "Weakest link"}
        if text:
            engine |= {"name": text, "value_text": text, "is_weakest": True}
    for link in state["links"]:
        link |= {"weakest_text": "Weakest link"}
        if text:
            link |= {"flow_text": text, "quality_text": text, "is_weakest": True}
    return state


def _overlap(one: Line, other: Line) -> bool:
    (l0, t0, r0, b0), (l1, t1, r1, b1) = one.box, other.box
    return min(r0, r1) - max(l0, l1) > 0.5 and min(b0, b1) - max(t0, t1) > 3


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("text", ["", LONG["en"], LONG["zh"]])
def test_labels_neither_touch_each_other_nor_leave_the_drawing(shape: str, text: str) -> None:
    layout = lay_out(_state(text), shape)
    for line in layout.labels:
        left, top, right, bottom = line.box
        assert min(left, top, layout.width - right, layout.height - bottom) >= 0, line
    assert not [pair for pair in itertools.combinations(layout.labels, 2) if _overlap(*pair)]


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("text", ["", LONG["en"], LONG["zh"]])
def test_labels_stay_off_the_ring(shape: str, text: str) -> None:
    layout = lay_out(_state(text), shape)
    reach = layout.radius + layout.thickness / 2
    for line in layout.labels:
        left, top, right, bottom = line.box
        dx = max(left - layout.cx, 0, layout.cx - right)
        dy = max(top - layout.cy, 0, layout.cy - bottom)
        assert dx * dx + dy * dy > reach * reach, line


def test_the_headline_shrinks_to_the_hub() -> None:
    state = _state() | {"centre": {"headline": "€1,234,567.89 a week", "caption": "value"}}
    for shape in SHAPES:
        layout = lay_out(state, shape)
        assert text_width(layout.centre[0].text, layout.centre[0].size) <= 2 * layout.hub


def test_unknown_and_zero_attainment_draw_no_fill_and_more_than_all_stops_at_the_end() -> None:
    state = _state()
    for engine, share in zip(state["engines"], (None, 0.0, 1.4), strict=True):
        engine["attainment"] = share
    fills = [segment.fill for segment in lay_out(state).segments]
    assert fills[:2] == ["", ""]
    assert fills[2] == lay_out(state).segments[2].track


def test_engines_keep_their_places_in_whatever_order_they_come() -> None:
    state = _state()
    state["engines"] = state["engines"][::-1]
    assert [segment.key for segment in lay_out(state).segments] == ["market", "conversion", "aftersales"]


def test_wrapping_loses_nothing_that_fits_and_says_when_it_does() -> None:
    assert wrap("one two three", 10, 60, most=3) == ["one two", "three"]
    assert wrap("增长飞轮转动", 10, 40) == ["增长飞轮", "转动"]
    assert wrap("one two three four", 10, 60)[-1].endswith("…")


def test_a_line_neither_ends_with_an_opening_bracket_nor_starts_with_a_closing_one() -> None:
    lines = wrap("样本太少\uff08已有\uff09", 10, 50)
    assert lines == ["样本太少", "\uff08已有\uff09"]
    assert wrap("增长飞轮转\uff0c动", 10, 50) == ["增长飞轮", "转\uff0c动"]


def test_the_drawing_names_its_weakest_part_in_words_for_those_who_do_not_see_it() -> None:
    template = Template("{% load wheel %}{% wheel state %}")
    html = template.render(Context({"state": wheel_state("aftersales")}))
    assert html.count("Weakest link") == 4  # in the description and beside the engine, in both shapes
    assert html.count("<title") == html.count("<desc") == 2
    assert "style=" not in html
    with translation.override("zh-hans"):
        assert "最薄弱" in template.render(Context({"state": wheel_state("aftersales")}))


def test_a_wheel_without_a_verdict_marks_nothing() -> None:
    html = Template("{% load wheel %}{% wheel state %}").render(Context({"state": wheel_state(None)}))
    assert "Weakest" not in html
    assert "is-weakest" not in html
