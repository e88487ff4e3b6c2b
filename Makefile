# make repro: from a fresh clone to music. make test: the same set-up, then every check.
PYTHON ?= $(shell command -v python3.11 || command -v python3)
# never the interpreter of a virtual environment, which may be the one to be made anew
BASE := $(shell $(PYTHON) -c 'import sys; print(sys._base_executable)' 2>/dev/null)
VENV := .venv
BIN := $(VENV)/bin
export PATH := $(CURDIR)/$(BIN):$(PATH)
export MLFLOW_DISABLE_TELEMETRY := true

.PHONY: help setup repro test test-all chaos deps lint format bench bench-likelihood bench-gan ui studio lock clean

help: ## show what can be made
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 20

setup: $(VENV)/.ready ## make .venv from requirements.lock (kept while the lock is unchanged)

$(VENV)/.ready: requirements.lock pyproject.toml
	@"$(BASE)" -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))' 2>/dev/null || \
	  { echo "Python 3.11 was not found: install it, or say make PYTHON=/path/to/python3.11"; exit 1; }
	@echo "installing what requirements.lock pins into $(VENV) (about three minutes)"
	$(BASE) -m venv --clear $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps -r requirements.lock
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

repro: setup ## fetch the default corpus and run the pipeline
	ostinato fetch
	dvc repro
	@echo
	@echo "listen    outputs/samples/listen.html"
	@echo "report    outputs/evaluation/report.html"
	@echo "runs      make ui prints the address that shows them, and opens it where there is a screen"

ui: setup ## show the MLflow runs in the browser
	ostinato ui

studio: setup ## play with the trained model in the browser
	ostinato studio

deps: setup ## write into dvc.yaml which source files each stage runs
	python tests/dependencies.py

lint: setup ## ruff and mypy
	ruff check .
	ruff format --check .
	mypy

format: setup ## let ruff mend what it can
	ruff check --fix .
	ruff format .

test: export OMP_NUM_THREADS = 1
test: lint ## lint, types and tests, a file of them on each core at a time, long ones not last
	pytest -q -n auto --dist loadfile --no-loadscope-reorder

test-all: export HYPOTHESIS_PROFILE = exploring
test-all: lint ## the slow tests too, and other examples each time
	pytest -q -m "slow or not slow"

chaos: export CHAOS_KILLS = $(or $(KILLS),500)
chaos: export CHAOS_POINTS = $(or $(POINTS),30)
chaos: export CHAOS_SEED = $(or $(SEED),1)
chaos: setup ## kill, crash, start at once, hostile input: KILLS=500 random kills of every stage, SEED=1
	pytest -q -n 2 --dist worksteal -m "slow or not slow" --tb=short \
	  tests/chaos tests/config/test_passwords.py $(wildcard tests/*/test_hostile_*.py)

bench: setup ## how fast everything is, beside its peers: half an hour (after fetch corpus=pop909)
	python benchmarks/speed/run.py $(ONLY)

bench-likelihood: setup ## a row of the table of likelihoods: ROW=jsb_best, or all; CORPUS=musedata
	python benchmarks/likelihood/run.py $(ROW) $(SET) $(if $(CORPUS),--corpus $(CORPUS))

bench-gan: setup ## the GAN on chorales: three seeds of two bars and of four, up to 20 minutes each
	python benchmarks/gan/run.py $(if $(BARS),--bars $(BARS)) $(if $(SEEDS),--seeds $(SEEDS)) $(SET)

lock: ## pin the newest versions that pyproject.toml admits
	$(BASE) -m venv --clear .venv-lock
	.venv-lock/bin/pip install --quiet --disable-pip-version-check -e '.[dev]'
	.venv-lock/bin/pip install --quiet --disable-pip-version-check --no-deps hydra-optuna-sweeper==1.3.0
	{ echo "# Made by make lock. Install with --no-deps: hydra-optuna-sweeper asks for an optuna that"; \
	  echo "# no longer works; the one pinned here does."; \
	  .venv-lock/bin/pip freeze --all --exclude-editable --exclude pip | sed 's/+cpu$$//'; } > requirements.lock
	rm -rf .venv-lock

clean: ## remove what the pipeline made, but neither data/ nor the MLflow runs
	rm -rf outputs/pieces outputs/split.json outputs/model outputs/curves.csv outputs/samples \
	  outputs/evaluation outputs/cache outputs/checkpoints outputs/runs outputs/sweeps outputs/benchmarks
