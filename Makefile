# whichgpu: what a developer runs. `make` alone lists the targets.

VENV := .venv
BIN := $(VENV)/bin
PYTHON ?= python3
PIP_FLAGS ?=
PYTEST_FLAGS ?= -n 2

.DEFAULT_GOAL := help
.PHONY: help demo serve install check lint types test catalog messages measured calibrate accuracy gate check-memory check-browser check-api screenshots benchmark-server first-page check-scripts zoo calibrate validate benchmark docs train-examples bench-examples clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-16s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: $(VENV)/installed-keras ## install, and run the main job: which GPU for examples/lstm.py?
	$(BIN)/whichgpu recommend examples/lstm.py

serve: $(VENV)/installed-serve ## install, and serve the page and REST on http://127.0.0.1:8765
	$(BIN)/whichgpu serve

install: $(VENV)/installed-dev ## make .venv with everything a developer needs

check: lint types test ## lint, types, tests: exactly what .ci/run runs

lint: $(VENV)/installed-dev ## ruff, as linter and formatter
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(VENV)/installed-dev ## mypy --strict
	$(BIN)/mypy

test: $(VENV)/installed-dev ## pytest; PYTEST_FLAGS="-n 0 -x" for one process
	$(BIN)/python -m pytest $(PYTEST_FLAGS)

catalog: $(VENV)/installed-dev ## compile the family files of the catalogue into gpus.json
	$(BIN)/python -m whichgpu.catalog

messages: $(VENV)/installed-dev ## collect the sentences and compile the Japanese catalogue
	$(BIN)/python scripts/messages.py

measured: $(VENV)/installed-dev ## extract from data/measurements what compare and estimate show beside predictions
	$(BIN)/python scripts/measured.py
	$(BIN)/python scripts/published.py

calibrate: $(VENV)/installed-dev ## fit the predictor to data/measurements; DATA=FOLDER: an overlay from sources that may not ship
	$(BIN)/python -m whichgpu.calibrating $(DATA)

accuracy: $(VENV)/installed-dev ## write docs/accuracy.md and its document from data/measurements; DATA=FOLDER adds tables of its own
	$(BIN)/python scripts/accuracy.py $(DATA)

gate: $(VENV)/installed-dev ## write the errors that tests/accuracy holds the predictor to, after changes that are meant
	$(BIN)/python scripts/accuracy_gate.py $(SAMPLE)

check-memory: $(VENV)/installed-zoo ## train 24 small models in earnest, beside the memory predicted; GPU=ID of the catalogue on a GPU
	$(BIN)/python scripts/check_memory.py $(if $(GPU),--gpu $(GPU))

check-browser: $(VENV)/installed-dev ## every page in Debian's Chromium, which `make check` asks of a few
	$(BIN)/python -m pytest $(PYTEST_FLAGS) -m "browser or not browser" tests/browser

screenshots: $(VENV)/installed-dev ## pictures of the main pages in both languages, into docs/images
	$(BIN)/python scripts/screenshots.py

benchmark-server: $(VENV)/installed-dev ## the figures of the server in docs/performance.md; SECONDS=600
	$(BIN)/python scripts/benchmark_server.py --seconds $(or $(SECONDS),60) --workers 2

first-page: $(VENV)/installed-dev ## how fast the first page is in Debian's Chromium: paint, shift, bytes
	$(BIN)/python scripts/first_page.py

check-api: $(VENV)/installed-api ## schemathesis over the whole API, from its OpenAPI document; EXAMPLES=800
	sh scripts/check_api.sh $(BIN) $(or $(EXAMPLES),100)

check-scripts: $(VENV)/installed-keras $(VENV)/installed-dev ## the long list of PyTorch scripts, which `make check` leaves out
	$(BIN)/python -m pytest $(PYTEST_FLAGS) -m scripts tests/contract/test_pytorch_scripts.py

zoo: $(VENV)/installed-zoo ## capture the built-in workloads again, which takes hours; NAMES="resnet50 timm-*": those alone
	$(BIN)/python -m whichgpu.zoo.building --prune $(NAMES)

validate: $(VENV)/installed-dev ## the predictor against data/measurements
	$(BIN)/whichgpu validate --data data/measurements

benchmark: $(VENV)/installed-dev ## the figures of docs/performance.md, measured here
	$(BIN)/python scripts/benchmark.py

docs: $(VENV)/installed-dev ## write the tables of codes and the outputs in the README files again
	$(BIN)/python scripts/codes.py
	$(BIN)/python scripts/guide.py
	$(BIN)/python scripts/requirements.py
	$(BIN)/python scripts/outputs.py

train-examples: $(VENV)/installed-dev ## train the five examples on this processor, beside the prediction
	$(BIN)/python scripts/train_examples.py

bench-examples: $(VENV)/installed-zoo $(VENV)/installed-dev ## measure the examples, ResNet-50 and BERT-base on this GPU, beside the prediction; ARGS="--device cpu"
	$(BIN)/python scripts/bench_examples.py $(ARGS)

clean: ## remove .venv and the caches
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis

# A stamp for each set of packages: nothing is installed twice, until what is asked for changes.
$(VENV)/created:
	$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or newer is needed" if sys.version_info < (3, 11) else 0)'
	$(PYTHON) -m venv $(VENV)
	touch $@

$(VENV)/installed-keras: $(VENV)/created pyproject.toml constraints.txt
	$(BIN)/python -m pip install --quiet $(PIP_FLAGS) -c constraints.txt -e '.[keras]'
	touch $@

$(VENV)/installed-serve: $(VENV)/created pyproject.toml constraints.txt
	$(BIN)/python -m pip install --quiet $(PIP_FLAGS) -c constraints.txt -e '.[keras,serve]'
	touch $@

$(VENV)/installed-api: $(VENV)/installed-dev
	$(BIN)/python -m pip install --quiet $(PIP_FLAGS) -c constraints.txt -e '.[check-api]'
	touch $@

$(VENV)/installed-zoo: $(VENV)/created pyproject.toml constraints.txt
	$(BIN)/python -m pip install --quiet $(PIP_FLAGS) -c constraints.txt -e '.[zoo]'
	touch $@

$(VENV)/installed-dev: $(VENV)/created pyproject.toml constraints.txt
	$(BIN)/python -m pip install --quiet $(PIP_FLAGS) -c constraints.txt -e '.[keras,dev]'
	touch $@ $(VENV)/installed-keras
