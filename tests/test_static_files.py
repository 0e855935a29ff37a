"""Templates and static files fit each other, and nothing comes from elsewhere."""

import re
from pathlib import Path

import pytest

from flywheel.accounts import wheel, words

ROOT = Path(__file__).resolve().parent.parent
TEMPLATES = sorted((ROOT / "templates").rglob("*.html"))
OWN_FILES = [*TEMPLATES, *(ROOT / "static/css").glob("*"), *(ROOT / "static/js").glob("*")]
SPRITE = (ROOT / "static/vendor/tabler/icons.svg").read_text()


def _icons_in_use() -> set[str]:
    text = "\n".join(path.read_text() for path in TEMPLATES)
    found = re.findall(r'(?:{% icon |\bicon=|icon\|default:)"([a-z0-9-]+)"', text)
    return {*found, *words.ENGINE_ICONS.values(), *wheel.ICONS.values()}


def test_every_icon_in_a_template_is_in_the_sprite() -> None:
    symbols = set(re.findall(r'<symbol id="([a-z0-9-]+)"', SPRITE))
    assert _icons_in_use() <= symbols


@pytest.mark.parametrize("path", OWN_FILES, ids=lambda path: path.name)
def test_nothing_is_fetched_from_another_host(path: Path) -> None:
    assert not re.search(r"""(src|href|url\(|@import)\s*=?\s*["'(]*\s*(https?:)?//""", path.read_text())


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.name)
def test_templates_have_no_inline_scripts_or_styles(path: Path) -> None:
    text = path.read_text()
    assert not re.search(r"<style|\sstyle=|\son[a-z]+=|<script(?![^>]*\bsrc=)", text)


def test_every_vendored_package_is_listed_with_version_and_licence() -> None:
    listed = (ROOT / "static/vendor/VENDORED.md").read_text()
    pinned = re.findall(r'^[A-Z_]+ = "(@?[\w./-]+)@([\d.]+)"', (ROOT / "tools/vendor.py").read_text(), re.M)
    assert len(pinned) == 3
    for name, version in pinned:
        assert re.search(rf"\| {re.escape(name)} \| {re.escape(version)} \| \w+ \|", listed)


def test_the_chart_style_sheet_is_the_one_its_bundle_would_inject() -> None:
    from tools.vendor import plotly_css

    bundle = (ROOT / "static/vendor/plotly/plotly-cartesian.min.js").read_text()
    assert plotly_css(bundle) == (ROOT / "static/vendor/plotly/plotly.css").read_text()
