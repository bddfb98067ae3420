# The project's commands. `make help` lists them.
#
#   PYTHON   interpreter the environment is made with (3.11 or newer)
#   VENV     where the environment is
#   WORKERS  processes that run tests: a number, or auto
#   ARGS     more arguments for the command run, as in `make test ARGS="-k calendar"`

PYTHON  ?= python3
VENV    ?= .venv
WORKERS ?= logical
ARGS    ?=

BIN     := $(VENV)/bin
PIP     := $(BIN)/python -m pip install -qq --disable-pip-version-check
SOURCES := pyproject.toml constraints.txt tests/oracles.txt

.DEFAULT_GOAL := help
.PHONY: help demo dev test lint format determinism bench clean distclean

help:  ## list the commands
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-12s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

demo: $(VENV)/.o2c-run  ## install what a run needs, then run the demonstration
	@$(BIN)/o2c demo $(ARGS)

dev: $(VENV)/.o2c-dev  ## install what tests and linters need

test: $(VENV)/.o2c-dev  ## run all tests, and the notebooks from first to last cell
	@$(BIN)/pytest -n $(WORKERS) --maxprocesses=8 --dist=worksteal --nbmake --nbmake-timeout=600 \
		tests $(wildcard notebooks/*.ipynb) $(ARGS)

lint: $(VENV)/.o2c-dev  ## check style, format, types and who imports whom
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo

format: $(VENV)/.o2c-dev  ## put the code in its one form
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

determinism: $(VENV)/.o2c-run  ## check that the same seed gives the same run in any process
	@$(BIN)/python .ci/determinism.py

bench: $(VENV)/.o2c-dev  ## run the benchmarks, which print what they measure
	@set -e; for file in benchmarks/bench_*.py; do \
		test -e "$$file" || { echo "no benchmarks/bench_*.py to run" >&2; exit 1; }; \
		echo "--- $$file"; $(BIN)/python "$$file" $(ARGS); \
	done

clean:  ## remove caches and what builds leave behind; keeps the environment and out/
	rm -rf build dist src/*.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache .coverage
	find src tests benchmarks notebooks .ci \
		\( -name __pycache__ -o -name .ipynb_checkpoints \) -prune -exec rm -rf {} +

distclean: clean  ## clean, and remove .venv and the runs in out/
	rm -rf .venv out

# The stamps below tell what is installed, so that a second call installs nothing.

$(VENV)/.o2c-run: pyproject.toml constraints.txt | $(BIN)/python
	@echo "Installing into $(VENV) ..."
	@$(PIP) -c constraints.txt -e .
	@touch $@

$(VENV)/.o2c-dev: $(SOURCES) | $(BIN)/python
	@echo "Installing into $(VENV), with tests and linters ..."
	@$(PIP) -c constraints.txt -e '.[test,lint]'
	@$(PIP) --no-deps -r tests/oracles.txt
	@touch $(VENV)/.o2c-run $@

$(BIN)/python:
	@command -v $(PYTHON) >/dev/null || { \
		echo "o2c-twin needs Python 3.11 or newer, and there is no '$(PYTHON)'. Name one: make PYTHON=python3.12" >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
		echo "o2c-twin needs Python 3.11 or newer; '$(PYTHON)' is $$($(PYTHON) -V 2>&1). Name another: make PYTHON=python3.12" >&2; exit 1; }
	@echo "Making the environment $(VENV) ..."
	@$(PYTHON) -m venv $(VENV)
	@rm -f $(VENV)/.o2c-*
