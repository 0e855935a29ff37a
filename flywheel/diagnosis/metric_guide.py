"""The page of the guide that defines every KPI, docs/metrics.md: `manage.py describe_metrics`."""

from django.utils import translation

from engines.kpi import KPIS, METHODS, Kpi
from flywheel.accounts.words import ENGINES
from flywheel.diagnosis.flywheel_page import ENGINES as ORDER

HEAD = """# Metrics: what every KPI means
`manage.py describe_metrics` prints this page from the registry (`engines/kpis/`), and a test holds it current.

Each KPI is a function of sums of weekly measures, so that any slice is computed from its own sums and a total is never
an average of averages. Every value has its 95 % interval and sample size; below the least sample, or where a measure is
not known, there is none, and the reason is said. Missing is not zero. Money is in the base currency, at the rate of the
order's day. A measure belongs to the week of what it counts: orders to the day they were placed, deliveries to the day
they arrived, reviews, tickets and refunds to their own day. What has to grow old first (a repeat within 90 days, a
review within 14) shows in the week in which the last of those concerned had had the time.
"""


def page() -> str:
    """The whole page, in Markdown."""
    with translation.override("en"):
        return HEAD + "".join(_section(engine) for engine in ORDER) + _methods()


def _section(engine: str) -> str:
    entries = "".join(_entry(k) for k in KPIS.values() if k.engine == engine)
    return f"\n## {ENGINES[engine]}\n{entries}"


def _entry(entry: Kpi) -> str:
    facts = [
        f"unit {entry.unit}",
        "higher is better" if entry.direction == "up" else "lower is better",
        f"at least {entry.min_n:g}" if entry.min_n else "any sample",
        *([f"{entry.window} weeks in one value"] if entry.window > 1 else []),
        f"interval: {entry.shape}",
        "by market and channel" if entry.is_by_channel else "by market",
    ]
    lines = [
        f"\n### {entry.name.en} ({entry.name.zh})",
        f"`{entry.key}` = `{entry.formula}`",
        "",
        entry.definition.en,
        "",
        f"{', '.join(facts)}. Source: {entry.source.en}. Owner: {entry.owner.en}.",
        "",
    ]
    return "\n".join(lines)


def _methods() -> str:
    used = {k.shape for k in KPIS.values()}
    rows = "".join(f"| {shape} | {words.en} |\n" for shape, words in METHODS.items() if shape in used)
    return f"\n## Intervals\n| name | what it is |\n|---|---|\n{rows}"
