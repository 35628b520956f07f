# Each target does its own set-up in .venv, quickly when nothing has changed.
# PYTHON=python3.12 selects the interpreter that .venv is made with.
SHELL := /bin/bash
.DEFAULT_GOAL := help
.PHONY: help install install-det test lint demo robustness-demo clean

VENV_PYTHON := .venv/bin/python
ifeq ($(origin PYTHON), undefined)
PYTHON := $(shell $(VENV_PYTHON) -c '' 2>/dev/null \
	&& echo $(VENV_PYTHON) || echo python3)
endif
SETUP := $(PYTHON) tools/setup/environment.py

define preflight
@command -v $(PYTHON) >/dev/null || { echo "[setup] there is no $(PYTHON):\
 install Python 3.11, or name another one: make PYTHON=..." >&2; exit 1; }
@$(PYTHON) tools/setup/preflight.py
endef

help:
	@echo 'make demo         the main job on Fashion-MNIST, start to report'
	@echo 'make robustness-demo  corruptions and attacks on its model'
	@echo 'make test         install all that the tests need, and run them'
	@echo 'make install      core: pre-training, fine-tuning, evaluation'
	@echo 'make install-det  core and detection (needs a C++ compiler once)'
	@echo 'make lint         ruff check and ruff format --check'
	@echo 'make clean        remove .venv and build products'
	@echo 'PYTHON=... selects the Python (3.10 to 3.13, tested: 3.11)'

install:
	$(preflight)
	@$(SETUP) core

install-det:
	$(preflight)
	@$(SETUP) core det

test:
	$(preflight)
	@$(SETUP) core det robustness tests dev
	@$(VENV_PYTHON) -m pytest

lint:
	$(preflight)
	@$(SETUP) dev
	@$(VENV_PYTHON) -m ruff check .
	@$(VENV_PYTHON) -m ruff format --check .

demo: install
	@$(VENV_PYTHON) tools/demo.py

robustness-demo:
	$(preflight)
	@$(SETUP) core robustness
	@$(VENV_PYTHON) tools/robustness_demo.py

clean:
	rm -rf .venv build dist *.egg-info .pytest_cache .ruff_cache
	find aemim_mm tests tools configs -name __pycache__ -prune \
		-exec rm -rf {} + 2>/dev/null || true
