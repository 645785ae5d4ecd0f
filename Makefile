# One definition of each chore.  Everything lives in .venv, which the first target that needs it makes.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
IMAGES ?= samples
PROFILE ?= mm-pc
OUT ?= out
CANDIDATE := candidate$(if $(QUICK),-quick)
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
PATHS := src client build benchmarks tests model_repository docs

.DEFAULT_GOAL := help

help: ## Show this help
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  %-16s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: $(VENV)/demo ## Inspect samples/ (or IMAGES=folder) on a real Triton; reports go to out/
	PATH="$(CURDIR)/$(BIN):$$PATH" endface demo "$(IMAGES)" --profile "$(PROFILE)" --out "$(OUT)"

serve: $(VENV)/demo ## Run the server on this machine until Ctrl-C; ARGS="--grpc-port 9001" adds options
	PATH="$(CURDIR)/$(BIN):$$PATH" endface serve --profile "$(PROFILE)" $(ARGS)

station: $(VENV)/demo ## Show an operator's page with a played microscope, at http://127.0.0.1:8080; ARGS="--port 80" adds options
	PATH="$(CURDIR)/$(BIN):$$PATH" endface station --demo "$(IMAGES)" --profile "$(PROFILE)" --fibers 12 --data "$(OUT)/station" --review "$(OUT)/cases" $(ARGS)

test: $(VENV)/test ## Run the tests, a real Triton included (some minutes)
	$(BIN)/python -m pytest --numprocesses 2 --dist loadfile --no-loadscope-reorder

test-long: $(VENV)/test ## Add what `test` samples: faults of every kind, 10,000 hostile requests (six minutes)
	$(BIN)/python -m pytest -m long

test-containers: $(VENV)/test ## Build the images and run them, where a Docker engine answers
	$(BIN)/python -m pytest -m containers tests/containers

lint: $(VENV)/test ## Check style, types and the direction of imports
	$(BIN)/ruff check $(PATHS)
	$(BIN)/ruff format --check $(PATHS)
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(VENV)/test ## Rewrite the code in the project's style
	$(BIN)/ruff check --fix $(PATHS)
	$(BIN)/ruff format $(PATHS)

bench: $(VENV)/test ## Time the stages, load a real Triton, write benchmarks/RESULTS.md (about ten minutes)
	$(BIN)/python -m benchmarks stages
	$(BIN)/python -m benchmarks load; status=$$?; $(BIN)/python -m benchmarks page; exit $$status

fuzz: $(VENV)/fuzz ## Send 100,000 hostile pictures and as many requests, then let libFuzzer look (an hour on two cores)
	$(BIN)/python -m tests.security.fuzz --pictures 100000
	$(BIN)/python -m tests.security.fuzz_requests --requests 100000
	$(BIN)/python -m tests.security.fuzz_guided -max_total_time=1200

model: $(VENV)/test ## Draw, train, export and quantize a candidate (about an hour on two cores; QUICK=1: ten minutes, no good)
	$(BIN)/endface-build model --model $(CANDIDATE) $(if $(QUICK),--run runs/quick --recipe build/quick.json)
	$(BIN)/endface-build export --format opencv --model $(CANDIDATE)
	$(BIN)/endface-build export --format tflite --model $(CANDIDATE)

docs: $(VENV)/test ## Build the pages of docs/ with the API into site/, strictly
	$(BIN)/mkdocs build --strict --quiet
	@echo "site/index.html"

clean: ## Remove caches, reports and packages (not .venv)
	rm -rf dist $(OUT) .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
	find $(PATHS) -name __pycache__ -prune -exec rm -rf {} +

# The stamps are files inside .venv, so that a change of pyproject.toml or of the lock installs again.
$(VENV)/demo: pyproject.toml constraints.txt
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(PIP) install 'pip>=25.1' # the first that knows --group
	$(PIP) install --constraint constraints.txt --editable '.[client,serve,station]'
	touch $@

$(VENV)/test: $(VENV)/demo
	$(PIP) install --constraint constraints.txt --editable '.[client,serve,station,build,rtx,litert,bench,trace]' --group dev
	touch $@

$(VENV)/fuzz: $(VENV)/test
	$(PIP) install --constraint constraints.txt --group fuzz
	touch $@

.PHONY: help demo serve station docs test test-long test-containers lint format bench fuzz model clean
