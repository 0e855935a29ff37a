"""The drawing of the paths: nodes from left to right, ribbons in proportion, names in two lines."""

import pytest

from flywheel.conversion import path_flow


def point(key, visits, exits):
    return {"key": key, "visits": visits, "exits": exits}


def move(source, target, count, paid=0):
    return {"source": source, "target": target, "count": count, "paid": paid, "share": 0.5}


def test_the_flow_chart_runs_from_left_to_right_and_keeps_proportions():
    drawn = path_flow.lay_out({"sessions": 100, "points": [point("home", 80, 40), point("carts", 40, 40)], "flows": [
        move("(entry)", "home", 80), move("(entry)", "carts", 20), move("home", "carts", 20, 15),
        move("home", "(exit)", 40), move("carts", "home", 5),
    ]})  # fmt: skip
    start, home, carts = drawn["nodes"]
    assert start.x < home.x < carts.x
    assert home.height / start.height == pytest.approx(0.8)
    assert home.left / home.height == pytest.approx(0.5)
    assert [r["count"] for r in drawn["ribbons"]] == [80, 20, 20]  # onward only
    assert [r["is_paid"] for r in drawn["ribbons"]] == [False, False, True]
    assert drawn["drawn"] == pytest.approx(120 / 125)
    assert start.sent <= start.height + 1e-9
    assert carts.received <= carts.height + 1e-9


def test_a_long_name_of_a_touch_point_takes_two_lines():
    drawn = path_flow.lay_out(
        {"sessions": 60, "points": [point("a very long name that never ends", 60, 60)], "flows": []}
    )
    assert [line for _y, line in drawn["nodes"][1].names] == ["a very long", "name that neve…"]
    assert drawn["drawn"] is None
