# `make demo` serves the page, `make test` checks everything; both set up .venv first and need only Python >= 3.11.

PYTHON ?= $(shell for python in python3.11 python3 python3.12 python3.13 python; do \
	"$$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && command -v "$$python" && break; done)
VENV ?= .venv
PORT ?= 7860
# What `make test` installs beside the demo; the CRF's reference needs a compiler: EXTRAS=dev,openvino,crf-reference
EXTRAS ?= dev,openvino
# For pip, such as --extra-index-url https://download.pytorch.org/whl/cpu, which keeps CUDA off a Linux machine.
PIP_FLAGS ?=
# Tests run side by side, a file in one process, one more than there are cores: browsers wait a lot, and at most four.
# What is slow by nature is run by .ci/run only.
WORKERS ?= $(shell "$(PYTHON)" -c 'import os; print(min(4, (os.cpu_count() or 1) + 1))')
PARALLEL = -n $(WORKERS) --dist loadfile
PYTEST_FLAGS ?= -m "not slow" $(PARALLEL)

comma := ,
BIN := $(VENV)/bin
DEMO := $(VENV)/.installed
TESTS := $(VENV)/.installed-$(subst $(comma),+,$(EXTRAS))

.PHONY: help demo test lint style types tests format chromium clean

help:
	@echo "make demo     serve the page on http://127.0.0.1:$(PORT)"
	@echo "make test     lint, types and all tests"
	@echo "make lint     lint and types alone"
	@echo "make format   format the code"
	@echo "make clean    remove the environment and caches"

demo: $(DEMO)
	$(BIN)/python app.py --port $(PORT)

# Types beside the tests: mypy keeps one core busy for a minute.
test: style chromium
	$(MAKE) --no-print-directory -j 2 types tests

lint: style types

style: $(TESTS)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(TESTS)
	$(BIN)/mypy

tests: $(TESTS)
	$(BIN)/python -m pytest $(PYTEST_FLAGS)

format: $(TESTS)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

# The browser tests drive the Chromium on the PATH.
chromium:
	@command -v chromium >/dev/null && exit 0; \
	install="apt-get install -y --no-install-recommends chromium"; \
	if command -v apt-get >/dev/null && [ "$$(id -u)" = 0 ]; then apt-get update && $$install; \
	elif command -v apt-get >/dev/null && sudo -n true 2>/dev/null; then sudo apt-get update && sudo $$install; fi; \
	command -v chromium >/dev/null && exit 0; \
	echo "The browser tests need Chromium on the PATH: run  sudo apt-get install -y --no-install-recommends chromium" >&2; \
	exit 1

$(BIN)/python:
	@test -n "$(PYTHON)" || { echo "Python 3.11 or newer is needed: install it, or name it with PYTHON=..." >&2; exit 1; }
	$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); \
	echo "Python's venv module is needed: on Debian run  sudo apt-get install -y python3-venv" >&2; exit 1; }

# One call to pip each, so that torch's pin holds for all that depend on it.
$(DEMO): requirements.txt pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet $(PIP_FLAGS) -e .
	@touch $@

$(TESTS): requirements.txt pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet $(PIP_FLAGS) -e ".[$(EXTRAS)]"
	@touch $@ $(DEMO)

clean:
	rm -rf $(VENV) .venv-newest node_modules .coverage build dist *.egg-info .mypy_cache .pytest_cache .ruff_cache
