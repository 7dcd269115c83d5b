# Two commands do everything on a fresh machine: `make demo` and `make test`.
SHELL := /bin/bash
PYTHON ?= $(firstword $(foreach name,python3.11 python3.12 python3.13 python3,$(shell command -v $(name) 2>/dev/null)))
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/pip --disable-pip-version-check --no-input -qq
ARGS ?=
# Where it is forbidden to keep what was compiled, as containers do, each worker of the tests and each command that they start compiles all of it again.
export PYTHONDONTWRITEBYTECODE :=

# What `make test` runs on PostgreSQL as well, beside the contracts of stores and its own faults: the gate, intake, pages, replay, other slices of a year than SQLite's.
POSTGRES_SLICE := tests/golden tests/year tests/unit/agreements/test_service.py $(addprefix tests/unit/exchange/test_,paging.py release_recheck.py refused_whole.py)

.DEFAULT_GOAL := help
.PHONY: help demo test test-all test-postgres check bench conformance lock clean fmt

help:  ## what can be made
	@grep -hE '^[a-z.-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

.venv: $(VENV)/.runtime  ## the virtual environment, with the pinned dependencies

$(VENV)/bin/python:
	@[ -n "$(PYTHON)" ] && $(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Tocsin needs Python 3.11 or newer; set PYTHON=/path/to/python" >&2; exit 1; }
	@$(PYTHON) -m venv $(VENV) || { echo "on Debian: apt-get install python3-venv" >&2; exit 1; }

$(VENV)/.runtime: requirements.lock pyproject.toml | $(VENV)/bin/python
	@echo "installing what Tocsin runs on ..."
	@$(PIP) install --require-hashes -r requirements.lock
	@$(PIP) install --no-deps -e .
	@touch $@

$(VENV)/.dev: requirements-dev.lock $(VENV)/.runtime
	@echo "installing what its tests and checks need ..."
	@$(PIP) install --require-hashes -r requirements-dev.lock
	@touch $@

demo: $(VENV)/.runtime  ## a partnership, its agreements, an incident, its proof; then serves (ARGS=--no-serve stops before)
	@$(BIN)/tocsin demo $(ARGS)

test: $(VENV)/.dev  ## the tests that take seconds, in parallel
	$(BIN)/python -m pytest -n auto --dist worksteal -m "not long" $(ARGS)
	@[ -n "$(ARGS)" ] || TOCSIN_TEST_STORE=postgres $(BIN)/python -m pytest -n auto --dist worksteal -m "not long" $(POSTGRES_SLICE)

test-all: $(VENV)/.dev  ## every test, with each hub on SQLite and then on PostgreSQL
	$(BIN)/python -m pytest -n auto --dist worksteal $(ARGS)
	TOCSIN_TEST_STORE=postgres $(BIN)/python -m pytest -n auto --dist worksteal $(ARGS)

test-postgres: $(VENV)/.dev  ## every test that takes seconds, with each hub on PostgreSQL (TOCSIN_TEST_POSTGRES=URL, else one of its own)
	TOCSIN_TEST_STORE=postgres $(BIN)/python -m pytest -n auto --dist worksteal -m "not long" $(ARGS)

check: $(VENV)/.dev  ## ruff, mypy strict, import-linter
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

fmt: $(VENV)/.dev  ## format and fix what can be fixed
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: $(VENV)/.dev  ## the benchmarks, as ratios against peers in the same run
	$(BIN)/python -m bench $(ARGS)

conformance: $(VENV)/.runtime  ## judge a TAXII server by TAXII 2.1: URL=... USER=... PASSWORD=... or TOKEN=... (ARGS=--json)
	@[ -n "$(URL)" ] || { echo "say which server: make conformance URL=https://taxii.example/taxii2/ USER=... PASSWORD=..." >&2; exit 2; }
	@TOCSIN_CONFORMANCE_PASSWORD='$(PASSWORD)' TOCSIN_CONFORMANCE_TOKEN='$(TOKEN)' \
		$(BIN)/tocsin conformance '$(URL)' --user '$(if $(filter command% override,$(origin USER)),$(USER))' $(ARGS)

lock:  ## resolve the lock files anew (needs uv)
	uv pip compile pyproject.toml --extra demo --extra plot --extra postgres --python-version 3.11 --generate-hashes --no-header --no-annotate --no-emit-index-url -q -o requirements.lock
	uv pip compile pyproject.toml --extra demo --extra plot --extra postgres --extra grid --extra dev -c requirements.lock --python-version 3.11 --generate-hashes --no-header --no-annotate --no-emit-index-url -q -o requirements-dev.lock

clean:  ## remove what was made
	rm -rf $(VENV) .mypy_cache .ruff_cache .import_linter_cache .hypothesis build dist
