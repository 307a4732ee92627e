# Two commands do all the set-up on a fresh machine: make demo, make test. They need python3 (3.11+) with venv.
PYTHON ?= python3
BIN := .venv/bin
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.PHONY: setup setup-mlops setup-llm test-airflow demo demo-render demo-mlops run test unit check bench soak witness data locks schema docs picture clean

setup: .venv/.ready

.venv/.ready: pyproject.toml requirements/dev.lock
	@$(PYTHON) -c 'import sys; sys.exit("Nightwarden needs Python 3.11 or newer; set PYTHON=... to one" if sys.version_info < (3, 11) else 0)'
	@echo "Setting up .venv: a minute or two, once"
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --require-hashes -r requirements/dev.lock
	$(BIN)/pip install --quiet --no-deps --no-build-isolation -e .
	@touch $@

# on top of what make setup installed, of which it changes nothing
setup-mlops: .venv/.ready-mlops

.venv/.ready-mlops: .venv/.ready requirements/mlops.lock
	@echo "Adding the extra mlops to .venv: a minute or two, once"
	$(BIN)/pip install --quiet --require-hashes -r requirements/mlops.lock
	@touch $@

# the clients of both language models
setup-llm: .venv/.ready-llm

.venv/.ready-llm: .venv/.ready requirements/llm.lock
	$(BIN)/pip install --quiet --require-hashes -r requirements/llm.lock
	@touch $@

demo: setup
	$(BIN)/nightwarden demo --report report.json

demo-render: setup
	$(BIN)/python -m scripts.demo_render --report report-render.json

demo-mlops: setup-mlops
	$(BIN)/python -m scripts.demo_mlops --report report-mlops.json

run: setup
	$(BIN)/nightwarden run

test: setup
	$(BIN)/coverage erase
	$(BIN)/python -m tests.side_by_side
	$(BIN)/coverage combine --quiet
	$(BIN)/coverage report

# half of the time to collect them goes into compiling their asserts: kept aside, also where byte code is not wanted
unit: setup
	PYTHONDONTWRITEBYTECODE= PYTHONPYCACHEPREFIX=$(CURDIR)/.pytest_cache/bytecode $(BIN)/pytest tests/unit

check: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: setup
	$(BIN)/python -m benchmarks

soak: setup
	NIGHTWARDEN_SOAK=1 $(BIN)/pytest --timeout 3600 -m "soak or not soak"

# Render's own client judges our stand-in for its API. It wants an older python-dateutil than pandas: a folder of its own
witness: setup
	$(BIN)/pip install --quiet --upgrade --no-deps --target .venv/witness 'render>=1.5,<2'
	PYTHONPATH=.venv/witness $(BIN)/pytest tests/integration/test_render_api_witness.py

# the example tables, where there are none: what stands there is left alone
data: setup
	$(BIN)/python -m scripts.make_data

# Airflow pins libraries of its own: an environment of its own, and the tasks run in ours
test-airflow: setup setup-mlops .venv/airflow/.ready
	NIGHTWARDEN_PYTHON=$(CURDIR)/.venv/bin/python .venv/airflow/bin/pytest --rootdir tests/airflow -c /dev/null tests/airflow

.venv/airflow/.ready: requirements/airflow.lock
	@echo "Setting up .venv/airflow: a minute or two, once"
	$(PYTHON) -m venv .venv/airflow
	.venv/airflow/bin/pip install --quiet --require-hashes -r requirements/airflow.lock
	@touch $@

locks: setup
	$(BIN)/uv pip compile --universal --generate-hashes --no-emit-index-url --no-header --python-version 3.11 --quiet \
		pyproject.toml -o requirements/core.lock
	$(BIN)/uv pip compile --universal --generate-hashes --no-emit-index-url --no-header --python-version 3.11 --quiet \
		--extra dev -c requirements/core.lock pyproject.toml -o requirements/dev.lock
	$(BIN)/uv pip compile --universal --generate-hashes --no-emit-index-url --no-header --python-version 3.11 --quiet \
		--extra mlops -c requirements/dev.lock pyproject.toml -o requirements/mlops.lock
	$(BIN)/uv pip compile --universal --generate-hashes --no-emit-index-url --no-header --python-version 3.11 --quiet \
		--extra llm -c requirements/mlops.lock -c requirements/dev.lock pyproject.toml -o requirements/llm.lock
	$(BIN)/uv pip compile --universal --generate-hashes --no-emit-index-url --no-header --python-version 3.11 --quiet \
		requirements/airflow.in -o requirements/airflow.lock
	$(BIN)/uv pip compile --universal --generate-hashes --no-emit-index-url --no-header --python-version 3.11 --quiet \
		requirements/mlflow-server.in -o requirements/mlflow-server.lock
	$(BIN)/python -m scripts.make_requirements

schema: setup
	$(BIN)/python -m config.schema

docs: setup
	$(BIN)/python -m scripts.make_events_page

picture: setup
	$(BIN)/python -m scripts.picture

clean:
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .coverage*
