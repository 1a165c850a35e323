# `make` alone lists the targets. Each makes the virtual environment if it is missing.
PYTHON ?= $(or $(shell command -v python3.11),$(shell command -v python3))
PORT ?= 8000
EHR_PORT ?= $(shell expr $(PORT) + 1)
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
REQUIREMENTS := requirements.txt requirements-dev.txt constraints.txt $(if $(GPU),requirements-gpu.txt)

.DEFAULT_GOAL := help
.PHONY: help setup demo serve test lint messages train bench check-diary check-hostile check-realism check-causes check-folder check-clinic check-delivery check-axe check-lighthouse screenshots browser

help:  ## List the targets
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

$(STAMP): $(REQUIREMENTS)
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))' || \
	  { echo "Python 3.11 is needed: make PYTHON=/path/to/python3.11 $(MAKECMDGOALS)"; exit 1; }
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements-dev.txt
	$(if $(GPU),$(BIN)/python -m pip uninstall --quiet -y tensorflow-cpu xgboost-cpu && $(BIN)/python -m pip install --quiet -r requirements-gpu.txt)
	touch $@

setup: $(STAMP)  ## Virtual environment, packages, embedded PostgreSQL, migrations
	$(BIN)/python manage.py migrate --verbosity 0
	$(BIN)/python manage.py collectstatic --noinput --verbosity 0

demo: setup  ## A simulated clinic on http://localhost:8000 (PORT= changes it)
	@env -u DATABASE_URL CLARITY_STATE_DIR=$(or $(CLARITY_STATE_DIR),.clarity)/demo \
	  CLARITY_DATABASE_NAME=clarity_demo EHR_BASE_URL=http://127.0.0.1:$(EHR_PORT)/fhir/R4 \
	  LOG_LEVEL=$(or $(LOG_LEVEL),WARNING) TF_CPP_MIN_LOG_LEVEL=3 \
	  $(BIN)/python manage.py demo --port $(PORT)

serve: setup  ## Web, workers and beat for a clinic of your own (PORT= changes the port)
	$(BIN)/python -m clarity_site.processes $(PORT)

browser: $(STAMP)
	@sh tests/browser/install.sh

test: setup browser  ## Every test, the real browser's and the real FHIR server's included
	$(BIN)/python -m pytest

lint: $(STAMP)  ## ruff and mypy
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

messages: $(STAMP)  ## Gather what is to be translated into the French catalogue, and compile it
	@$(BIN)/python manage.py catalogue

train: $(STAMP)  ## Train the shipped models from the seed into scoring/artifacts/
	$(BIN)/python manage.py train_models

bench: $(STAMP)  ## Time and memory of the main job
	$(BIN)/python -m tests.bench

check-diary: $(STAMP)  ## The nights found in a real week beside its sleep diary
	@$(BIN)/python -m tests.check_diary

check-realism: $(STAMP)  ## Simulated people beside published values
	@$(BIN)/python -m tests.check_realism

check-causes: $(STAMP)  ## Whether explanations find the cause of simulated episodes
	@$(BIN)/python -m tests.check_causes

check-folder: $(STAMP)  ## The depression track beside mean activity on unlike folders
	@$(BIN)/python -m tests.check_folder

check-hostile: $(STAMP)  ## 2,000 damaged and hostile uploads, none of which may do harm
	@$(BIN)/python -m tests.hostile

check-delivery: $(STAMP)  ## 1,000 alerts to EHRs of six kinds that fail in every way
	@$(BIN)/python -m tests.delivery

check-axe: browser  ## axe-core on every page, light and dark, English and French, desktop and phone
	@$(BIN)/python -m tests.browser.axe

check-lighthouse: browser  ## Lighthouse's accessibility and best practices of the main pages
	@$(BIN)/python -m tests.browser.lighthouse

check-clinic: $(STAMP)  ## What triage raises in a simulated clinic of 500, and how soon it meets mania
	@$(BIN)/python -m tests.check_clinic

screenshots: browser  ## Pictures of every page and state into test-results/screenshots (OUT= changes it)
	$(BIN)/python -m tests.browser.screenshots $(if $(OUT),--out $(OUT))
