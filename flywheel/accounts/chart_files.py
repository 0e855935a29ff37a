"""The table behind a chart as a file: the page's own address, with `chart` and `file` added to what is chosen there."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, TypeGuard

from django.http import Http404, HttpRequest, HttpResponse

from flywheel.accounts.figures import Figure
from flywheel.accounts.sheets import Cell, download
from flywheel.accounts.templatetags.formats import NOTHING

CHART, FILE = "chart", "file"
KINDS = {"CSV": "csv", "XLSX": "xlsx"}  # label -> what `download` calls it


def link(request: HttpRequest, context: Mapping[str, object]) -> None:
    """Give each chart with a table its `downloads`, (label, address) of each file, where its page has given none."""
    for chart in _charts(context):
        if chart.get("rows"):
            found = [(label, _address(request, chart["id"], kind)) for label, kind in KINDS.items()]
            chart.setdefault("downloads", found)


def asked(request: HttpRequest, name: str, context: Mapping[str, object]) -> HttpResponse | None:
    """The file that the address asks for; None when it asks for the page. Raises Http404 for no chart of the page."""
    if CHART not in request.GET:
        return None
    chart = next((c for c in _charts(context) if c["id"] == request.GET[CHART] and c.get("rows")), None)
    if chart is None:
        raise Http404
    columns, rows = _table(chart["columns"], chart["rows"])
    return download(f"{name}-{chart['id']}", request.GET.get(FILE, ""), columns, rows)


def _charts(context: Mapping[str, object]) -> Iterator[dict[str, Any]]:
    """The charts of a page: its values, and what its lists and sections hold."""
    for value in context.values():
        if _is_chart(value):
            yield value
        elif isinstance(value, dict | list | tuple):
            yield from filter(_is_chart, value.values() if isinstance(value, dict) else value)


def _is_chart(value: object) -> TypeGuard[dict[str, Any]]:
    return isinstance(value, dict) and {"id", "figure", "rows"} <= value.keys()


def _address(request: HttpRequest, chart: str, kind: str) -> str:
    query = request.GET.copy()
    query[CHART], query[FILE] = chart, kind
    return f"{request.path}?{query.urlencode()}"


def _table(columns: Sequence[object], rows: Sequence[Sequence[object]]) -> tuple[list[str], list[list[Cell]]]:
    """Headings, with the currency of amounts, and cells as figures."""
    currencies = [_currency(row[at] for row in rows if at < len(row)) for at in range(len(columns))]
    headings = [f"{name} ({code})" if code else str(name) for name, code in zip(columns, currencies, strict=True)]
    return headings, [[_cell(cell) for cell in row] for row in rows]


def _currency(cells: Iterable[object]) -> str:
    return next((cell.currency for cell in cells if isinstance(cell, Figure) and cell.currency), "")


def _cell(cell: object) -> Cell:
    """The figure that a cell tells; nothing for a dash."""
    if isinstance(cell, Figure) and cell.value is not None:
        return cell.value
    return None if cell == NOTHING else str(cell)
