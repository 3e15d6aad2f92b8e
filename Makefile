# Everything is done by backend/installation.py, which needs nothing but Python; see README.md for
# the same commands on Windows.

# The first Python of at least 3.11; where there is none, any Python, which then says so.
FIND = for python in python3 python3.14 python3.13 python3.12 python3.11 python; do \
	$$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && \
	{ echo $$python; exit; }; done; command -v python3 || command -v python
PYTHON ?= $(shell $(FIND))
ifeq ($(strip $(PYTHON)),)
$(error Trainroom needs Python 3.11 or newer, and there is no Python here: install one from https://www.python.org/downloads/)
endif

DO = @$(PYTHON) backend/installation.py

.PHONY: run setup test lint benchmarks screenshots clean

run: ## set up what is missing and open the app (PORT=8600 make run for another port)
	$(DO) run

setup: ## set up what is missing
	$(DO) setup

test: ## set up what the tests need and run them (ARGS="-k data" for some of them)
	$(DO) test $(ARGS)

lint: ## style, formatting and types
	$(DO) lint

benchmarks: ## measure and print tables (ARGS="throughput" for one)
	$(DO) benchmarks $(ARGS)

screenshots: ## draw docs/screenshots anew
	$(DO) screenshots

clean: ## remove the virtual environment and caches; runs and data stay
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache
