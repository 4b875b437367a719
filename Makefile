# Every target does its own set-up. Python 3.11 or newer, make and a C library are all it needs.
PYTHON ?= python3
BIN := .venv/bin

.PHONY: demo up stop report test test-fast test-stack fuzz fuzz-api chaos chaos-engine backfill lint bench lock schema errors-page clean

demo: .venv/ready  ## one ZIP through the whole pipeline: make demo [ZIP=path]
	@$(BIN)/aerodag demo $(if $(ZIP),--zip "$(ZIP)")

up: .venv/ready  ## serve until interrupted
	@$(BIN)/aerodag serve

stop: .venv/ready  ## stop what demo or up started
	@$(BIN)/aerodag stop

# What fails beside everything else is tried once more by itself; both are told.
AGAIN := --last-failed --last-failed-no-failures none
FAST := -m "not e2e and not engine and not docker"
SERVICES := -m "(e2e or engine or docker) and not stack"

test: .venv/ready  ## all tests; those that start engines and services two modules at a time
	$(BIN)/pytest -n auto --maxprocesses 8 --dist loadfile $(FAST) || $(BIN)/pytest $(AGAIN) $(FAST)
	$(BIN)/pytest -n 2 --dist loadfile --durations 25 $(SERVICES) || $(BIN)/pytest $(AGAIN) $(SERVICES)

test-stack: .venv/ready  ## docker-compose.yaml for real: up, a dataset, backup, restore, upgrade, Celery, monitoring
	$(BIN)/pytest -m stack

test-fast: .venv/ready  ## without the tests that take minutes
	$(BIN)/pytest -n auto --maxprocesses 8 --dist loadfile $(FAST)

fuzz: .venv/ready  ## every parser against 100,000 generated inputs a test
	AERODAG_TEST_PROFILE=fuzz $(BIN)/pytest -m fuzz

fuzz-api: .venv/ready  ## the API against requests made up from its schema: make fuzz-api [EXAMPLES=1000]
	AERODAG_TEST_API_EXAMPLES=$(or $(EXAMPLES),1000) $(BIN)/pytest tests/integration/web/test_api_fuzz.py

chaos: .venv/ready  ## random kills of everything while datasets come in: make chaos [DATASETS=50] [KILLS=40] [SEED=1]
	$(BIN)/python tests/chaos/chaos.py --datasets $(or $(DATASETS),50) --kills $(or $(KILLS),40) --seed $(or $(SEED),1)

chaos-engine: .venv/ready  ## random kills of all services and of dockerd under a running engine: make chaos-engine [KILLS=5]
	for seed in 1 2 3 4 5; do \
		AERODAG_TEST_SEED=$$seed AERODAG_TEST_KILLS=$(or $(KILLS),5) \
			$(BIN)/pytest tests/integration/engine/test_engine_jobs_kills.py tests/integration/airflow/test_odm_airflow.py -k "random or due" || exit 1; \
	done

backfill: .venv/ready  ## past uploads processed by one backfill of Airflow: make backfill [DATASETS=500]
	$(BIN)/python tests/chaos/backfill.py --datasets $(or $(DATASETS),500)

report: .venv/ready  ## figures of the ledger: make report [NAME=failures] [DAYS=7]
	@$(BIN)/aerodag report $(or $(NAME),queue) $(if $(DAYS),--days $(DAYS))

lint: .venv/ready
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: .venv/ready
	for script in tests/benchmarks/*.py; do $(BIN)/python $$script || exit 1; done

lock: .venv/ready  ## resolve requirements.txt into requirements.lock
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-annotate \
		requirements.txt --output-file requirements.lock

schema: .venv/ready  ## write sql/schema.sql from the migrations
	$(BIN)/python -m aerodag.local.schema

errors-page: .venv/ready  ## write docs/errors.md from the source
	$(BIN)/python -m aerodag.codes

clean: stop  ## remove the environment; datasets stay in .aerodag
	rm -rf .venv

.venv/ready: requirements.lock pyproject.toml
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	test -x $(BIN)/uv || $(BIN)/pip install --quiet --disable-pip-version-check "$$(grep -o '^uv==[0-9.]*' requirements.lock)"
	$(BIN)/uv pip sync --quiet --python $(BIN)/python --require-hashes requirements.lock
	$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --editable .
	touch $@

# The stack of docker-compose.yaml: Docker with its plugin compose, and no environment of Python.
COMPOSE ?= docker compose
export COMPOSE

.PHONY: env build stack stack-stop passwords backup restore upgrade

env:  ## .env, aerodag.env and secrets/: make env [SITE=maps.example.org ACME=ops@example.org PROFILES=celery,monitoring DATA_ROOT=/srv/aerodag]
	@SITE="$(SITE)" ACME="$(ACME)" PROFILES="$(PROFILES)" DATA_ROOT="$(DATA_ROOT)" deploy/env.sh

build: env  ## the images
	$(COMPOSE) build

# What fell out of the profiles is no orphan for Compose.
stack: build  ## build, start, and wait until all is well; options are those of env
	on=$$($(COMPOSE) config --services) || exit; \
		off=$$($(COMPOSE) --profile '*' config --services | grep -v -x -F "$$on"); \
		[ -z "$$off" ] || $(COMPOSE) --profile '*' rm --stop --force $$off
	$(COMPOSE) up --detach --wait --remove-orphans

stack-stop:  ## stop it; data, databases and keys stay
	$(COMPOSE) --profile '*' down --remove-orphans

passwords:  ## the databases' passwords as .env has them now
	$(COMPOSE) up --detach --wait postgres
	$(COMPOSE) exec -T postgres sh /docker-entrypoint-initdb.d/databases.sh
	$(COMPOSE) up --detach --wait

backup:  ## databases, files and keys into backups/: make backup [TO=folder FILES=no]
	@FILES="$(FILES)" deploy/backup.sh "$(or $(TO),backups)"

restore:  ## make restore FROM=backups/20261121T120000Z [CONFIRM=yes]
	@CONFIRM="$(CONFIRM)" deploy/restore.sh "$(FROM)"

upgrade:  ## to the version of this tree, after a backup: make upgrade [VERSION=name BACKUP=no]
	@VERSION="$(VERSION)" BACKUP="$(BACKUP)" deploy/upgrade.sh
