# Everything a checkout needs. `make demo` and `make test` set up all they use by themselves.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-compile -c constraints.txt
OUT ?= demo
# One more than there are cores, for many tests wait for processes that they have started; and one thread each, for
# threads that find no core spin.
TEST_WORKERS ?= $(shell $(PYTHON) -c 'import os; print((os.cpu_count() or 1) + 1)')

# Two things at a time. Python may keep what it compiles, also where the environment forbids it: hundreds of processes
# that tests start would compile the package anew.
MAKEFLAGS += -j2
export PYTHONDONTWRITEBYTECODE =

.PHONY: setup demo check style types imports site wheel test test-all docs bench page page-check clean

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

# Without Node the page is still checked, by fingerprints, in the tests.
check: types style imports site $(if $(shell command -v npm),page-check)

types: setup
	$(BIN)/mypy

style: setup
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .

imports: setup
	$(BIN)/lint-imports --no-cache

site: setup
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet --site-dir build/site

wheel: setup
	$(BIN)/python tests/wheel/try_wheel.py

test: check wheel
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -m 'not slow and not peers' -n $(TEST_WORKERS) --dist worksteal --doctest-modules tests src/auralflow

test-all: check
	$(BIN)/python tests/wheel/try_wheel.py --download
	$(BIN)/python -m pytest --doctest-modules tests src/auralflow

docs: setup
	$(BIN)/mkdocs serve

bench: setup
	$(BIN)/python benchmarks/separate.py
	$(BIN)/python benchmarks/data.py
	$(BIN)/python benchmarks/train.py
	$(BIN)/python benchmarks/evaluate.py
	$(BIN)/python benchmarks/speed.py
	$(BIN)/python benchmarks/serve.py
	$(BIN)/python benchmarks/plan.py

# The page of `auralflow serve`. Its build is committed, so that only who changes the page needs Node.
page: page/node_modules/.package-lock.json
	cd page && npm run build

page-check: page/node_modules/.package-lock.json
	cd page && npm run check && npm test && npm run fresh -- --rebuild

page/node_modules/.package-lock.json: page/package.json page/package-lock.json
	cd page && npm ci --no-audit --no-fund

clean:
	rm -rf build dist demo separated site .pytest_cache .mypy_cache .ruff_cache
