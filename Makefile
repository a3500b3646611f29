# `make demo` installs and runs everything; `make help` lists the other targets.
# The first Python that pyproject.toml allows; another one: make PYTHON=/path/to/python
SUPPORTED := import re, sys, tomllib; v = list(map(int, re.findall(r"\d+", tomllib.load(open("pyproject.toml", "rb"))["project"]["requires-python"]))); sys.exit(not v[:2] <= list(sys.version_info[:2]) < v[2:])
PYTHON ?= $(shell for p in python3.11 python3.12 python3.13 python3; do $$p -c '$(SUPPORTED)' 2>/dev/null && echo $$p && break; done)
# TORCH=cpu installs the smaller build of PyTorch, without CUDA, from PyTorch's own index
TORCH ?=
BIN := .venv/bin
INSTALLED := .venv/.installed
export PATH := $(CURDIR)/$(BIN):$(PATH)
# Some containers set it. Each process would then compile the libraries that it imports again: ten seconds and more
unexport PYTHONDONTWRITEBYTECODE
# "moved" if .venv was made in another folder, which its scripts name
MOVED := $(shell was=$$(sed -n 's/^command = .* -m venv \(--[^ ]* \)*//p' .venv/pyvenv.cfg 2>/dev/null); \
  [ -z "$$was" ] || [ "$$was" = "$$(pwd -P)/.venv" ] || [ "$$was" = "$$(cd .venv && pwd -P)" ] || echo moved)

.PHONY: moved help demo codec test test-slow lint docs bench audit exp ui lock clean

help: ## list the targets
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

$(INSTALLED): requirements.lock pyproject.toml $(MOVED)
	@$(or $(PYTHON),false) -c '$(SUPPORTED)' 2>/dev/null || { echo "Python with a version in $$(grep -o 'requires-python.*' pyproject.toml) is required," \
	  "found $$($(or $(PYTHON),python3) -V 2>&1): make demo PYTHON=/path/to/python" >&2; exit 1; }
	@echo "installing into .venv"
	$(PYTHON) -m venv .venv
	@grep -vE '$(if $(TORCH),^(nvidia|cuda|triton),^$$)' requirements.lock > .venv/requirements.txt
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check uv 2>/dev/null || echo "uv is not available: pip installs the packages, which takes longer"
	@if [ -x $(BIN)/uv ]; then \
	  $(BIN)/uv pip install --quiet --python .venv $(if $(TORCH),--torch-backend $(TORCH)) --requirement .venv/requirements.txt && \
	  $(BIN)/uv pip install --quiet --python .venv --no-deps --no-build-isolation --editable .; \
	else \
	  $(BIN)/python -m pip install --quiet --disable-pip-version-check --requirement .venv/requirements.txt && \
	  $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .; \
	fi
	@$(if $(MOVED),$(BIN)/python .ci/relocate.py $(BIN),:)
	@touch $(INSTALLED)

demo: $(INSTALLED) ## set up, run the whole pipeline on the built-in corpus, print where the results are
	yardbird run --record demo
	@printf '%s\n' '' 'Done. The results (after: source .venv/bin/activate):' \
	  '  reports/index.html       everything on one page: results, solos with sound and notation, verdicts' \
	  '  reports/comparison.md    all models, next to real solos and the n-gram baseline' \
	  '  data/generated/          the generated solos: .mid, .wav, piano roll .png, provenance .json' \
	  '  yardbird compare         the ten metrics that decide;   make exp: the experiments in a table' \
	  '  yardbird studio          a page to draw, play and change solos' \
	  '  yardbird mlflow ui       the runs and the model registry in a browser'

codec: $(INSTALLED) ## train the codec of sound again (more than an hour); resumes after an interruption
	$(BIN)/python stages/codec.py
	dvc commit --force codec

test: $(INSTALLED) ## the default tests, on two cores
	pytest -m "not slow" -n 2 --dist loadscope --no-loadscope-reorder

test-slow: $(INSTALLED) ## slow tests, on two cores: the pipeline run twice, served models, a browser, more examples
	pytest -m "slow or hypothesis" --hypothesis-profile thorough -n 2 --dist loadfile --no-loadscope-reorder --timeout 1200

lint: $(INSTALLED) docs ## format, lint, types, layers, documentation
	ruff format --check
	ruff check
	mypy
	lint-imports

docs: $(INSTALLED) ## build the documentation in site/, offline; a broken link is an error
	NO_MKDOCS_2_WARNING=1 mkdocs build --strict

bench: $(INSTALLED) ## speed compared with other implementations: a quarter of an hour, one table in docs/benchmarks.md
	$(BIN)/python benchmarks/table.py $(OPTIONS)

audit: $(INSTALLED) ## bill of materials and known vulnerabilities of the packages, in out/audit/
	$(BIN)/python .ci/audit.py

exp: $(INSTALLED) ## table of experiments: what changed, and the results
	yardbird compare --experiments

ui: $(INSTALLED) ## the runs and the registry in a browser, on loopback
	yardbird mlflow ui

lock: $(INSTALLED) ## write the exact versions of all packages to requirements.lock, for all supported versions of Python
	uv pip compile --quiet --universal --python-version 3.11 --extra dev --extra studio --extra servers --extra bench --extra ray --extra dask \
	  --no-header --no-annotate --output-file requirements.lock pyproject.toml

clean: ## remove tool caches and site/, but no data, models or runs
	rm -rf site .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
