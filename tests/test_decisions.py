"""The decision records: one number each, all in the index, none too long to be read."""

import re
from collections import Counter

from flywheel.environment import BASE_DIR

FOLDER = BASE_DIR / "docs" / "decisions"
RECORDS = sorted(path for path in FOLDER.glob("*.md") if path.name != "README.md")
LONGEST = 40


def test_no_number_is_given_twice():
    assert [number for number, count in Counter(path.name[:4] for path in RECORDS).items() if count > 1] == []


def test_a_record_is_headed_by_its_number():
    wrong = [path.name for path in RECORDS if not path.read_text().startswith(f"# {int(path.name[:4])}. ")]
    assert wrong == []


def test_the_index_holds_every_record_under_its_title():
    rows = re.findall(r"^\| \[(\d+)\]\((.+)\) \| (.+) \|$", (FOLDER / "README.md").read_text(), re.MULTILINE)
    titles = [(path.name, path.read_text().splitlines()[0]) for path in RECORDS]
    assert [(name, f"# {number}. {title}") for number, name, title in rows] == titles


def test_no_record_is_longer_than_a_page():
    assert [path.name for path in RECORDS if len(path.read_text().splitlines()) >= LONGEST] == []
