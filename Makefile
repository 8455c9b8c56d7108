# Every target sets up what it needs; only what changed is set up again. Begin with `make help`.

PYTHON ?= python3
VENV := .venv
PY := $(VENV)/bin/python
READY := $(VENV)/.ready
export ASSETS ?=
export SHORT ?=
NEW_ENOUGH := import sys; sys.exit(sys.version_info < (3, 11))
export PYTHONUNBUFFERED := 1
TESTS := $(PY) -m pytest -m "not long and not bench"
# The acceptance tests go to four processes, everything else to the others.
SIDE_BY_SIDE := --numprocesses auto --maxprocesses 5 --dist loadscope

.DEFAULT_GOAL := help
.PHONY: help demo up test test-unit test-integration test-acceptance test-long test-versions coverage test-celery bench lint docs format lock clean

help:  ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-16s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: $(READY)  ## Put photographs through the workflow at two sites (your own: ASSETS=folder)
	@exec $(PY) manage.py demo $${ASSETS:+--assets "$$ASSETS"}

up: $(READY)  ## Keep both sites and their workers running until Ctrl-C
	@exec $(PY) manage.py up

test: $(READY)  ## Run the tests, except the long ones
	@$(TESTS) tests $(SIDE_BY_SIDE)

test-unit: $(READY)  ## Run the tests that touch nothing outside their process
	@$(TESTS) tests/unit

test-integration: $(READY)  ## Run the tests with a database
	@$(TESTS) tests/integration $(SIDE_BY_SIDE)

test-acceptance: $(READY)  ## Run the tests with real workers, brokers and browsers
	@$(TESTS) tests/acceptance

test-long: $(READY)  ## Run the long tests
	@$(PY) -m pytest tests -m long --timeout=900 -o faulthandler_timeout=3700

test-versions: $(READY)  ## Run unit and integration tests on each supported Python (VERSIONS="3.12 3.13")
	@$(PY) -m tests.versions $(VERSIONS)

coverage: $(READY)  ## Run the same tests and say which lines they miss
	@$(TESTS) tests $(SIDE_BY_SIDE) --cov --cov-report=term

test-celery: $(READY)  ## Run Celery's own integration suite on stock and on jobs (SHORT=1: a part, on jobs)
	@$(PY) -m tests.celery_suite $${SHORT:+--short}

bench: $(READY)  ## Measure against bare Celery, side by side
	@$(PY) -m tests.benchmarks

lint: $(READY)  ## Check style, types, layers, migrations and deployment settings
	@! git ls-files --cached --ignored --exclude-standard 2>/dev/null | sed 's/$$/ is in the repository, and ignored/' | grep .
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .
	$(PY) -m mypy
	$(VENV)/bin/lint-imports
	$(PY) manage.py makemigrations --check --dry-run
	@echo "manage.py check --deploy on the production settings"
	@DJANGO_SETTINGS_MODULE=project.production ALLOWED_HOSTS=site.example \
	  OFFLOAD_DATABASE=postgresql://site@db.example/site OFFLOAD_BROKER=redis://broker.example/0 \
	  SECRET_KEY="$$($(PY) -c 'import secrets; print(secrets.token_urlsafe(50))')" \
	  $(PY) manage.py check --deploy --fail-level WARNING

docs: $(READY)  ## Build the documentation into var/docs
	@$(PY) -m sphinx -W --keep-going --quiet -b html docs var/docs
	@echo "var/docs/index.html"

format: $(READY)  ## Put imports and layout in order
	$(PY) -m ruff check --fix .
	$(PY) -m ruff format .

lock:  ## Pin every dependency anew in requirements.txt
	@$(PYTHON) -m venv var/lock
	@var/lock/bin/python -m pip install --quiet pip-tools
	@var/lock/bin/pip-compile --quiet --upgrade --all-extras --strip-extras --allow-unsafe \
	  --no-header --no-emit-index-url --no-emit-find-links --no-emit-trusted-host \
	  --no-emit-options --output-file requirements.txt pyproject.toml >/dev/null

clean:  ## Remove what the site wrote: database, files, logs
	rm -rf var

$(READY): requirements.txt
	@$(PYTHON) -c "$(NEW_ENOUGH)" 2>/dev/null || { \
	  echo "Python 3.11 or newer is needed, and '$(PYTHON)' is not that." >&2; \
	  echo "Install it, or name it: make PYTHON=python3.12 $(MAKECMDGOALS)" >&2; exit 1; }
	@$(PY) -c "$(NEW_ENOUGH)" 2>/dev/null || $(PYTHON) -m venv --clear $(VENV) || { \
	  echo "No virtual environment could be made; on Debian: apt-get install python3-venv" >&2; \
	  exit 1; }
	@echo "Setting up $(VENV) from requirements.txt ..."
	@$(PY) -m pip install --quiet --disable-pip-version-check --requirement requirements.txt
	@touch $@
