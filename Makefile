# Every target sets up what it needs on a fresh machine; `make help` lists them.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
CLI    := $(BIN)/teach3d
# Test data of real captures; tests that need it are skipped and counted where it is absent.
TEACH3D_TEST_DATA ?= ../shared/data
export TEACH3D_TEST_DATA
export PIP_DISABLE_PIP_VERSION_CHECK = 1
# Threads that wait sleep: on a busy machine, spinning ones take the processor from those that work.
export OMP_WAIT_POLICY ?= PASSIVE

.DEFAULT_GOAL := help
.PHONY: help demo kitchen minkowski test test-full lint format bench docs clean distclean

help:  ## this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*##/\t/' | expand -t 14

# --- set-up ---------------------------------------------------------------------------------------
# Open3D's wheel links against libusb and libGL, which a bare machine may lack.
$(VENV)/.system:
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@sh tools/system_libraries.sh libusb-1.0.so.0:libusb-1.0-0 libGL.so.1:libgl1 libgomp.so.1:libgomp1 libX11.so.6:libx11-6
	@touch $@

$(VENV)/.run: pyproject.toml constraints.txt | $(VENV)/.system
	$(BIN)/pip install -q -c constraints.txt "$$(grep '^torch==' constraints.txt)"
	$(BIN)/pip install -q -c constraints.txt -e '.[litert,onnx,view]'
	@touch $@

$(VENV)/.dev: pyproject.toml constraints.txt | $(VENV)/.system
	$(BIN)/pip install -q -c constraints.txt "$$(grep '^torch==' constraints.txt)"
	$(BIN)/pip install -q -c constraints.txt -e '.[dev]'
	@touch $@ $(VENV)/.run

$(VENV)/.browser:
	@mkdir -p $(VENV)
	@command -v chromium >/dev/null 2>&1 || sh tools/system_libraries.sh --program chromium:chromium
	@touch $@

# MinkowskiEngine is compiled: once, and again only when it no longer loads (another PyTorch, say).
$(VENV)/.minkowski: $(VENV)/.run
	@$(BIN)/python -c "from models.sparse.minkowski import import_package; import_package()" 2>/dev/null \
		|| { echo "compiling MinkowskiEngine, some five minutes"; sh tools/build_minkowski.sh $(BIN); }
	@touch $@

# --- what people run ------------------------------------------------------------------------------
demo: $(VENV)/.run  ## the main job: rooms are filmed, lifted, fused, distilled, evaluated and shown
	$(CLI) run configs/default.yaml

kitchen: $(VENV)/.run  ## the same on a real RGB-D capture with two real networks (needs the data)
	$(CLI) run configs/kitchen.yaml --set source.root=$(TEACH3D_TEST_DATA)/kitchen

minkowski: $(VENV)/.minkowski  ## the optional engine this project is compared with (docs/engines.md)

test: $(VENV)/.dev $(VENV)/.browser  ## unit, contract, flow and browser tests; a few minutes
	$(BIN)/python -m pytest -q -m "not slow"

test-full: export TEACH3D_REQUIRE_MINKOWSKI = 1
test-full: $(VENV)/.dev $(VENV)/.browser $(VENV)/.minkowski  ## the long suites: parity, kills, the whole kitchen, array shapes, doctests
	$(BIN)/python -m pytest -q -m slow -s
	$(BIN)/python -m pytest -q -m "not slow" --jaxtyping-packages=ops,models,tests.typecheck.checked \
		--doctest-modules ops schema models/text tests/ops tests/models tests/contracts

lint: $(VENV)/.dev  ## ruff, mypy --strict, the rooms' import rule, module lengths
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python tools/check_modules.py

format: $(VENV)/.dev  ## rewrite files in the house style
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: $(VENV)/.dev $(VENV)/.minkowski  ## every benchmark; results go to benchmarks/results
	@for name in world lift oversegment student tiles training_memory commands engines; do echo "== $$name"; $(BIN)/python -m benchmarks.$$name || exit 1; done

docs: $(VENV)/.dev  ## rewrite the generated parts of docs/ (store layout, schemas, command help)
	$(BIN)/python -m tools.generate_docs

clean:  ## remove what was computed (store/), keep the environment
	rm -rf store weights build *.egg-info

distclean: clean  ## remove the environment too
	rm -rf $(VENV)
