"""The files that start the product on a server: they parse, agree with each other, and name what exists."""

import importlib.util
import os
import re
import shlex
import subprocess
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from django.conf import settings

from flywheel import environment as env

ROOT = Path(settings.BASE_DIR)
COMMAND = {"oneOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}, "minItems": 1}]}
COMPOSE_SCHEMA = {  # the part of the Compose specification that docker-compose.yml uses; anything else is a mistake
    "type": "object",
    "required": ["services"],
    "properties": {
        "name": {"type": "string", "pattern": "^[a-z0-9][a-z0-9_-]*$"},
        "services": {"type": "object", "additionalProperties": {"$ref": "#/$defs/service"}},
        "volumes": {"type": "object", "additionalProperties": {"type": ["object", "null"]}},
    },
    "patternProperties": {"^x-": {}},
    "additionalProperties": False,
    "$defs": {
        "service": {
            "type": "object",
            "anyOf": [{"required": ["image"]}, {"required": ["build"]}],
            "properties": {
                "image": {"type": "string"},
                "build": {"type": "string"},
                "init": {"type": "boolean"},
                "restart": {"enum": ["no", "always", "on-failure", "unless-stopped"]},
                "command": COMMAND,
                "environment": {"type": "object", "additionalProperties": {"type": ["string", "number"]}},
                "volumes": {"type": "array", "items": {"type": "string", "pattern": "^[a-z]+:/"}},
                "ports": {"type": "array", "items": {"type": "string"}},
                "shm_size": {"type": "string", "pattern": "^[0-9]+[kmg]b$"},
                "stop_grace_period": {"type": "string", "pattern": "^[0-9]+s$"},
                "healthcheck": {"$ref": "#/$defs/healthcheck"},
                "depends_on": {
                    "type": "object",
                    "additionalProperties": {
                        "type": "object",
                        "properties": {"condition": {"enum": ["service_healthy", "service_completed_successfully"]}},
                        "required": ["condition"],
                        "additionalProperties": False,
                    },
                },
            },
            "additionalProperties": False,
        },
        "healthcheck": {
            "type": "object",
            "properties": {
                "disable": {"type": "boolean"},
                "test": {"type": "array", "items": {"type": "string"}, "minItems": 2},
                "interval": {"$ref": "#/$defs/duration"},
                "timeout": {"$ref": "#/$defs/duration"},
                "start_period": {"$ref": "#/$defs/duration"},
                "retries": {"type": "integer", "minimum": 1},
            },
            "additionalProperties": False,
        },
        "duration": {"type": "string", "pattern": "^[0-9]+s$"},
    },
}
OURS = ("migrate", "web", "worker", "beat")


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    """docker-compose.yml, its anchors resolved."""
    loaded: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
    return loaded


@pytest.fixture(scope="module")
def dockerfile() -> list[tuple[str, str]]:
    """The Dockerfile's instructions as (word, arguments), lines joined, comments dropped."""
    text = re.sub(r"^\s*#.*\n", "", (ROOT / "Dockerfile").read_text(), flags=re.MULTILINE)
    lines = [line for line in text.replace("\\\n", " ").splitlines() if line.strip()]
    return [(word, rest.strip()) for word, _, rest in (line.partition(" ") for line in lines)]


def _arguments(dockerfile: list[tuple[str, str]], word: str) -> list[str]:
    return [rest for each, rest in dockerfile if each == word]


def test_compose_is_well_formed(compose: dict[str, Any]) -> None:
    jsonschema.validate(compose, COMPOSE_SCHEMA)


def test_compose_starts_every_process_of_the_product(compose: dict[str, Any]) -> None:
    assert set(compose["services"]) == {*OURS, "postgres", "redis"}


@pytest.mark.parametrize("service", OURS)
def test_compose_sets_only_variables_that_the_product_reads(compose: dict[str, Any], service: str) -> None:
    assert set(compose["services"][service]["environment"]) <= set(env.VARIABLES)


def test_compose_names_the_servers_in_addresses_that_settings_accept(compose: dict[str, Any]) -> None:
    environment = compose["services"]["web"]["environment"]
    database = env.database(re.sub(r"\$\{[^}]*\}", "password", environment["DATABASE_URL"]))
    assert database["HOST"] in compose["services"]
    assert env.redis(environment["REDIS_URL"])[0] == "redis://redis:6379/0"


def test_compose_waits_only_for_services_that_are_there_and_can_be_waited_for(compose: dict[str, Any]) -> None:
    services = compose["services"]
    for service in services.values():
        for name, wait in service.get("depends_on", {}).items():
            assert name in services
            if wait["condition"] == "service_healthy":
                assert "test" in services[name]["healthcheck"]


@pytest.mark.parametrize("service", ["web", "worker", "beat"])
def test_nothing_starts_before_the_tables_are_up_to_date(compose: dict[str, Any], service: str) -> None:
    waits = compose["services"][service]["depends_on"]
    assert waits["migrate"]["condition"] == "service_completed_successfully"


def test_web_and_worker_share_the_uploads(compose: dict[str, Any], dockerfile: list[tuple[str, str]]) -> None:
    var = next(part for part in _arguments(dockerfile, "ENV")[-1].split() if part.startswith("VAR_DIR=")).split("=")[1]
    assert f"files:{var}" in compose["services"]["web"]["volumes"]
    assert f"files:{var}" in compose["services"]["worker"]["volumes"]


def test_every_named_volume_is_declared(compose: dict[str, Any]) -> None:
    used = {volume.split(":")[0] for service in compose["services"].values() for volume in service.get("volumes", [])}
    assert used == set(compose["volumes"])


@pytest.mark.parametrize("service", ["migrate", "worker", "beat"])
def test_compose_runs_modules_that_exist(compose: dict[str, Any], service: str) -> None:
    python, option, module, *_ = compose["services"][service]["command"]
    assert (python, option) == ("python", "-m")
    assert importlib.util.find_spec(module) is not None


def test_the_dockerfile_has_only_known_instructions(dockerfile: list[tuple[str, str]]) -> None:
    known = {"FROM", "ENV", "RUN", "COPY", "WORKDIR", "USER", "EXPOSE", "HEALTHCHECK", "CMD"}
    assert dockerfile[0][0] == "FROM"
    assert {word for word, _ in dockerfile} <= known


def test_the_image_does_not_run_as_root(dockerfile: list[tuple[str, str]]) -> None:
    assert _arguments(dockerfile, "USER")[-1] not in {"root", "0"}
    words = [word for word, _ in dockerfile]
    assert words.index("USER") < words.index("CMD")


def test_the_images_packages_are_checked_by_hash(dockerfile: list[tuple[str, str]]) -> None:
    installs = [rest for rest in _arguments(dockerfile, "RUN") if "pip install" in rest]
    assert installs
    assert all("--require-hashes" in install for install in installs)


def test_the_image_copies_what_exists_and_is_not_ignored(dockerfile: list[tuple[str, str]]) -> None:
    ignored = set((ROOT / ".dockerignore").read_text().split())
    for rest in _arguments(dockerfile, "COPY"):
        if rest.startswith("--from"):
            continue
        *sources, _target = shlex.split(rest)
        for source in sources:
            assert (ROOT / source).exists(), source
            assert source not in ignored


def test_the_image_holds_every_package_that_settings_name(dockerfile: list[tuple[str, str]]) -> None:
    copied = {source for rest in _arguments(dockerfile, "COPY") for source in shlex.split(rest)[:-1]}
    assert {"flywheel", "engines", "static", "templates", "locale", "manage.py"} <= copied


def test_the_image_reports_its_health(dockerfile: list[tuple[str, str]]) -> None:
    (check,) = _arguments(dockerfile, "HEALTHCHECK")
    module = re.findall(r'"(flywheel\.\w+)"', check)[0]
    assert importlib.util.find_spec(module) is not None


def test_the_images_own_variables_are_ones_that_the_product_reads(dockerfile: list[tuple[str, str]]) -> None:
    names = {part.split("=")[0] for rest in _arguments(dockerfile, "ENV") for part in rest.split()}
    python_own = {"PATH", "PYTHONUNBUFFERED", "PYTHONDONTWRITEBYTECODE", "OPENBLAS_NUM_THREADS"}
    assert {name for name in names if not name.startswith("PIP_")} - python_own <= set(env.VARIABLES)


@pytest.mark.parametrize("name", ["requirements.txt", "requirements-dev.txt"])
def test_the_lock_pins_every_package_with_hashes_and_names_no_index(name: str) -> None:
    text = (ROOT / name).read_text()
    packages = [line for line in text.splitlines() if line and line[0].isalpha()]
    assert packages
    assert all("==" in line and line.rstrip().endswith("\\") for line in packages)
    assert not re.search(r"^--(extra-)?index-url|https?://", text, flags=re.MULTILINE)


@pytest.mark.parametrize("name", [".ci/run", ".ci/demo"])
def test_the_ci_scripts_parse_and_stop_at_the_first_failure(name: str) -> None:
    subprocess.run(["bash", "-n", ROOT / name], check=True)
    assert "set -euo pipefail" in (ROOT / name).read_text()
    assert os.access(ROOT / name, os.X_OK)


def test_make_help_lists_every_target_that_contributing_names() -> None:
    listed = subprocess.run(["make", "help"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    targets = set(re.findall(r"^make (\S+)", listed, flags=re.MULTILINE))
    named = set(re.findall(r"`make ([a-z]+)", (ROOT / "CONTRIBUTING.md").read_text()))
    assert named
    assert named <= targets
