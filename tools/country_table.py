"""Make flywheel/market/data/countries.csv from the World Bank's files: `python tools/country_table.py FOLDER`.

Nothing here runs when the product runs. FOLDER holds the Logistics Performance Index as the Bank publishes it (.xlsx),
and its GDP (NY.GDP.MKTP.CD) and population (SP.POP.TOTL) series as gdp.csv.gz and population.csv.gz. Aggregates such as
"World" are left out. docs/decisions/0020 says what is carried over and what is not.
"""

import sys
from pathlib import Path

import pandas as pd
from babel.core import get_global

OUT = Path(__file__).resolve().parent.parent / "flywheel" / "market" / "data" / "countries.csv"
LPI_FILE = "International_LPI_from_2007_to_2023_0.xlsx"
LPI_YEARS = (2018, 2023)
FIRST_YEAR, LAST_YEAR = 2020, 2024
GROWTH_YEARS = 5
DIGITS = 6  # significant ones of what is calculated
COMPONENTS = {
    "lpi": "LPI Score",
    "lpi_customs": "Customs score",
    "lpi_infrastructure": "Infrastructure score",
    "lpi_shipments": "International shipments score",
    "lpi_competence": "Logistics quality and competence score",
    "lpi_tracking": "Tracking and tracing score",
    "lpi_timeliness": "Timeliness score",
}
NAMES = {
    "Taiwan, China": "TWN",
    "Korea, Rep.": "KOR",
    "Egypt, Arab Rep.": "EGY",
    "Bahamas, The": "BHS",
    "Congo, Rep.": "COG",
    "Congo, Dem. Rep.": "COD",
    "Lao PDR": "LAO",
    "Gambia, The": "GMB",
    "Iran, Islamic Rep.": "IRN",
    "Kyrgyz Republic": "KGZ",
    "Syrian Arab Republic": "SYR",
    "Venezuela, RB": "VEN",
    "Yemen, Rep.": "YEM",
}  # as the Bank writes them where the older edition has no code for the name
TURKEY = "rkiye"  # the file's own bytes before it are damaged
WDI = "World Bank, World Development Indicators"
LPI = "World Bank, Logistics Performance Index"
LICENCE = "CC BY 4.0"
ALPHA_2 = {k: v[0] for k, v in get_global("territory_aliases").items() if len(k) == 3 and k.isalpha() and len(v) == 1}
ALPHA_2 |= {"XKX": "XK"}


def main(folder: Path) -> None:
    """Write the table, sorted, so that a new edition shows as a readable change."""
    rows = pd.concat([_accounts(folder), _logistics(folder)])
    rows = rows[rows["iso3"].isin(ALPHA_2)].dropna()
    rows.insert(1, "iso2", rows["iso3"].map(ALPHA_2))
    rows = rows.assign(licence=LICENCE).sort_values(["indicator", "iso2", "period"])
    OUT.parent.mkdir(exist_ok=True)
    rows.to_csv(OUT, index=False, lineterminator="\n")


def _accounts(folder: Path) -> pd.DataFrame:
    """GDP, its mean yearly growth over five years, population, and GDP per head."""
    gdp, people = (_wide(folder / f"{name}.csv.gz") for name in ("gdp", "population"))
    growth = (gdp / gdp.shift(GROWTH_YEARS, axis=1)) ** (1 / GROWTH_YEARS) - 1
    per_head = gdp / people.reindex_like(gdp)
    tables = {"gdp": gdp, "gdp_growth": growth, "population": people, "gdp_per_head": per_head}
    long = [_long(name, table.reindex(columns=range(FIRST_YEAR, LAST_YEAR + 1)), WDI) for name, table in tables.items()]
    return pd.concat(long)


def _wide(path: Path) -> pd.DataFrame:
    frame = pd.read_csv(path).pivot(index="Country Code", columns="Year", values="Value")
    return frame.reindex(columns=range(int(frame.columns.min()), int(frame.columns.max()) + 1))


def _logistics(folder: Path) -> pd.DataFrame:
    """The index and its six components, of the editions that share one method."""
    editions = pd.read_excel(folder / LPI_FILE, sheet_name=None, engine="calamine")
    codes = _codes(folder, list(editions.values()))
    found = []
    for year in LPI_YEARS:
        sheet = editions[str(year)].rename(columns=lambda name: str(name).strip())
        table = sheet.set_index(sheet["country"].map(lambda name: _code(str(name), codes))).rename_axis("iso3")
        found += [_long(key, table[[name]].rename(columns={name: year}), LPI) for key, name in COMPONENTS.items()]
    return pd.concat(found)


def _codes(folder: Path, editions: list[pd.DataFrame]) -> dict[str, str]:
    """Economies' three letters by every name that the Bank's files give them."""
    named = pd.read_csv(folder / "population.csv.gz")
    pairs = [(sheet["country"], sheet["Code"]) for sheet in editions if "Code" in sheet]
    pairs.append((named["Country Name"], named["Country Code"]))
    known = [(str(name), code) for names, codes in pairs for name, code in zip(names, codes, strict=True)]
    return {name: code for name, code in known if code in ALPHA_2} | NAMES


def _code(name: str, codes: dict[str, str]) -> str:
    """An economy's three letters; raises KeyError for a name that nobody knows."""
    return "TUR" if name.endswith(TURKEY) else codes[name]


def _long(indicator: str, table: pd.DataFrame, source: str) -> pd.DataFrame:
    long = table.rename_axis(index="iso3").reset_index().melt("iso3", var_name="period", value_name="value")
    long = long.dropna().assign(indicator=indicator, source=source)
    long["value"] = [_plain(float(value)) for value in long["value"]]
    return long[["indicator", "iso3", "period", "value", "source"]]


def _plain(value: float) -> str:
    """The value by its significant digits, without an exponent."""
    text = format(float(f"{value:.{DIGITS}g}"), "f")
    return text.rstrip("0").rstrip(".")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
