# `make demo` and `make test` each set up what they need and run.

PYTHON ?= python3.11
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --quiet --constraint constraints.txt
REPORT ?= report
DATA ?=
ARGS ?=

.DEFAULT_GOAL := help
.PHONY: help setup lucene setup-bench setup-tpu setup-gpu gpu-smoke demo study server check-docker docs test test-slow test-ui test-faults test-faults-short test-parity test-tpu check audit format clean

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(VENV)/.installed ## Make the virtual environment (instant when it is up to date)

$(VENV)/.installed: pyproject.toml constraints.txt
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(PIP) --editable '.[dev]'
	touch $@

$(VENV)/.installed-parity: $(VENV)/.installed-lucene
	$(PIP) --editable '.[dev,parity]'
	touch $@

$(VENV)/.installed-lucene: $(VENV)/.installed
	$(PIP) --editable '.[dev,lucene]'
	$(PIP) --no-deps pyserini
	touch $@

$(VENV)/.installed-bench: $(VENV)/.installed-lucene
	$(PIP) --editable '.[dev,bench]'
	touch $@

$(VENV)/.installed-docs: $(VENV)/.installed
	$(PIP) --editable '.[dev,docs]'
	touch $@

$(VENV)/.installed-gpu: $(VENV)/.installed
	$(PIP) --editable '.[dev,gpu]'
	touch $@

$(VENV)/.installed-tpu: $(VENV)/.installed
	$(PIP) --editable '.[dev,tpu]'
	touch $@

$(VENV)/.installed-docker: $(VENV)/.installed
	$(PIP) --editable '.[dev,docker]'
	touch $@

setup-tpu: $(VENV)/.installed-tpu ## Add libtpu, with which `qamat plan` compiles for TPUs

setup-gpu: $(VENV)/.installed-gpu ## Add CUDA, with which JAX runs on NVIDIA GPUs

gpu-smoke: setup ## Train `small` for some hundred steps where a GPU is (after setup-gpu); DATA=FILE of passages
	$(BIN)/python -m tests.benchmarks.gpu_smoke $(if $(DATA),--data $(DATA)) $(ARGS)

lucene: $(VENV)/.installed-lucene ## Add the BM25 engine lucene (pyserini's Java side with a JRE; no torch)

setup-bench: $(VENV)/.installed-bench ## Add the peers of `qamat bench`

demo: setup ## Corpus to tables on two cores, one seed (preset mini)
	$(BIN)/qamat reproduce --preset mini --only table1,table2,table4,figure7,abstention,attribution --memory generated --out $(REPORT)

study: setup ## All tables, three seeds
	$(BIN)/qamat reproduce --preset mini --seeds 3 --out $(REPORT)

server: setup ## A local Prefect server with the deployments and a process worker (Ctrl-C ends both)
	$(BIN)/python -m flows.server

docs: $(VENV)/.installed-docs ## The documentation as pages that need no network, in site/; a warning is an error
	$(BIN)/python -m typer flows.cli.main utils docs --name qamat --title 'The command line' --output docs/reference/cli.md
	@mkdir -p build && $(BIN)/zensical build --clean --strict >build/docs.log 2>&1; made=$$?; cat build/docs.log; \
		test $$made = 0 && ! grep --quiet '^griffe: ' build/docs.log

test: setup ## Tests, without the slow ones and those that need torch
	@echo "T5 parity: against recorded outputs of transformers; make test-parity compares with transformers itself"
	$(BIN)/python -m pytest -m 'not slow and not live and not faults'

test-slow: setup ## The tests that take minutes
	$(BIN)/python -m pytest -m slow

test-ui: setup ## Deployments, the automation and the Prefect UI in Chromium, over SQLite and PostgreSQL (ten minutes; CI runs it)
	$(BIN)/python -m pytest -m slow tests/flows/test_deployments.py

test-faults: setup ## Kills, damage, races and full disks by the hundred (hours)
	$(BIN)/python -m pytest -m faults tests/faults

test-faults-short: setup ## A trial of each kind of them (two minutes; CI runs it)
	QAMAT_FAULT_TRIALS=1 $(BIN)/python -m pytest -m faults tests/faults -k 'random or damage or version or disk'

test-parity: $(VENV)/.installed-parity ## The live comparisons with transformers and Lucene (installs both)
	$(BIN)/python -m pytest -m live

test-tpu: $(VENV)/.installed-tpu ## The plans for TPUs (installs libtpu; no TPU is needed); at the paper's scale: make test-slow after it
	$(BIN)/python -m pytest -m 'not slow' tests/qamat_core/planning/test_tpu.py

check: setup ## Linters, types, direction of imports
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/pyright
	$(BIN)/lint-imports

check-docker: $(VENV)/.installed-docker ## Lint docker/ with hadolint and docker-compose (installs both; no engine is needed)
	$(BIN)/python -m pytest tests/docker -k 'hadolint or test_compose'

audit: ## Known vulnerabilities of the pinned dependencies (asks PyPI for its advisories)
	$(PYTHON) -m venv build/audit && build/audit/bin/python -m pip install --quiet pip-audit
	build/audit/bin/pip-audit --requirement constraints.txt --no-deps --disable-pip --strict

format: setup ## Format and mend what ruff can
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

clean: ## Remove the virtual environment, caches and the report (not the artifacts in qamat-home)
	rm -rf $(VENV) $(REPORT) site build dist .pytest_cache .ruff_cache .hypothesis .import_linter_cache .cache docs/reference/cli.md *.egg-info
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
