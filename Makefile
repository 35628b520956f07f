# Each target does its own set-up in .venv, quickly when nothing has changed.
# PYTHON=python3.12 selects the interpreter that .venv is made with.
SHELL := /bin/bash
.DEFAULT_GOAL := help
.NOTPARALLEL:
.PHONY: help install install-det test test-fast test-slow lint format types \
	docs demo demo-quick robustness-demo reproduce-smoke test-newest audit \
	torture mutation clean \
	preflight preflight-det

# What `make test-fast` runs, less what is marked slow, det or gpu.
FAST_TESTS := tests/test_core tests/test_algorithms tests/test_interception \
	tests/test_models tests/test_attacks tests/test_utils
# Where the smoke test of the tables goes.
SMOKE ?= work_dirs/reproduce_smoke
# Processes that run tests: one for each core, with one thread each.
WORKERS ?= auto

VENV_PYTHON := .venv/bin/python
ifeq ($(origin PYTHON), undefined)
PYTHON := $(shell $(VENV_PYTHON) -c '' 2>/dev/null \
	&& echo $(VENV_PYTHON) || echo python3)
endif
PIP := $(VENV_PYTHON) -m pip install -qq --no-input --disable-pip-version-check
# A file of tests stays in one process, in order: runs are repeatable. A test
# that ends its process, as one that hangs does, would be run again.
SPREAD := -n $(WORKERS) --dist loadfile --max-worker-restart 0
PARALLEL := OMP_NUM_THREADS=1 $(VENV_PYTHON) -m pytest $(SPREAD) \
	--durations=50 --durations-min=3

# A finished phase of the set-up leaves a stamp, which counts while it is newer
# than what the phase installed from.
STAMP := .venv/aemim_mm
VENV := $(STAMP)-venv.stamp
CORE := $(STAMP)-core.stamp
DET := $(STAMP)-det.stamp
ROBUSTNESS := $(STAMP)-robustness.stamp
TESTS := $(STAMP)-tests.stamp
DEV := $(STAMP)-dev.stamp
DOCS := $(STAMP)-docs.stamp
MUTATION := $(STAMP)-mutation.stamp
PINS := requirements/core.txt requirements/onedl.txt
# Further phases leave the core as it is.
AS_PINNED := $(PINS:%=-c %)

help:
	@echo 'make demo-quick   the main job on a few images: does it run here?'
	@echo 'make demo         the main job on Fashion-MNIST, start to report'
	@echo 'make robustness-demo  corruptions and attacks on its model'
	@echo 'make reproduce-smoke  every table and figure, in miniature'
	@echo 'make install      core: pre-training, fine-tuning, evaluation'
	@echo 'make install-det  core and detection (needs a C++ compiler once)'
	@echo 'make test-fast    the algorithm and its parts, without a compiler'
	@echo 'make test         install all that the tests need, and run them'
	@echo 'make test-slow    the tests that need minutes each'
	@echo 'make test-newest  the tests on the newest torch, timm and numpy'
	@echo 'make torture      kills runs at random, and lets them go on'
	@echo 'make mutation     do the tests of core/ notice its mutants?'
	@echo 'make lint         ruff check and ruff format --check'
	@echo 'make format       let ruff put right what it can'
	@echo 'make types        mypy'
	@echo 'make docs         the documentation as a site, in docs/_build'
	@echo 'make audit        known vulnerabilities of the pinned packages'
	@echo 'make clean        remove .venv and build products'
	@echo 'PYTHON=... selects the Python (3.11 to 3.13, tested: 3.11)'

install: preflight $(CORE)
install-det: preflight-det $(CORE) $(DET)

test: preflight-det $(CORE) $(DET) $(ROBUSTNESS) $(TESTS) $(DEV)
	@$(PARALLEL) -m 'not slow'

test-fast: preflight $(CORE) $(TESTS) $(DEV)
	@$(PARALLEL) -m 'not slow and not det and not gpu' $(FAST_TESTS)

test-slow: preflight-det $(CORE) $(DET) $(ROBUSTNESS) $(TESTS) $(DEV)
	@$(PARALLEL) -m slow

# Runs that are killed and go on. A call that was interrupted goes
# on, too. TORTURE='--only kill --times 3' is a part of it.
TORTURE ?= --page docs/robust_runs.md
torture: preflight $(CORE) $(ROBUSTNESS) $(TESTS)
	@OMP_NUM_THREADS=1 CUDA_VISIBLE_DEVICES=-1 PYTHONPATH=.:tests \
		$(VENV_PYTHON) -m torture $(TORTURE)

# A call that was interrupted goes on; only what has changed runs anew.
mutation: preflight $(CORE) $(TESTS) $(MUTATION)
	@OMP_NUM_THREADS=1 CUDA_VISIBLE_DEVICES=-1 $(VENV_PYTHON) -m mutmut run
	@$(VENV_PYTHON) -m mutmut results

# An environment of its own, in which nothing is pinned. Without compiled ops.
NEWEST := .venv-newest
test-newest: preflight
	@$(PYTHON) -m venv --clear $(NEWEST)
	@$(NEWEST)/bin/python -m pip install -qq --no-input --upgrade \
		--upgrade-strategy eager $(HEADLESS) -e '.[onedl,dev]'
	@$(NEWEST)/bin/python -m pip list --format freeze \
		| grep -E '^(torch|torchvision|timm|numpy|onedl-.*|opencv.*)==' \
		|| true
	@OMP_NUM_THREADS=1 $(NEWEST)/bin/python -m pytest $(SPREAD) \
		-m 'not slow and not det and not gpu'

# An environment of its own: pip-audit needs other packages than we do.
AUDIT := .venv-audit
audit: preflight
	@$(PYTHON) -m venv $(AUDIT)
	@$(AUDIT)/bin/python -m pip install -qq --no-input pip-audit
	@$(AUDIT)/bin/pip-audit --strict --disable-pip --no-deps --desc off \
		$(patsubst %,-r %,$(wildcard requirements/*.txt))

lint: preflight $(DEV)
	@$(VENV_PYTHON) -m ruff check .
	@$(VENV_PYTHON) -m ruff format --check .

format: preflight $(DEV)
	@$(VENV_PYTHON) -m ruff check --fix .
	@$(VENV_PYTHON) -m ruff format .

types: preflight $(CORE) $(DEV)
	@$(VENV_PYTHON) -m mypy

docs: preflight $(CORE) $(DOCS)
	@$(VENV_PYTHON) -m sphinx -q -W --keep-going docs docs/_build

demo: install
	@$(VENV_PYTHON) tools/demo.py

demo-quick: install
	@$(VENV_PYTHON) tools/demo.py --quick --work-dir work_dirs/demo_quick

robustness-demo: preflight $(CORE) $(ROBUSTNESS)
	@$(VENV_PYTHON) tools/robustness_demo.py

reproduce-smoke: install-det $(ROBUSTNESS)
	@$(VENV_PYTHON) tools/reproduce.py all --preset smoke --out $(SMOKE) \
		--jobs $$(nproc)

clean:
	rm -rf .venv .venv-audit .venv-newest build dist docs/_build mutants *.egg-info .pytest_cache .ruff_cache .mypy_cache
	find aemim_mm aemim_mm_cli benchmarks tests tools configs \
		-name __pycache__ -prune -exec rm -rf {} + 2>/dev/null || true

preflight preflight-det:
	@command -v $(PYTHON) >/dev/null || { echo "[setup] there is no\
 $(PYTHON): install Python 3.11, or name another one: make PYTHON=..." >&2; \
		exit 1; }
	@$(PYTHON) tools/setup/preflight.py \
		$(if $(filter %-det,$@),$(if $(wildcard $(DET)),,--compiler))

$(VENV):
	@echo '[setup] making .venv'
	@$(PYTHON) -m venv .venv
	@touch $@

# The headless OpenCV needs no libGL, which servers and containers lack, and is
# the only one: see the folder. What an older .venv has of the other goes, and
# with it files of both, so this one is installed anew.
HEADLESS := ./requirements/opencv-python
$(CORE): $(PINS) $(HEADLESS)/pyproject.toml setup.py aemim_mm/version.py \
		| $(VENV)
	@echo '[setup] core: torch, timm, mmengine, mmcv, mmpretrain:' \
		'2 to 4 minutes, 8 GB'
	@$(PIP) $(HEADLESS) $(PINS:%=-r %) -e .
	@$(PIP) --force-reinstall --no-deps $(AS_PINNED) \
		opencv-python-headless
	@$(VENV_PYTHON) -c 'import mmpretrain, timm, torchvision' >/dev/null
	@touch $@

$(DET): $(CORE) requirements/build.txt requirements/det.txt
	@echo "[setup] det: mmcv's compiled ops, mmdet:" \
		'1 minute where the ops are built'
	@$(PIP) -r requirements/build.txt
	@wheel=$$($(VENV_PYTHON) tools/setup/mmcv_wheel.py) \
		&& $(PIP) --force-reinstall --no-deps "$$wheel"
	@$(PIP) -r requirements/det.txt $(AS_PINNED)
	@$(VENV_PYTHON) tools/setup/check_ops.py
	@touch $@

$(ROBUSTNESS) $(TESTS) $(DEV) $(DOCS) $(MUTATION): $(STAMP)-%.stamp: requirements/%.txt | $(VENV)
	@echo '[setup] $*: half a minute or less'
	@$(PIP) -r $< $(AS_PINNED)
	@touch $@
