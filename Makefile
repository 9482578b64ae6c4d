# Each target sets itself up: nothing but python3 (3.11 or newer) and make is needed.
PYTHON ?= python3
VENV   ?= .venv
BIN    := $(VENV)/bin
# Files in the order of tests/conftest.py, those that take long first.
PYTEST := $(BIN)/pytest -n auto --dist loadfile --no-loadscope-reorder

.PHONY: help demo tour test gates soak bench lint types lock format provider-table pictures hands clean

help: ## what can be made
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 16

demo: $(VENV)/.playable ## try it in the browser, with no account anywhere
	@$(BIN)/python -m bot demo

tour: $(VENV)/.playable ## play the whole road in the terminal, with no account anywhere (HTTP=1: over HTTP)
	@$(BIN)/python -m playground.tour $(if $(filter 1,$(HTTP)),--http)

test: lint types ## everything that must hold; the gates with a third of their faults (HTTP=1: the road and the tour over HTTP)
	CALLOPS_GATES=$${CALLOPS_GATES:-0.3} $(if $(filter 1,$(HTTP)),CALLOPS_TEST_MODE=http) $(PYTEST)

gates: $(VENV)/.installed ## all faults of the gates, and a table of what came of them
	CALLOPS_GATES=$${CALLOPS_GATES:-1} $(PYTEST) tests/faults

soak: $(VENV)/.installed ## ten times the faults of the gates, and a table of what came of them
	CALLOPS_GATES=$${CALLOPS_GATES:-10} $(PYTEST) tests/faults

bench: $(VENV)/.installed ## how fast texts are read, a command is acknowledged, a burst is sent; a provider request; a page of a long log
	@missed=0; for one in reading acknowledging provider_request log_search; do \
	  $(BIN)/python -m tests.benchmarks.$$one || missed=1; done; exit $$missed

lint: $(VENV)/.installed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports

types: $(VENV)/.installed
	$(BIN)/mypy

format: $(VENV)/.installed ## let ruff lay out the code
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

provider-table: $(VENV)/.installed ## write the tables of providers anew, from what the adapters declare
	$(BIN)/python -m providers.feature_matrix

lock: ## resolve the dependencies anew (needs uv)
	uv pip compile --quiet --universal --generate-hashes --no-header --no-annotate pyproject.toml -o requirements.txt
	uv pip compile --quiet --universal --generate-hashes --no-header --no-annotate --group playground -c requirements.txt pyproject.toml -o requirements-playground.txt
	uv pip compile --quiet --universal --generate-hashes --no-header --no-annotate --group dev -c requirements.txt pyproject.toml -o requirements-dev.txt

pictures: $(VENV)/.installed ## take the documents' pictures anew (needs Chromium)
	PICTURES=docs/pictures $(BIN)/pytest tests/browser/test_road.py tests/browser/test_access.py

hands: $(VENV)/.installed ## count the keys and taps of docs/hands.md anew (needs Chromium)
	HANDS=1 $(BIN)/pytest tests/browser/test_hands.py

clean: ## forget the environment and what the tools left
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache

# What is played needs less than what is tested: it is there in half the time.
$(VENV)/.playable: requirements-playground.txt
	$(call install,$<)

$(VENV)/.installed: requirements-dev.txt
	$(call install,$<)
	@touch $(VENV)/.playable

# Python compiles what it imports; pip would compile all there is.
define install
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "CallOps needs Python 3.11 or newer; $(PYTHON) is $$($(PYTHON) --version 2>&1). Try: make PYTHON=python3.12 $(MAKECMDGOALS)"; exit 1; }
	@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null || \
	  { echo "Python's venv is missing. On Debian or Ubuntu: sudo apt-get install python3-venv"; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-compile --require-hashes -r $(1)
	@touch $@
endef
