"""What the articles of the demo's catalogue are called, and which of them customers like to take together.

Which article a line is about changes nothing of its price, so all amounts stay what they are.
"""

import numpy as np

from flywheel.demo.funnel import Ints
from flywheel.demo.goods import CATEGORIES, Lines

SEED = 11
KINDS = {
    "jackets": "jacket",
    "tents": "tent",
    "backpacks": "backpack",
    "footwear": "boots",
    "cooking": "stove",
    "accessories": "headlamp",
}
SERIES = ("Bris", "Fjord", "Granit", "Kust", "Myr", "Nord", "Skog", "Topp")  # the further on, the dearer
TOGETHER = {24: 27, 25: 22, 26: 23, 19: 17, 20: 21, 31: 28, 30: 29}  # article -> what is taken with it; alike in price
TAKEN = 0.7  # share of orders of such an article and of another line where that line is its companion


def article_names(count: int) -> list[str]:
    """The names of the first `count` articles: a series, and what kind of thing it is."""
    names = []
    for article in range(count):
        number, kind = divmod(article, len(CATEGORIES))
        again, series = divmod(number, len(SERIES))
        mark = f" {again + 1}" if again else ""
        names.append(f"{SERIES[series]}{mark} {KINDS[CATEGORIES[kind]]}")
    return names


def with_companions(lines: Lines) -> Ints:
    """The article of each line, many a second line being the companion of its order's first one."""
    rng = np.random.Generator(np.random.PCG64(SEED))
    draw = rng.random(len(lines.article))
    companion = np.full(max(int(lines.article.max(initial=0)) + 1, max(TOGETHER) + 1), -1)
    companion[list(TOGETHER)] = list(TOGETHER.values())
    first = np.flatnonzero(lines.number == 1)
    of_first = companion[lines.article[first][np.searchsorted(lines.order[first], lines.order)]]
    taken = (lines.number == 2) & (of_first >= 0) & (draw < TAKEN)
    return np.where(taken, of_first, lines.article)
