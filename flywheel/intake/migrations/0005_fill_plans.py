"""Batches and mappings of one kind become those with a list of one plan."""

from typing import Any

from django.db import migrations

PARTS = ("columns", "constants", "values", "options")


def to_plans(apps: Any, _schema: Any) -> None:
    """Fill the lists."""
    for batch in apps.get_model("intake", "Batch").objects.iterator():
        batch.plans = [{"kind": batch.kind, **batch.mapping}]
        batch.save(update_fields=["plans"])
    for mapping in apps.get_model("intake", "Mapping").objects.iterator():
        mapping.plans = [{"kind": mapping.kind, **{part: getattr(mapping, part) for part in PARTS}}]
        mapping.save(update_fields=["plans"])


def from_plans(apps: Any, _schema: Any) -> None:
    """Take the first plan of each list."""
    for batch in apps.get_model("intake", "Batch").objects.exclude(plans=[]).iterator():
        batch.mapping = {part: batch.plans[0].get(part, {}) for part in PARTS}
        batch.save(update_fields=["mapping"])
    for mapping in apps.get_model("intake", "Mapping").objects.exclude(plans=[]).iterator():
        mapping.kind = mapping.plans[0]["kind"]
        for part in PARTS:
            setattr(mapping, part, mapping.plans[0].get(part, {}))
        mapping.save()


class Migration(migrations.Migration):
    dependencies = [("intake", "0004_plans")]
    operations = [migrations.RunPython(to_plans, from_plans)]
