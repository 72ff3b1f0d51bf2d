# Everything a checkout needs. `make demo` and `make test` set up all they use by themselves.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt
OUT ?= demo

.PHONY: setup demo check test test-all docs bench clean

setup: $(VENV)/.installed-dev

$(VENV)/bin/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/.installed-demo: pyproject.toml constraints.txt | $(VENV)/bin/python
	$(PIP) -e '.[plots]'
	touch $@

$(VENV)/.installed-dev: pyproject.toml constraints.txt | $(VENV)/bin/python
	$(PIP) -e '.[dev,docs]'
	touch $@ $(VENV)/.installed-demo

demo: $(VENV)/.installed-demo
	$(BIN)/python examples/demo.py --out '$(OUT)' $(if $(SONG),--song '$(SONG)')

check: setup
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet --site-dir build/site

test: check
	$(BIN)/python -m pytest -m 'not slow and not peers' -n auto --dist worksteal --doctest-modules tests src/auralflow
	$(BIN)/python tests/wheel/try_wheel.py

test-all: check
	$(BIN)/python -m pytest --doctest-modules tests src/auralflow

docs: setup
	$(BIN)/mkdocs serve

bench: setup
	$(BIN)/python benchmarks/separate.py
	$(BIN)/python benchmarks/data.py
	$(BIN)/python benchmarks/train.py
	$(BIN)/python benchmarks/evaluate.py

clean:
	rm -rf build dist demo separated site .pytest_cache .mypy_cache .ruff_cache
