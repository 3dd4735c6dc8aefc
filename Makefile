# Everything that one does with a clone. “make” alone tells what there is.
#
# Every target sets up first what it needs; where all is there, that takes a quarter of a second and says nothing.

PYTHON ?= python3
RUN := .venv/bin/python
PYTEST := $(RUN) -m pytest -q
DEPLOYED := DUBBER_ENV_FILE=/dev/null DUBBER_SITE_URL=https://dubber.example \
	SECRET_KEY=checked-with-a-key-as-long-as-a-real-one-2f8c1d7e9a3b5064
ARGS ?=
# Who gets in, tokens, uploads and downloads: tried on SQLite with all other tests, and on PostgreSQL again.
ON_BOTH := --on-postgres tests/access tests/accounts tests/web/test_uploads.py tests/web/test_links.py \
	tests/web/test_media.py tests/web/test_download_api.py

LONG := postgres or browser or worker or slow or fullset
HEAVY := ffmpeg or models or $(LONG)

.DEFAULT_GOAL := help
.PHONY: help setup demo run test screenshots messages check format bench soak models models-base develop clean

help: ## Tell what there is
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' Makefile

setup: ## Install what is needed to dub on this machine; the others call it
	@$(PYTHON) -m setup

demo: setup ## Dub a short sample video from English into Spanish, offline
	@$(RUN) manage.py demo $(ARGS)

run: setup ## Start site and worker on http://localhost:8000; Ctrl-C ends both (PEERS=1: stand-ins for vendors and Stripe)
	@$(if $(PEERS),$(RUN) -m tests.peers --latency -- sh -c "$(RUN) manage.py connect_stripe && exec $(RUN) manage.py serve",$(RUN) manage.py serve)

test: develop ## Run the tests: first those that need only Python, then all others
	$(PYTEST) -n 2 $(ARGS)
	$(PYTEST) -n 2 -m "rows and not ($(HEAVY))" $(ARGS)
	$(PYTEST) -n 2 -m "postgres and not slow" $(ARGS)
	$(PYTEST) -n 2 -m "rows and not ($(HEAVY))" $(ON_BOTH)
	$(PYTEST) -n 2 --dist loadfile -m "(ffmpeg or models) and not ($(LONG))" $(ARGS)
	$(PYTEST) -m "(browser or worker) and not (postgres or slow or fullset)" $(ARGS)

screenshots: develop ## Take pictures of every page, in both themes, wide and narrow, into var/screenshots
	PICTURES=1 $(PYTEST) -m browser tests/browser/test_every_page.py $(ARGS)

messages: develop ## Bring the texts of templates and code into locale/, for translators
	@$(RUN) manage.py makemessages --all --no-obsolete --add-location file \
		--ignore var --ignore .venv --ignore tests --ignore setup --ignore docs

check: develop ## Check format, lint, types, contracts, templates, migrations and deployment
	@.venv/bin/ruff format --check --quiet .
	@.venv/bin/ruff check --quiet .
	@.venv/bin/mypy .
	@.venv/bin/lint-imports
	@.venv/bin/djlint --profile=django --check --lint templates billing/templates
	@$(RUN) manage.py makemigrations --check --dry-run
	@env -i PATH="$$PATH" $(DEPLOYED) $(RUN) manage.py check --deploy --fail-level WARNING

format: develop ## Put the code into its format
	@.venv/bin/ruff format .
	@.venv/bin/ruff check --fix --quiet .

bench: develop ## Measure memory, processor time and speed of a dub
	@$(RUN) -m tests.bench $(ARGS)

soak: develop models ## Run the tests that take minutes, and those of the larger models
	$(PYTEST) -m fullset
	$(PYTEST) -m "slow and not postgres" $(ARGS)
	$(PYTEST) -m "slow and postgres" $(ARGS)

models: ## Install the larger offline models: 1.2 GB, more languages and better voices
	@$(PYTHON) -m setup --full --verify

models-base: ## Read and check every file of the offline models, and fetch anew what is wrong
	@$(PYTHON) -m setup --verify

develop: # what test, check and bench need beside
	@$(PYTHON) -m setup --develop

clean: ## Remove what set-up can make again; .env, the database and your files stay
	@rm -rf .venv var/models var/setup var/tests var/scratch .mypy_cache .ruff_cache .pytest_cache \
		.hypothesis .import_linter_cache staticfiles
	@find . -name __pycache__ -prune -exec rm -rf {} +
