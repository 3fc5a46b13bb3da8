# fimsmith: `make help` lists the targets. Everything is installed into .venv.
PYTHON ?= python3
VENV   ?= .venv
# pip options, for example for CPU wheels of torch:
#   make demo PIP_OPTIONS="--extra-index-url https://download.pytorch.org/whl/cpu"
PIP_OPTIONS ?=
CORPUS ?=
ROOT   ?= fimsmith-data
BIN    := $(VENV)/bin
PIP    := $(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt
UV     := $(BIN)/uv pip install --quiet --python $(BIN)/python --compile-bytecode --system-certs -c constraints.txt
ALL    := -e '.[kfp,cluster,train,dev]'
DEMO   := --set 'run.root=$(ROOT)' --set 'model.path=$(ROOT)/tiny-model' \
          $(if $(CORPUS),--set 'sources.0.location=$(CORPUS)')

.DEFAULT_GOAL := help
.PHONY: help install demo test cluster-test lint format docs pipeline images kind clean

help: ## Show this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

install: $(VENV)/.installed ## Make .venv and install fimsmith with all extras

$(VENV)/.installed: pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "fimsmith needs Python 3.11 or newer; set PYTHON=/path/to/python3.11"; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "installing into $(VENV) (torch alone is several GB; once)"
	@# uv takes half of pip's time, but heeds no pip.conf: where pip has an index or options of yours, pip installs
	@export DS_BUILD_OPS=0; \
	test -z '$(PIP_OPTIONS)' && ! $(BIN)/python -m pip config list | grep -q index && $(PIP) uv && $(UV) $(ALL) \
	  || $(PIP) $(PIP_OPTIONS) $(ALL)
	@touch $@

demo: install ## Whole pipeline on the CPU; CORPUS=/path/to/java for your own code
	@$(BIN)/fimsmith tiny-model configs/demo.yaml $(DEMO)
	@$(BIN)/fimsmith run configs/demo.yaml $(DEMO)

test: install ## Run the tests
	@$(BIN)/python -m pytest -n 2 --dist worksteal -m 'not cluster'

cluster-test: install ## Run the end-to-end tests on the cluster that KUBECONFIG names: docs/kubernetes.md, Test a cluster
	@$(BIN)/python -m pytest -n 2 --dist loadfile tests/cluster tests/chart

lint: install ## Check style and types
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/pyright --pythonpath $(BIN)/python

format: install ## Rewrite the code in house style
	@$(BIN)/ruff check --fix-only --quiet .
	@$(BIN)/ruff format --quiet .

docs: install ## Generate docs/configuration.md and values.schema.json of the chart
	@$(BIN)/fimsmith schema --markdown > docs/configuration.md
	@$(BIN)/python -P charts/schema.py > charts/fimsmith/values.schema.json

pipeline: install ## Compile the pipeline to pipeline.yaml
	@$(BIN)/kfp dsl compile --py pipelines/finetune.py --output pipeline.yaml

images: ## Build the images in TARGETS; REGISTRY, TAG, VARIANT, BASE_IMAGE and more: docs/images.md
	@images/build $(TARGETS)

kind: install ## Make a kind cluster with S3, the operator and Kubeflow Pipelines, and run the cluster tests there
	@PYTHON=$(BIN)/python kind/up

clean: ## Remove .venv and the demo's results
	rm -rf $(VENV) $(ROOT) pipeline.yaml
