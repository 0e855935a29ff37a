"""What the articles of the demo's catalogue are called."""

from flywheel.demo.goods import CATEGORIES

KINDS = {
    "jackets": "jacket",
    "tents": "tent",
    "backpacks": "backpack",
    "footwear": "boots",
    "cooking": "stove",
    "accessories": "headlamp",
}
SERIES = ("Bris", "Fjord", "Granit", "Kust", "Myr", "Nord", "Skog", "Topp")  # the further on, the dearer


def article_names(count: int) -> list[str]:
    """The names of the first `count` articles: a series, and what kind of thing it is."""
    names = []
    for article in range(count):
        series, number = divmod(article // len(CATEGORIES), len(SERIES))
        mark = f" {series + 1}" if series else ""
        names.append(f"{SERIES[number]}{mark} {KINDS[CATEGORIES[article % len(CATEGORIES)]]}")
    return names
