# `make` prints the targets. Nothing here needs root; Python >= 3.11, make and pip are enough.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.DEFAULT_GOAL := help
.PHONY: help setup demo ml test other-httpx soak check check-deploy spec generate regenerate docs build smoke fresh bench serve lock clean

help: ## print the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

# A lock names every library with its hashes, so pip has nothing to resolve (`--no-deps`): a release of tomorrow changes
# nothing. The machine says where the index is (PIP_INDEX_URL, pip.conf); which versions, the lock alone says.
PIP := PIP_CONSTRAINT=/dev/null PIP_REQUIRE_HASHES=0 PIP_USER=0 $(BIN)/python -m pip --disable-pip-version-check
define install
	@$(PIP) install --quiet --no-compile --no-deps --require-hashes -r $(1)
	@$(BIN)/python -m compileall -q -j 0 $(VENV)/lib >/dev/null 2>&1 || true
endef
# What is installed has to be all that it needs itself.
define hold
	@$(PIP) check >$(VENV)/check.txt || { cat $(VENV)/check.txt; exit 1; }
	@touch $@
endef

$(VENV)/.base: locks/run.txt pyproject.toml
	@command -v "$(PYTHON)" >/dev/null || { echo "cl-client needs Python 3.11 or newer, and there is no $(PYTHON) here" >&2; exit 1; }
	@"$(PYTHON)" -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else "cl-client needs Python 3.11 or newer, and $(PYTHON) is %d.%d; with another one: make PYTHON=python3.12 $(MAKECMDGOALS)" % sys.version_info[:2])'
	@echo "Installing into $(VENV), about a minute …"
	@$(BIN)/python -m pip --version >/dev/null 2>&1 || "$(PYTHON)" -m venv --clear $(VENV)
	$(call install,locks/run.txt)
	@$(PIP) install --quiet --no-deps --no-build-isolation -e .
	@$(BIN)/python -m compileall -q -j 0 src generated >/dev/null 2>&1 || true
	$(hold)

$(VENV)/.ml: $(VENV)/.base locks/ml.txt
	@echo "Installing the libraries of the other plugins, about half a minute …"
	$(call install,locks/ml.txt)
	$(hold)

$(VENV)/.dev: $(VENV)/.base locks/dev.txt
	@echo "Installing what development needs, about a minute …"
	$(call install,locks/dev.txt)
	@# What is not compiled here is compiled when it is used.
	@PYTHONDONTWRITEBYTECODE= $(BIN)/python -c "from pathlib import Path; from cl_codegen.write.render import compile_all; compile_all(Path('templates'))" 2>/dev/null || true
	$(hold)

$(VENV)/.docs: $(VENV)/.dev locks/docs.txt
	$(call install,locks/docs.txt)
	$(hold)

setup: $(VENV)/.dev ## make the virtual environment with everything for development

demo: $(VENV)/.base ## the main job: a photo through a real server, and its results on disk
	@$(BIN)/cl-client demo

ml: $(VENV)/.ml ## add the plugins that `make demo` leaves out: faces, films, embeddings
	@echo "Done: make demo and make serve offer them too. An embedding needs its model file besides:"
	@echo "  $(BIN)/cl-client server models list"

# The suite starts Python some thousand times: what is compiled once is kept, whatever this shell says.
test: export PYTHONDONTWRITEBYTECODE =
test: $(VENV)/.dev ## the whole test suite
	@# The report is made here, because pytest-cov makes it twice: for the total, and to show it.
	$(BIN)/python -m pytest -n 3 --dist loadgroup --no-loadscope-reorder --cov --cov-report= --cov-fail-under=0
	@$(BIN)/python -m coverage report

other-httpx: $(VENV)/.dev ## the tests of the client once more, with httpx2 in the place of httpx
	$(BIN)/python -m pytest -p tests.under_httpx2 -q -n 2 tests/unit/client tests/faults/test_http_options.py \
		tests/faults/test_retry.py tests/faults/test_way_to_server.py tests/integration/client/test_testing.py

soak: $(VENV)/.dev ## 20,000 jobs while everything fails, on one machine or on many hosts: make soak [SOAK_SEED=…] [SOAK_JOBS=…] [SOAK_HOSTS=4]
	SOAK_JOBS=$${SOAK_JOBS:-$(if $(SOAK_HOSTS),2000,20000)} $(BIN)/python -m pytest -s $(if $(SOAK_HOSTS),tests/faults/test_soak_hosts.py,tests/faults/test_soak.py)

check: $(VENV)/.dev ## lint, types, imports, drift of generated files, texts for people and agents
	$(BIN)/ruff check src tests docs
	$(BIN)/ruff format --check src tests docs
	$(BIN)/basedpyright
	$(BIN)/lint-imports
	$(BIN)/python -m cl_server spec --check openapi
	$(BIN)/python -m cl_codegen check
	$(BIN)/python -m pytest -q tests/integration/codegen/check_types.py tests/unit/cli/test_command_schema.py tests/unit/docs

check-deploy: $(VENV)/.dev ## lint docs/deploy: hadolint, and the schemas of Kubernetes
	@$(BIN)/python -m venv --clear build/deploy
	@PIP_CONSTRAINT=/dev/null PIP_USER=0 build/deploy/bin/python -m pip --disable-pip-version-check install --quiet --no-compile --no-deps --require-hashes -r locks/deploy.txt
	build/deploy/bin/hadolint docs/deploy/Dockerfile
	build/deploy/bin/kubernetes-validate --strict --kubernetes-version 1.31 --quiet docs/deploy/kubernetes.yaml

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

fresh: ## these commands on a machine that is new: make fresh [VERSIONS="3.12 3.13" | VERSIONS=oldest]
	"$(PYTHON)" -m tests.fresh $(VERSIONS)

bench: $(VENV)/.dev ## measure, as ratios; JSON under build/
	$(BIN)/python -m tests.bench

serve: $(VENV)/.base ## broker, compute server and workers on 127.0.0.1
	$(BIN)/cl-client server up

COMPILE = uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --no-annotate
RUN = echo 'hatchling>=1.27,<2' | $(COMPILE) --constraint locks/dev.txt --extra server

lock: ## write locks/ anew from pyproject.toml (needs uv)
	$(COMPILE) --extra server --extra ml --extra postgres --extra s3 --extra keyring --extra mcp --extra codegen --group dev pyproject.toml -o locks/dev.txt
	$(COMPILE) --group docs --constraint locks/dev.txt -o locks/docs.txt
	$(COMPILE) --group deploy --constraint locks/dev.txt -o locks/deploy.txt
	$(RUN) pyproject.toml - -o locks/run.txt
	$(RUN) --extra ml pyproject.toml - -o locks/ml.txt
	$(RUN) --extra ml --extra postgres --extra s3 pyproject.toml - -o locks/image.txt

clean: ## remove what the other targets made
	rm -rf $(VENV) build dist
