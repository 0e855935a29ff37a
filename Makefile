# Needs only make and Python 3.11, 3.12 or 3.13. `make help` lists what there is.
.POSIX:
.DEFAULT_GOAL := help
FIND_PYTHON = for name in $(PYTHON) python3.13 python3.12 python3.11 python3 python; do \
	if $$name -c 'import sys, venv, ensurepip; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 14))' >/dev/null 2>&1; \
	then echo $$name; break; fi; done
INSTALL = @python=$$($(FIND_PYTHON)); \
	if [ -z "$$python" ]; then \
	echo 'Python 3.11, 3.12 or 3.13 with its venv module is needed (Debian: apt install python3-venv),' >&2; \
	echo 'or name one: make PYTHON=/path/to/python3.12 ...' >&2; exit 1; fi; \
	"$$python" tools/install.py
PY = .venv/bin/python
PYTEST_OPTIONS =
WORLDS = 200

.PHONY: help run-env dev-env demo run test lint format bench-diagnosis shots messages lock clean

help: ## This list
	@sed -n 's/^\([a-z-]*\):.*## /\1|/p' Makefile | awk -F'|' '{ printf "make %-12s %s\n", $$1, $$2 }'

run-env:
	$(INSTALL) requirements.txt

dev-env:
	$(INSTALL) requirements.txt requirements-dev.txt

demo: run-env ## The whole product with a demo business on http://127.0.0.1:8000 (PORT=... for another port)
	@exec $(PY) -m flywheel.run --demo

run: run-env ## The whole product without the demo business
	@exec $(PY) -m flywheel.run

test: dev-env ## All tests, on servers of their own (PYTEST_OPTIONS="-k jobs")
	$(PY) -m pytest -n auto --dist load $(PYTEST_OPTIONS)

lint: dev-env ## Style, types, imports between rooms, templates
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .
	$(PY) -m mypy
	.venv/bin/lint-imports
	.venv/bin/djlint templates --lint --quiet

format: dev-env ## Put the code into the house format
	$(PY) -m ruff check --fix .
	$(PY) -m ruff format .

bench-diagnosis: dev-env ## Proof of the diagnosis on 300 simulated businesses (WORLDS=20 for a quick look)
	$(PY) -m bench.diagnosis --worlds $(WORLDS)

shots: dev-env ## Pictures of every page to var/shots (needs Chromium)
	$(PY) -m tests.shots

messages: dev-env ## Collect translatable texts into locale/ (needs gettext) and compile them
	$(PY) manage.py makemessages --locale zh_Hans --no-location --no-wrap \
		--ignore .venv --ignore var --ignore tests --ignore bench
	$(PY) -c 'from pathlib import Path; from flywheel.prepare import compile_messages; compile_messages(Path("locale"))'

lock: dev-env ## Compile the locked requirements anew
	$(PY) -m pip install --quiet --disable-pip-version-check uv
	$(PY) -m uv pip compile pyproject.toml --universal --python-version 3.11 --generate-hashes \
		--no-emit-index-url --no-header -o requirements.txt
	$(PY) -m uv pip compile pyproject.toml --universal --python-version 3.11 --generate-hashes \
		--no-emit-index-url --no-header --group dev -c requirements.txt -o requirements-dev.txt

clean: ## Remove what can be made again; the data in var stays
	rm -rf .venv .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis var/staticfiles var/staticfiles.stamp
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
	find locale -name '*.mo' -delete
