# `make test` and `make try` set everything up by themselves, in .venv.

PYTHON ?= python3
FRAPPE_BENCH ?= $(HOME)/frappe-bench
ARGS ?=

BIN := .venv/bin
INSTALLED := .venv/.installed
WA_JS := node_modules/.installed

export FRAPPE_BENCH

.DEFAULT_GOAL := help
.PHONY: help setup try test floors site bench lint format clean

help: ## Show this list
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):[^#]*## /  make \1	/' | expand -t 16

setup: $(INSTALLED) ## Make .venv with the app and its tools

try: $(INSTALLED) ## Run the app without Frappe, with a phone to play on (ARGS="--help" for more)
	@.ci/browser
	$(BIN)/python -m whatsapp_integration try $(ARGS)

test: $(INSTALLED) ## Check everything: lint, the tests without Frappe, the tests on a Frappe site
	@$(MAKE) --no-print-directory --keep-going lint floors site ARGS=

floors: $(INSTALLED) $(WA_JS) ## Run the tests that need no Frappe (ARGS="-k phone" for some of them)
	$(BIN)/pytest $(ARGS)

site: $(INSTALLED) ## Run the tests on a throw-away site of the Frappe bench at FRAPPE_BENCH (ARGS for run-tests)
	$(BIN)/python .ci/site_tests.py $(ARGS)

bench: $(INSTALLED) ## Measure the speed and print a table
	$(BIN)/python benchmarks/run.py $(ARGS)

lint: $(INSTALLED) ## Check style, formatting and who imports whom
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports

format: $(INSTALLED) ## Mend style and formatting
	$(BIN)/ruff check --fix-only .
	$(BIN)/ruff format .

clean: ## Remove .venv, builds and caches
	rm -rf .venv node_modules build dist *.egg-info .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(WA_JS): package.json
	@.ci/node

$(INSTALLED): requirements.txt pyproject.toml setup.py .ci/setup
	PYTHON="$(PYTHON)" .ci/setup .venv
	@touch $@
