"""Roll-ups, facts to weekly measures: portable SQL, defined once.

Each file is one SELECT with the parameters `:workspace`, `:first` and `:last`, whose columns are those of the
measure table of the same name. PostgreSQL runs it as it stands; `rewrite` gives the text for other engines.
What keeps it portable is in docs/decisions/0005-roll-ups-as-portable-sql.md.
"""

from functools import cache
from importlib import resources

NAMES = (
    "market",
    "conversion",
    "statuses",
    "payments",
    "aftersales",
    "followups",
    "durations",
    "cohorts",
    "cohort_months",
)
DIALECTS = ("duckdb", "spark")


@cache
def text(name: str) -> str:
    """The roll-up's SQL as written, with named parameters `:workspace`, `:first`, `:last`.

    Raises KeyError for a name that is not in NAMES.
    """
    if name not in NAMES:
        raise KeyError(name)
    return resources.files(__name__).joinpath(f"{name}.sql").read_text(encoding="utf-8")


@cache
def rewrite(name: str, dialect: str) -> str:
    """The roll-up's SQL for another engine (one of DIALECTS), parameters in that engine's own spelling.

    Raises KeyError for an unknown name or dialect, sqlglot's UnsupportedError for what the engine cannot say.
    """
    if dialect not in DIALECTS:
        raise KeyError(dialect)
    import sqlglot  # PostgreSQL never needs it, so neither web nor worker waits for it

    tree = sqlglot.parse_one(text(name), read="postgres")
    return tree.sql(dialect=dialect, pretty=True, comments=False, unsupported_level=sqlglot.ErrorLevel.RAISE) + "\n"
