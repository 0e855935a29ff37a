"""Fetch the front-end files that are kept under static/vendor/: `python tools/vendor.py` (needs npm, tar is built in).

Nothing here runs when the product runs. Versions are pinned below; static/vendor/VENDORED.md is written from them.
"""

import json
import re
import subprocess
import tarfile
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENDOR = ROOT / "static" / "vendor"
TABLER = "@tabler/core@1.6.1"
ICON_SET = "@tabler/icons@3.51.0"
PLOTLY = "plotly.js-cartesian-dist-min@4.1.1"

ICONS = """
activity alert-triangle arrow-back-up arrow-down-right arrow-right arrow-up-right arrows-exchange building-store
calendar-week check chevron-down chevron-left chevron-right chevron-up circle-check circle-x clock database device-
desktop download file-spreadsheet filter heart-handshake help-circle hourglass info-circle key language list-check
lock logout mail map-pin menu-2 minus moon plus refresh search settings shield-check shopping-cart steering-wheel sun
table trash trending-down trending-up external-link file-text users target cash truck star calendar copy upload user
world x
""".split()  # noqa: SIM905

_STYLE_OBJECT = re.compile(r'\w+=(\{"X,X div":.*?\});for\(')
_STYLE_RULE = re.compile(r"""("(?:[^"\\]|\\.)*"|\w+):("(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')""")


def main() -> None:
    """Download the three packages and rewrite static/vendor/."""
    with tempfile.TemporaryDirectory() as folder:
        tabler, icons, plotly = (_fetch(spec, Path(folder)) for spec in (TABLER, ICON_SET, PLOTLY))
        _keep(tabler / "dist/css/tabler.min.css", "tabler/tabler.min.css")
        _keep(tabler / "dist/js/tabler.min.js", "tabler/tabler.min.js")
        _keep(plotly / "plotly-cartesian.min.js", "plotly/plotly-cartesian.min.js")
        _keep(plotly / "LICENSE", "plotly/LICENSE")
        _keep(icons / "LICENSE", "tabler/LICENSE")
        bundle = (plotly / "plotly-cartesian.min.js").read_text()
        (VENDOR / "plotly/plotly.css").write_text(plotly_css(bundle))
        (VENDOR / "tabler/icons.svg").write_text(_sprite(icons / "icons/outline"))
        _write_list([_facts(package) for package in (tabler, icons, plotly)])


def _fetch(spec: str, folder: Path) -> Path:
    """Download and unpack one package; returns its folder."""
    result = subprocess.run(["npm", "pack", spec, "--json"], cwd=folder, check=True, capture_output=True, text=True)
    packed = json.loads(result.stdout)
    name = (packed if isinstance(packed, list) else list(packed.values()))[0]["filename"]
    archive = folder / name.replace("@", "").replace("/", "-")
    target = folder / archive.stem
    with tarfile.open(archive) as tar:
        tar.extractall(target, filter="data")
    return target / "package"


def _keep(source: Path, name: str) -> None:
    """Copy a text file, without its source-map comment (the map is not kept, and the file store would look for it)."""
    text = re.sub(r"\n?(//|/\*)# sourceMappingURL=\S+( \*/)?\s*$", "\n", source.read_text())
    target = VENDOR / name
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(text)


def plotly_css(bundle: str) -> str:
    """The style rules that the Plotly bundle would inject as an inline style sheet, as a file.

    A page that links this file under the id `plotly.js-style-global` with the class `no-inline-styles` keeps the
    library from injecting anything, so style-src 'self' holds.
    """
    found = _STYLE_OBJECT.search(bundle)
    if found is None:
        raise SystemExit("The Plotly bundle no longer holds its style rules where this script looks for them.")
    rules = []
    for selector, body in _STYLE_RULE.findall(found[1]):
        name = re.sub("X", ".js-plotly-plot .plotly", selector.strip('"'))
        rules.append(f"{re.sub('Y', '.plotly-notifier', name)}{{{body[1:-1]}}}")
    return "\n".join(rules) + "\n"


def _sprite(folder: Path) -> str:
    """One SVG file with a <symbol> per icon in use."""
    symbols = []
    for name in ICONS:
        text = (folder / f"{name}.svg").read_text()
        body = text[text.index(">") + 1 : text.rindex("</svg>")]
        body = re.sub(r'<path stroke="none" d="M0 0h24v24H0z" fill="none" ?/>', "", body)
        symbols.append(f'<symbol id="{name}" viewBox="0 0 24 24">{" ".join(body.split())}</symbol>')
    return '<svg xmlns="http://www.w3.org/2000/svg">\n' + "\n".join(symbols) + "\n</svg>\n"


def _facts(package: Path) -> tuple[str, str, str]:
    """Name, version and licence from a package's own description."""
    about = json.loads((package / "package.json").read_text())
    return about["name"], about["version"], about["license"]


def _write_list(packages: list[tuple[str, str, str]]) -> None:
    lines = [
        "# Vendored front-end files",
        "",
        "Written by `python tools/vendor.py` (or `make vendor`); change the versions there. No file is edited by hand,",
        "only source-map comments are cut. htmx comes with the Python package django-htmx.",
        "",
        "| package | version | licence |",
        "|---|---|---|",
        *(f"| {name} | {version} | {licence} |" for name, version, licence in packages),
    ]
    (VENDOR / "VENDORED.md").write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
