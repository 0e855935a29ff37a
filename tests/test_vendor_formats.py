"""The vendors' formats: known by their headers, complete, described."""

from collections.abc import Sequence

import pytest

from flywheel.accounts.models import Workspace
from flywheel.environment import BASE_DIR
from flywheel.intake.formats import FORMATS
from flywheel.intake.formats.base import Format
from flywheel.intake.kinds import KINDS
from flywheel.intake.plans import Plan
from flywheel.intake.recognising import guess

pytestmark = pytest.mark.django_db
Plans = Sequence[Plan]


@pytest.mark.parametrize("known", FORMATS.values(), ids=FORMATS.keys())
def test_no_header_means_two_columns_of_a_format(known: Format) -> None:
    for column in known.columns:
        for spelling in (column.name, *column.also):
            meant = [other.name for other in known.columns if other.is_written(spelling)]
            assert meant in ([column.name], []), spelling  # none: a name of ours for headers known by a pattern


@pytest.mark.parametrize("known", FORMATS.values(), ids=FORMATS.keys())
def test_a_format_is_recognised_by_its_own_columns(workspace: Workspace, known: Format) -> None:
    header = [column.name for column in known.columns if column.is_written(column.name)]
    found = guess(workspace, header)
    assert found is not None
    assert found.name == known.slug


@pytest.mark.parametrize("slug", KINDS)
def test_a_generic_template_is_recognised_as_itself(workspace: Workspace, slug: str) -> None:
    found = guess(workspace, [column.name for column in KINDS[slug].columns])
    assert found is not None
    assert (found.name, found.plans[0].kind.slug) == ("", slug)


@pytest.mark.parametrize("known", FORMATS.values(), ids=FORMATS.keys())
def test_parts_read_columns_that_the_format_has(known: Format) -> None:
    there = {column.name for column in known.columns} | {made.name for made in known.made}
    for part in known.parts:
        for source in part.fields.values():
            assert {source} <= there if isinstance(source, str) else set(source) <= there
        assert part.fields.keys() <= part.kind.by_name.keys()
        assert {part.only, *part.needs, *part.until, *part.until.values()} - {""} <= there
    assert {name for made in known.made for name in made.of} <= {column.name for column in known.columns}


def test_every_format_is_in_the_guide() -> None:
    guide = (BASE_DIR / "docs" / "formats.md").read_text()
    assert [known.slug for known in FORMATS.values() if f"`{known.slug}`" not in guide] == []


@pytest.mark.parametrize("known", FORMATS.values(), ids=FORMATS.keys())
def test_every_format_says_where_its_file_comes_from(known: Format) -> None:
    assert str(known.help)
