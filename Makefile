# One environment, in .venv; stamp files inside it remember what it holds, so a second call installs nothing.
#
#   make demo       a study of digits at three numbers of labels, from nothing but Python 3.11 or newer
#   make test       lint, types and every test
#   make check      lint and types only
#   make bench      the benchmarks behind benchmarks/RESULTS.md
#   make map        the README's map and the table of recipes, from the first line of every file
#   make notebooks  the notebooks, from the examples and the recipes
#   make recipes    every recipe in quick form, in runs/recipes; wants HEADSTART_DATA
#
# Another Python: make demo PYTHON=python3.12

PYTHON ?= python3
JOBS ?= 2

BIN := .venv/bin
PIP := $(BIN)/python -m pip install --quiet --quiet --disable-pip-version-check --constraint constraints.txt
NEEDS := $(BIN)/python pyproject.toml constraints.txt

.PHONY: demo test check bench map notebooks recipes
.DELETE_ON_ERROR:

demo: .venv/core.stamp
	@$(BIN)/headstart study digits --budgets 5,25,all --resume

test: check
	@echo "Testing, $(JOBS) at a time …"
	@OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n $(JOBS) --dist worksteal --quiet

check: .venv/all.stamp
	@echo "Checking format, lint and types …"
	@$(BIN)/ruff format --check --quiet .
	@$(BIN)/ruff check --quiet .
	@$(BIN)/ruff check --quiet --isolated --select F821 benchmarks docs examples  # shape strings spoil it elsewhere
	@$(BIN)/basedpyright

bench: .venv/all.stamp
	@for bench in benchmarks/bench_*.py; do echo "$$bench"; $(BIN)/python $$bench || exit 1; done

map: .venv/core.stamp
	@$(BIN)/python docs/draw_map.py

notebooks: .venv/core.stamp
	@$(BIN)/python docs/draw_notebooks.py

recipes: .venv/core.stamp
	@$(BIN)/python docs/run_recipes.py

$(BIN)/python:
	@command -v "$(PYTHON)" >/dev/null || \
		{ echo "headstart needs Python 3.11 or newer, and there is no '$(PYTHON)': name one, as in make demo PYTHON=python3.12" >&2; exit 1; }
	@"$(PYTHON)" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "headstart needs Python 3.11 or newer, and '$(PYTHON)' is $$("$(PYTHON)" --version 2>&1): name a newer one, as in make demo PYTHON=python3.12" >&2; exit 1; }
	@echo "Making the environment .venv with $$("$(PYTHON)" --version) …"
	@"$(PYTHON)" -m venv .venv || \
		{ rm -rf .venv; echo "'$(PYTHON)' lacks its venv module: install it (on Debian and Ubuntu: python3-venv)" >&2; exit 1; }

.venv/core.stamp: $(NEEDS)
	@echo "Installing headstart and what it needs (minutes, the first time only) …"
	@$(PIP) --editable .
	@touch $@

.venv/all.stamp: $(NEEDS)
	@echo "Installing headstart with every extra (minutes, the first time only) …"
	@$(PIP) --editable '.[all]'
	@touch .venv/core.stamp $@
