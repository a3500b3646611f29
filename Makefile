# `make demo` runs everything on a machine with Python 3.11; `make help` lists the other targets.
PYTHON ?= $(shell command -v python3.11 || command -v python3)
BIN := .venv/bin
INSTALLED := .venv/.installed
export PATH := $(CURDIR)/$(BIN):$(PATH)

.PHONY: help demo codec test test-slow lint docs bench exp ui lock clean

help: ## list the targets
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

$(INSTALLED): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))' || \
	  { echo "Python 3.11 is required, $(PYTHON) is $$($(PYTHON) -V 2>&1): make PYTHON=/path/to/python3.11 …" >&2; exit 1; }
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --requirement requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $(INSTALLED)

demo: $(INSTALLED) ## set up, run the whole pipeline on the built-in corpus, print where the results are
	dvc repro
	@printf '\n%s\n' 'Done. The results (after: source .venv/bin/activate):' \
	  '  reports/index.html       everything on one page: results, solos with sound and notation, verdicts' \
	  '  reports/comparison.md    all models, next to real solos and the n-gram baseline' \
	  '  data/generated/          the generated solos: .mid, .wav, piano roll .png, provenance .json' \
	  '  dvc metrics show         all metrics;   make exp: a table of the experiments' \
	  '  mlflow ui                the runs and the model registry, in a browser on http://127.0.0.1:5000'

codec: $(INSTALLED) ## train the codec of sound again (more than an hour); resumes after an interruption
	$(BIN)/python stages/codec.py
	dvc commit --force codec

test: $(INSTALLED) ## the default tests, under five minutes on two cores
	pytest -m "not slow" -n 2 --dist loadfile --no-loadscope-reorder

test-slow: $(INSTALLED) ## slow tests: the pipeline run twice, served models, a browser
	pytest -m slow

lint: $(INSTALLED) docs ## format, lint, types, layers, documentation
	ruff format --check
	ruff check
	mypy
	lint-imports

docs: $(INSTALLED) ## build the documentation in site/, offline; a broken link is an error
	NO_MKDOCS_2_WARNING=1 mkdocs build --strict --quiet

bench: $(INSTALLED) ## speed compared with other implementations, as ratios
	for benchmark in $(filter-out %/timing.py %/best_of.py %/fuzz.py %/vae_windows.py %/jsb.py,$(wildcard benchmarks/*.py)); do $(BIN)/python $$benchmark || exit 1; done

exp: $(INSTALLED) ## table of experiments: what changed, and the results
	yardbird compare --experiments

ui: $(INSTALLED) ## the runs and the registry in a browser, on loopback
	mlflow ui

lock: $(INSTALLED) ## write the exact versions installed here to requirements.lock
	$(BIN)/python -m pip freeze --all --exclude-editable | grep -viE '^(pip|yardbird)==' > requirements.lock

clean: ## remove tool caches and site/, but no data, models or runs
	rm -rf site .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
