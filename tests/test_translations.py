"""The Chinese catalogue: whole, current, and safe to fill in."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog, Message
from babel.messages.pofile import read_po
from django.contrib.auth.password_validation import MinimumLengthValidator
from django.core.exceptions import ValidationError
from django.utils.translation import override

from engines.kpi import KPIS

ROOT = Path(__file__).parents[1]
CATALOGUE = Path("locale/zh_Hans/LC_MESSAGES/django.po")
SOURCES = ("engines", "flywheel", "templates", "tools")
PLACEHOLDER = re.compile(r"%\(\w+\)[a-z]|%[ds](?!\.)|\{\w*\}")  # not the "%d." of a date pattern
LATIN_PUNCTUATION = re.compile(r"[\u4e00-\u9fff] ?[,;:?!()]|[()] ?[\u4e00-\u9fff]|[「」]")
RENAMED = re.compile(r"\bn?p?gettext\w* as (?!_\b)\w+")


def read(path: Path) -> Catalog:
    with path.open("rb") as file:
        return read_po(file, locale="zh_Hans")


def messages(catalogue: Catalog) -> list[Message]:
    return [message for message in catalogue if message.id]


def forms(text: str | tuple[str, ...] | list[str]) -> tuple[str, ...]:
    """A text's plural forms; the text alone when it has none."""
    return (text,) if isinstance(text, str) else tuple(text)


def chinese() -> Iterator[str]:
    """Every Chinese text of the interface."""
    for message in messages(read(ROOT / CATALOGUE)):
        yield from forms(message.string)
    for kpi in KPIS.values():
        yield from (words.zh for words in (kpi.name, kpi.definition, kpi.source, kpi.owner))


def keys(catalogue: Catalog) -> set[tuple[str | None, tuple[str, ...]]]:
    return {(message.context, forms(message.id)) for message in messages(catalogue)}


def fills_alike(message: Message) -> bool:
    """Whether each form of the translation takes what the text takes, and no lone % would break the filling in."""
    wanted = set(PLACEHOLDER.findall(forms(message.id)[-1]))
    filled = bool(wanted) or "%%" in forms(message.id)[-1]
    for text in forms(message.string):
        lone = "%" in PLACEHOLDER.sub("", text).replace("%%", "")
        if set(PLACEHOLDER.findall(text)) != wanted or (filled and lone):
            return False
    return True


def test_every_text_is_translated_and_none_is_guessed():
    missing = [m.id for m in messages(read(ROOT / CATALOGUE)) if m.fuzzy or not all(forms(m.string))]
    assert missing == []


def test_a_translation_has_the_placeholders_of_its_text():
    assert [m.id for m in messages(read(ROOT / CATALOGUE)) if not fills_alike(m)] == []


@pytest.mark.parametrize(
    ("text", "translation"),
    [("%(n)s days", "天"), ("%(n)s days", "%(m)s 天"), ("95 %% of %(n)s", "%(n)s 的 95% "), ("{n} days", "天")],
)
def test_a_translation_that_cannot_be_filled_in_is_noticed(text, translation):
    assert not fills_alike(Message(text, translation))


def test_chinese_texts_use_chinese_punctuation():
    assert [text for text in chinese() if LATIN_PUNCTUATION.search(text)] == []


def test_a_short_password_is_refused_in_chinese():
    with override("zh-hans"), pytest.raises(ValidationError) as refused:
        MinimumLengthValidator(10).validate("123")
    assert refused.value.messages == ["密码太短，至少需要 10 个字符。"]


def test_translation_functions_keep_names_that_the_collecting_tool_knows():
    renamed = [path for path in (ROOT / "flywheel").rglob("*.py") if RENAMED.search(path.read_text(encoding="utf-8"))]
    assert renamed == []


@pytest.mark.skipif(not shutil.which("xgettext"), reason="needs gettext's xgettext to collect the texts")
def test_every_text_in_the_source_is_in_the_catalogue(tmp_path):
    for name in SOURCES:
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    (tmp_path / CATALOGUE).parent.mkdir(parents=True)
    shutil.copy(ROOT / CATALOGUE, tmp_path / CATALOGUE)
    surroundings = {name: value for name, value in os.environ.items() if name != "DJANGO_SETTINGS_MODULE"}
    collect = [sys.executable, "-m", "django", "makemessages", "--locale=zh_Hans", "--no-location", "--no-wrap"]
    subprocess.run(collect, cwd=tmp_path, check=True, capture_output=True, env=surroundings)
    assert keys(read(tmp_path / CATALOGUE)) - keys(read(ROOT / CATALOGUE)) == set()
