# Each target installs what it needs. Only python3 (3.11 or newer) and make are required.
PYTHON ?= python3
VENV   ?= .venv
BIN    := $(VENV)/bin
# Test files run in the order of tests/conftest.py, slow ones first.
PYTEST := $(BIN)/pytest -n auto --dist loadfile --no-loadscope-reorder

.PHONY: help demo tour test gates soak bench lint types lock format provider-table pictures hands noise clean

help: ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 16

demo: $(VENV)/.playable ## try it in the browser, with no account anywhere
	@$(BIN)/python -m bot demo

tour: $(VENV)/.playable ## play the whole workflow in the terminal, with no account anywhere (HTTP=1: over HTTP)
	@$(BIN)/python -m playground.tour $(if $(filter 1,$(HTTP)),--http)

test: lint types ## lint, types and all tests, with a third of the faults (HTTP=1: e2e tests and the tour over HTTP)
	CALLOPS_GATES=$${CALLOPS_GATES:-0.3} $(if $(filter 1,$(HTTP)),CALLOPS_TEST_MODE=http) $(PYTEST)

gates: $(VENV)/.installed ## the fault tests in full, and a table of their outcomes
	CALLOPS_GATES=$${CALLOPS_GATES:-1} $(PYTEST) tests/faults

soak: $(VENV)/.installed ## the fault tests with ten times their faults, and a table of their outcomes
	CALLOPS_GATES=$${CALLOPS_GATES:-10} $(PYTEST) tests/faults

bench: $(VENV)/.installed ## benchmarks: parsing, acknowledging a command, a burst, a provider request, a page of a long log
	@missed=0; for one in reading acknowledging provider_request log_search; do \
	  $(BIN)/python -m tests.benchmarks.$$one || missed=1; done; exit $$missed

lint: $(VENV)/.installed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports

types: $(VENV)/.installed
	$(BIN)/mypy

format: $(VENV)/.installed ## format the code with ruff
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

provider-table: $(VENV)/.installed ## write the tables of providers from the adapters' declarations
	$(BIN)/python -m providers.feature_matrix

lock: ## resolve and lock the dependencies (needs uv)
	uv pip compile --quiet --universal --generate-hashes --no-header --no-annotate pyproject.toml -o requirements.txt
	uv pip compile --quiet --universal --generate-hashes --no-header --no-annotate --extra playground -c requirements.txt pyproject.toml -o requirements-playground.txt
	uv pip compile --quiet --universal --generate-hashes --no-header --no-annotate --extra playground --group dev -c requirements.txt pyproject.toml -o requirements-dev.txt
	echo prometheus-client | uv pip compile --quiet --universal --generate-hashes --no-header --no-annotate -c requirements-dev.txt - -o requirements-metrics.txt

pictures: $(VENV)/.installed ## take the documents' pictures (needs Chromium)
	PICTURES=docs/pictures $(BIN)/pytest tests/browser/test_pictures.py tests/browser/test_road.py::test_a_field_error_keeps_what_was_typed tests/browser/test_pausing.py tests/browser/test_call_lists.py

hands: $(VENV)/.installed ## count the keys and taps of docs/hands.md (needs Chromium)
	HANDS=1 $(BIN)/pytest tests/browser/test_hands.py

noise: $(VENV)/.installed ## count the messages of ten everyday stories for docs/hands.md
	$(BIN)/python -m tests.support.noise

clean: ## delete the environment and the tools' caches
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache

# The demo and the tour need fewer packages than the tests, so they start in half the time.
$(VENV)/.playable: requirements-playground.txt
	$(call install,$<)

$(VENV)/.installed: requirements-dev.txt
	$(call install,$<)
	@touch $(VENV)/.playable

# --no-compile: Python compiles what it imports, but pip would compile every file.
define install
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "CallOps needs Python 3.11 or newer; $(PYTHON) is $$($(PYTHON) --version 2>&1). Try: make PYTHON=python3.12 $(MAKECMDGOALS)"; exit 1; }
	@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null || \
	  { echo "Python's venv is missing. On Debian or Ubuntu: sudo apt-get install python3-venv"; exit 1; }
	@echo "Setting up $(VENV) (about 20 s)…"
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-compile --require-hashes -r $(1)
	@touch $@
endef
