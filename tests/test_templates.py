"""The templates to fill in: as they come they are recognised and load, in both languages and both formats."""

import csv
import io
import zipfile
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.test import Client
from django.urls import reverse
from django.utils import translation
from python_calamine import CalamineWorkbook

from flywheel.accounts.models import User, Workspace
from flywheel.environment import BASE_DIR
from flywheel.intake.guide import page
from flywheel.intake.kinds import KINDS
from flywheel.intake.plans import by_header
from flywheel.intake.reading import sample
from flywheel.intake.recognising import guess
from flywheel.intake.templates import FORMS, all_templates, template_csv, template_of, template_xlsx
from tests.builders import load_plan

pytestmark = pytest.mark.django_db
LANGUAGES = [code for code, _name in settings.LANGUAGES]


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("kind", KINDS)
def test_a_template_is_recognised_and_loads_as_it_comes(
    workspace: Workspace, tmp_path: Path, kind: str, language: str
) -> None:
    path = tmp_path / "template.csv"
    with translation.override(language):
        path.write_bytes(template_csv(KINDS[kind]))
    found = guess(workspace, sample(path, 1)[0])
    assert found is not None
    assert (found.plans[0].kind.slug, found.name) == (kind, "")
    batch = load_plan(workspace, path, found.plans)
    assert (batch.state, batch.added) == ("loaded", 2), list(batch.errors.values())


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("kind", KINDS)
def test_every_column_of_a_template_is_read(kind: str, language: str) -> None:
    with translation.override(language):
        header = template_of(KINDS[kind]).rows[0]
    assert set(by_header(KINDS[kind], header).columns.values()) == set(header)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("kind", KINDS)
def test_a_workbook_holds_the_rows_of_the_csv_file_and_explains_them(kind: str, language: str) -> None:
    with translation.override(language):
        rows = list(csv.reader(io.StringIO(template_csv(KINDS[kind]).decode("utf-8-sig"))))
        data, explained = sheets(template_xlsx(KINDS[kind]))
    assert data[0] == rows[0]
    assert [[as_text(cell) for cell in row] for row in data[1:]] == [
        [without_zeros(c) for c in row] for row in rows[1:]
    ]
    assert [row[0] for row in explained[4:]] == rows[0]


def sheets(content: bytes) -> list[list[list[Any]]]:
    book = CalamineWorkbook.from_filelike(io.BytesIO(content))
    return [book.get_sheet_by_name(name).to_python() for name in book.sheet_names]


def as_text(cell: object) -> str:
    return f"{cell:g}" if isinstance(cell, float) else str(cell)


def without_zeros(cell: str) -> str:
    try:
        return f"{float(cell):g}"
    except ValueError:
        return cell


def test_numbers_of_a_workbook_are_numbers_and_ids_and_dates_are_text() -> None:
    rows = sheets(template_xlsx(KINDS["order_lines"]))[0]
    first = dict(zip(rows[0], rows[1], strict=True))
    assert (first["line"], first["quantity"], first["price"]) == ("1", 1.0, 50.0)
    assert sheets(template_xlsx(KINDS["traffic"]))[0][1][0] == "2026-03-02"


def test_every_header_cell_of_a_workbook_has_a_note() -> None:
    book = zipfile.ZipFile(io.BytesIO(template_xlsx(KINDS["orders"])))
    notes = book.read("xl/comments1.xml").decode()
    assert notes.count("<comment ") == len(KINDS["orders"].columns)
    assert "An e-mail address is never stored" in notes


def test_a_chinese_template_has_chinese_words_throughout() -> None:
    with translation.override("zh-hans"):
        rows = template_of(KINDS["investments"]).rows
    assert rows[0][:2] == ["月份", "引擎"]
    assert rows[1][1] == "市场拓展"


def test_a_template_of_offers_has_a_column_per_scored_attribute() -> None:
    assert template_of(KINDS["competitor_offers"]).rows[0][-2:] == ["score: design", "score: durability"]


def test_every_type_of_column_is_explained() -> None:
    assert {column.type for kind in KINDS.values() for column in kind.columns} == FORMS.keys()


@pytest.mark.parametrize(("name", "start"), [("import-template", b"\xef\xbb\xbf"), ("import-template-workbook", b"PK")])
def test_a_reader_downloads_a_template(client: Client, reader: User, name: str, start: bytes) -> None:
    client.force_login(reader)
    answer = client.get(reverse(name, args=["acme", "spend"]))
    assert answer.content.startswith(start)
    assert 'filename="spend.' in answer["Content-Disposition"]
    assert client.get(reverse(name, args=["acme", "nothing"])).status_code == 404


def test_the_page_offers_every_template_and_lists_its_columns(client: Client, reader: User) -> None:
    client.force_login(reader)
    shown = client.get(reverse("import-list", args=["acme"])).content.decode()
    for template in all_templates():
        for name in ("import-template", "import-template-workbook"):
            assert reverse(name, args=["acme", template.kind.slug]) in shown
    assert '<code translate="no">unsubscribed</code>' in shown


def test_the_guide_lists_every_kind_and_column() -> None:
    written = (BASE_DIR / "docs" / "data.md").read_text(encoding="utf-8")
    assert written == page(), "manage.py describe_data > docs/data.md"
    for kind in KINDS.values():
        section = written.split(f"\n`{kind.slug}`: ")[1].split("\n## ")[0]
        named = {name for name in kind.by_name if f"| `{name}` |" in section}
        assert named == kind.by_name.keys() - (kind.named.fields if kind.named else set())
