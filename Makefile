# `make` prints the targets. Nothing here needs root; Python >= 3.11, make and pip are enough.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.DEFAULT_GOAL := help
.PHONY: help setup demo test soak check spec generate regenerate docs build smoke bench serve lock clean

help: ## print the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

$(VENV)/.base: constraints.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else "cl-client needs Python 3.11 or newer; try: make PYTHON=python3.12 …")'
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r constraints.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

$(VENV)/.dev: $(VENV)/.base constraints-dev.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r constraints-dev.txt
	@touch $@

$(VENV)/.docs: $(VENV)/.dev constraints-docs.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r constraints-docs.txt
	@touch $@

setup: $(VENV)/.dev ## make the virtual environment with everything for development

demo: $(VENV)/.base ## the main job: a photo through a real server, and its results on disk
	$(BIN)/cl-client demo

test: $(VENV)/.dev ## the whole test suite
	$(BIN)/python -m pytest -n 4 --cov --cov-report=term:skip-covered

soak: $(VENV)/.dev ## 20,000 jobs while everything fails: make soak [SOAK_SEED=…] [SOAK_JOBS=…]
	SOAK_JOBS=$${SOAK_JOBS:-20000} $(BIN)/python -m pytest -s tests/faults/test_soak.py

check: $(VENV)/.dev ## what has to hold before a change lands: lint, types, imports, drift
	$(BIN)/ruff check src tests docs
	$(BIN)/ruff format --check src tests docs
	$(BIN)/basedpyright
	$(BIN)/lint-imports
	$(BIN)/python -m cl_server spec --check openapi
	$(BIN)/python -m cl_codegen check

spec: $(VENV)/.dev ## write openapi/ from the servers
	$(BIN)/python -m cl_server spec openapi

generate: $(VENV)/.dev ## write generated/ from openapi/ and templates/
	$(BIN)/python -m cl_codegen generate

regenerate: $(VENV)/.dev ## follow a running server: make regenerate SERVER=http://127.0.0.1:8002 [AUTH=URL]
	@$(BIN)/python -m cl_codegen regenerate --compute "$(SERVER)" --auth "$(AUTH)"

docs: $(VENV)/.docs ## the documentation as a site, in build/site; a broken link or reference is an error
	$(BIN)/python -m docs.site

build: $(VENV)/.base ## wheel and sdist, in build/dist
	rm -rf build/dist
	$(BIN)/hatchling build -d build/dist

smoke: $(VENV)/.dev build ## install both into empty environments of each Python there is, and run a job with each
	$(BIN)/python -m tests.smoke build/dist

bench: $(VENV)/.dev ## measure, as ratios; JSON under build/
	$(BIN)/python -m tests.bench

serve: $(VENV)/.base ## broker, compute server and workers on 127.0.0.1
	$(BIN)/cl-client server up

COMPILE = uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --no-annotate

lock: ## write the locks of versions anew from pyproject.toml (needs uv)
	$(COMPILE) --extra server --extra ml --extra postgres --extra s3 --extra keyring --extra codegen --group dev pyproject.toml -o constraints-dev.txt
	$(COMPILE) --group docs --constraint constraints-dev.txt -o constraints-docs.txt
	echo 'hatchling>=1.27,<2' | $(COMPILE) --extra server --constraint constraints-dev.txt pyproject.toml - -o constraints.txt

clean: ## remove what the other targets made
	rm -rf $(VENV) build dist
