# Everything is done by the interpreter of .venv, which each target makes or renews by itself when
# constraints.txt or pyproject.toml changed. Nothing outside this folder is touched.

PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
STAMP  := $(VENV)/.complete
ARGS   ?=
WORKERS ?= 2
COMPILE := $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header

export PIP_DISABLE_PIP_VERSION_CHECK := 1

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help dev lint check test test-unit demo run migration constraints

help: ## Show this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-12s %s\n", $$1, $$2}'

dev: $(STAMP) ## Make or renew the development environment in .venv

$(STAMP): constraints.txt pyproject.toml
	@sh .ci/venv "$(PYTHON)" "$(VENV)"
	$(BIN)/python -m pip install --quiet --require-hashes -r constraints.txt
	$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation --no-index -e .
	@touch $(STAMP)

lint: $(STAMP) ## Static checks: ruff, mypy, import-linter, hadolint
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/hadolint Dockerfile

check: lint test-unit ## Static checks and the fast tests (about 1 minute)

test-unit: $(STAMP) ## Tests without database and sockets
	$(BIN)/pytest tests/unit -n $(WORKERS) $(ARGS)

test: $(STAMP) ## The whole test suite
	$(BIN)/pytest -n $(WORKERS) --dist loadgroup $(ARGS)

demo: $(STAMP) ## Sandbox, database, daemon and page together, no keys needed (ARGS=--once: load, compare, leave)
	$(BIN)/mpsyncd demo $(ARGS)

run: $(STAMP) ## Run the daemon in the foreground (ARGS="--config my.toml")
	$(BIN)/mpsyncd run $(ARGS)

migration: ## Open a new migration (NAME=0102_wb_sales)
	@test -n "$(NAME)" || { echo 'usage: make migration NAME=0102_wb_sales (four digits, then what it makes)' >&2; exit 64; }
	@echo "$(NAME)" | grep -qE '^[0-9]{4}_[a-z0-9_]+$$' || { echo "$(NAME): four digits and lower-case words are wanted" >&2; exit 64; }
	@set -- migrations/$(firstword $(subst _, ,$(NAME)))_*.sql; test ! -e "$$1" || { echo "number taken by $$1" >&2; exit 64; }
	@printf '%s\n' '-- What this adds and why. Runs in one transaction; never edited once released.' > migrations/$(NAME).sql
	@echo migrations/$(NAME).sql

constraints: $(STAMP) ## Renew constraints.txt and requirements.txt (ARGS=--upgrade, or "--upgrade-package aiohttp")
	$(COMPILE) --group dev $(ARGS) pyproject.toml --output-file constraints.txt
	$(COMPILE) --constraint constraints.txt pyproject.toml --output-file requirements.txt
