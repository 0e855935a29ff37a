"""Makes .venv with the locked packages; does nothing when it is there and fresh. Plain Python 3.11, no packages needed.

`python3 tools/install.py requirements.txt [requirements-dev.txt ...]`
"""

import hashlib
import shutil
import subprocess
import sys
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
HOME = ROOT / ".venv"
PYTHON = HOME / "bin" / "python"


def main(names: list[str]) -> None:
    """Install each requirements file whose stamp is not of its present content."""
    if not _works():
        shutil.rmtree(HOME, ignore_errors=True)
        _say(f"Making .venv with Python {sys.version.split()[0]}")
        venv.create(HOME, with_pip=True, symlinks=True)
    for name in names:
        stamp, content = HOME / f"{name}.stamp", hashlib.sha256((ROOT / name).read_bytes()).hexdigest()
        if not stamp.exists() or stamp.read_text() != content:
            _say(f"Installing {name}")
            _install(name)
            stamp.write_text(content)


def _works() -> bool:
    """Whether .venv's Python runs, is a supported one, and has pip."""
    check = "import sys, pip; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 14))"
    return PYTHON.exists() and subprocess.run([PYTHON, "-c", check], check=False).returncode == 0


def _install(name: str) -> None:
    command = [str(PYTHON), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-input"]
    code = subprocess.run([*command, "--require-hashes", "-r", name], cwd=ROOT, check=False).returncode
    if code:
        sys.exit(f"The packages of {name} could not be installed; the lines above say why.")


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main(sys.argv[1:])
