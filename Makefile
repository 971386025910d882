# Everything is in one place: `make help` lists it. State between runs: .venv, .cache, build, dist (all git-ignored).

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.ONESHELL:
.DELETE_ON_ERROR:
.NOTPARALLEL:
.DEFAULT_GOAL := help

# Debian's own Python: its headers and venv module are packages, and the minions run the same one.
PYTHON ?= /usr/bin/python3
# The releases of Salt that are tested, as pinned here alone. All targets use the newest, or `make RELEASE=3006 ...`;
# what is made for another than the newest has its release in its name.
SALT_3006 := salt==3006.28
SALT_3007 := salt==3007.15
SALT_3008 := salt==3008.*
NEWEST := 3008
RELEASE ?= $(NEWEST)
SALT ?= $(SALT_$(RELEASE))
FUZZ_SECONDS ?= 3600
# How often test-kills kills an engine, and, to repeat a run of it, the seed that this has printed.
KILLS ?= 50
SEED ?=
SUFFIX := $(patsubst %,-%,$(filter-out $(NEWEST),$(RELEASE)))
VENV := $(CURDIR)/.venv$(SUFFIX)
CACHE := $(CURDIR)/.cache
SALT_WHEELS := $(CACHE)/salt-wheels$(SUFFIX)
# The Salt of the minions, where it is another than the master's: the name of its wheels' folder.
MINION_WHEELS ?= $(notdir $(SALT_WHEELS))

PACKAGES := approval ext_pillar returners runners engines itsm portal chat states sql
# Folders are among them, so that a deleted file counts as a change.
SOURCES := pyproject.toml setup.py $(wildcard README.md LICENSE docs/*.md docs/*.1 monitoring/* systemd/*) $(shell find $(PACKAGES) cext \
    ! -name '*.so' ! -path '*__pycache__*')
PYTHON_SOURCES := setup.py $(PACKAGES) tests tools demo bench
C_SOURCES := $(wildcard cext/*.c cext/*.h tests/c/*.c tests/c/*.h bench/*.c)
SHELL_SOURCES := .ci/run tools/bootstrap tools/dump-schema tools/lint-c tools/lint-sql tools/run-suites tools/test-sql

# The roots of the minions need root. Nothing else does, but for a test that starts a systemd, with sudo of its own.
AS_ROOT := $(if $(filter-out 0,$(shell id -u)),sudo --preserve-env=http_proxy$(comma)https_proxy$(comma)no_proxy)
comma := ,
# The slowest tests are named, so that nobody has to look for where the time goes.
PYTEST_OPTIONS := -q --durations=10 --durations-min=1
PYTEST := $(VENV)/bin/pytest $(PYTEST_OPTIONS)
WITH_DATABASE := $(VENV)/bin/python tools/approval_database.py run --
export PYTHONDONTWRITEBYTECODE := 1

.PHONY: help
help: ## List the targets
	@sed -n 's/^\([a-z0-9-]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | while IFS=$$'\t' read -r target text; do
	    printf '  make %-15s %s\n' "$$target" "$$text"
	done

.PHONY: setup
setup: packages $(VENV)/.package ## Install what is missing, make .venv, build the wheel and install it there

.PHONY: packages
packages:
	@tools/bootstrap build test

.PHONY: man
man: setup $(VENV)/.check-tools ## Write the man page and the completions anew, after a command or an option was changed
	@$(VENV)/bin/python tools/write_man.py

.PHONY: texts
texts: setup ## Write the catalogs of the pages' texts anew, after one of them was changed; a language lacks what is new
	@$(VENV)/bin/python tools/write_texts.py

.PHONY: pictures
pictures: setup ## Take the pictures of the documentation anew, of the demo's month, after a page has got another look
	@APPROVAL_PICTURES=docs/pictures $(PYTEST) tests/functional/portal/test_demo.py -k "as_the_documentation"

.PHONY: amalgamate
amalgamate: ## Write states/_states/approval.py anew, after one of its parts in states/parts was changed
	@$(PYTHON) tools/amalgamate.py

.PHONY: demo
demo: setup ## Tell the whole story on a real Salt: request, approval, highstate, validation, reinstall
	@$(AS_ROOT) tools/sandbox.py $(VENV)/bin/python demo/story.py

.PHONY: test
test: setup ## Run all tests, five suites at a time: some compute, some wait; says where the time went
	@tools/run-suites 5 test-approval test-site test-machines test-oldest test-doors test-modules test-unit test-faults test-c test-sql
	echo "All tests passed."

.PHONY: test-c
test-c: setup ## Test the C core, also under ASan and UBSan, and fuzz it for seconds
	@$(WITH_DATABASE) $(MAKE) --no-print-directory -C tests/c run sanitize
	$(MAKE) --no-print-directory -C tests/c fuzz FUZZ_SECONDS=3

.PHONY: test-valgrind
test-valgrind: setup ## Test the C core under valgrind
	@$(WITH_DATABASE) $(MAKE) --no-print-directory -C tests/c valgrind

.PHONY: fuzz
fuzz: setup ## Fuzz the validator for FUZZ_SECONDS (an hour), and beside it each parser for a sixth of that
	@$(MAKE) --no-print-directory -C tests/c -j2 --output-sync=target fuzz \
	    FUZZ_SECONDS_fuzz_validate=$(FUZZ_SECONDS) FUZZ_SECONDS=$$(($(FUZZ_SECONDS) / 6))

.PHONY: test-sql
test-sql: setup ## Test the database: pgTAP, and isolation specs for races
	@$(WITH_DATABASE) tools/test-sql

.PHONY: schema
schema: setup ## Write tests/sql/schema.dump anew, after a migration was added
	@$(WITH_DATABASE) tools/dump-schema >tests/sql/schema.dump

.PHONY: release-digests
release-digests: ## Note the digests of the migrations for good: of those that are released with this version
	@(cd sql/migrations && sha256sum *.sql) >tests/sql/releases/migrations.sha256

.PHONY: test-py
test-py: test-unit test-functional ## Test the Python code and the Salt modules, as installed from the wheel

.PHONY: test-unit
test-unit: setup ## One half of that: the parts of the package, one by one
	@$(PYTEST) tests/unit

.PHONY: test-functional
test-functional: test-approval test-doors test-modules ## The other half: commands and Salt modules, on databases

.PHONY: test-approval
test-approval: setup ## One part of these: the package itself, with its commands and the engine
	@$(PYTEST) tests/functional/approval

DOORS := $(addprefix tests/functional/,chat itsm portal)

.PHONY: test-doors
test-doors: setup ## Another part: where people and other systems come in, by chat, by tickets and in a browser
	@$(PYTEST) $(DOORS)

.PHONY: test-modules
test-modules: setup ## The other part: modules that Salt loads, the state, SQL
	@$(PYTEST) $(addprefix --ignore=,tests/functional/approval $(DOORS)) tests/functional

# Where Salt itself is at work; test-salts has all tests with each release of Salt.
SALT_TESTS := $(addprefix tests/functional/,pillar returners runners states $(addprefix approval/,jobs/test_drain.py jobs/test_log_entry.py \
    $(addprefix engine/,test_bus.py test_supervisor.py workers/test_dispatch.py workers/test_inventory.py workers/test_reinstall.py)))

.PHONY: test-oldest
test-oldest: ## Test what touches Salt with the oldest release in use
	@$(MAKE) --no-print-directory RELEASE=3006 setup
	$(CURDIR)/.venv-3006/bin/pytest $(PYTEST_OPTIONS) -p no:cacheprovider $(SALT_TESTS)

.PHONY: test-salts
test-salts: ## Test with each release of Salt in use, and with minions of another one than the master's
	@for release in 3006 3007 3008; do
	    echo "Salt $$release:"
	    $(MAKE) --no-print-directory RELEASE=$$release test-py test-short
	done
	echo "Salt 3008 with minions of 3006:"
	$(MAKE) --no-print-directory RELEASE=3008 MINION_WHEELS=salt-wheels-3006 test-short
	echo "Salt 3006 with minions of 3008:"
	$(MAKE) --no-print-directory RELEASE=3006 MINION_WHEELS=salt-wheels test-short

.PHONY: test-short
test-short: setup ## Test a short story, and the README's, with a real master and real minions
	@$(AS_ROOT) tools/sandbox.py env APPROVAL_MINION_WHEELS=$(MINION_WHEELS) \
	    $(VENV)/bin/pytest -q -p no:cacheprovider tests/e2e/test_every_salt.py \
	    tests/e2e/test_docs.py::test_readme_from_nothing_to_converged

.PHONY: test-faults
test-faults: setup ## Test with real faults, each for seconds: servers killed and stopped, networks cut, disks full
	@$(PYTEST) tests/faults

.PHONY: test-examples
test-examples: setup ## Tests that take a number of examples (APPROVAL_EXAMPLES, RULES_EXAMPLES, HELD_EXAMPLES, FAULT_EXAMPLES, SCHEMATHESIS_EXAMPLES, TALLY_CHANGES, STANDING_CHANGES, RECORD_EXAMPLES)
	@$(PYTEST) $(addprefix tests/unit/cext/,test_leaks.py test_fork_threads.py test_validate_oracle.py) \
	    $(addprefix tests/functional/sql/,test_rules_model.py test_held_back.py test_item_tally.py test_standings.py) $(addprefix tests/functional/approval/jobs/,test_any_call_fails.py test_record_batches.py) \
	    tests/functional/portal/test_rest_examples.py

.PHONY: test-pooler
test-pooler: setup ## Test with SQL behind a PgBouncer in transaction mode
	@RULES_EXAMPLES=1 HELD_EXAMPLES=1 FAULT_EXAMPLES=1 SCHEMATHESIS_EXAMPLES=1 RECORD_EXAMPLES=1 APPROVAL_TICKETS=10 APPROVAL_POOLER=yes $(PYTEST) tests/functional

.PHONY: faults
faults: setup ## test-faults, test-examples, test-kills and test-pooler, two at a time, as often as is promised: 100,000 examples, 1,000 tickets, hundreds of kills; some hours
	@export APPROVAL_FAULTS=full APPROVAL_TICKETS=1000 APPROVAL_EXAMPLES=100000 RULES_EXAMPLES=1000 HELD_EXAMPLES=500 FAULT_EXAMPLES=1000 \
	    SCHEMATHESIS_EXAMPLES=2000 TALLY_CHANGES=5000 STANDING_CHANGES=2000 RECORD_EXAMPLES=1000
	printf '%s\n' test-examples test-faults test-kills test-pooler | xargs -P 2 -n 1 $(MAKE) --no-print-directory

KILLS_TEST := tests/e2e/test_engine_killed.py

.PHONY: test-kills
test-kills: setup ## Kill the engines of two masters with real minions, at random points of so many requests (KILLS, SEED)
	@$(AS_ROOT) tools/sandbox.py env KILLS=$(KILLS) SEED=$(SEED) $(PYTEST) -p no:cacheprovider $(KILLS_TEST)

.PHONY: test-e2e
test-e2e: test-site test-machines ## Test the whole with a real master and real minions

MACHINE_TESTS := $(addprefix tests/e2e/,test_rpm.py test_docs.py test_story.py)

.PHONY: test-site
test-site: setup ## One half of that: the tests that share a site
	@$(AS_ROOT) tools/sandbox.py $(PYTEST) -p no:cacheprovider $(filter-out $(MACHINE_TESTS) $(KILLS_TEST),\
	    $(wildcard tests/e2e/test_*.py))

.PHONY: test-machines
test-machines: setup ## The other half: rpm, the documentation and the story, on machines of their own
	@$(AS_ROOT) tools/sandbox.py $(PYTEST) -p no:cacheprovider $(MACHINE_TESTS)

.PHONY: bench
bench: wheel ## Measure what is promised beside what it is compared with (QUICK=1: under three minutes)
	@$(MAKE) --no-print-directory setup
	$(VENV)/bin/pip install --quiet "$$(ls dist/*.whl)[bench]"
	$(VENV)/bin/python bench/run.py

.PHONY: plots
plots: ## Draw the pictures of docs/performance.md anew, after a run of `make bench`
	@$(PYTHON) bench/plots.py

.PHONY: check
check: setup $(VENV)/.check-tools ## Check formats and run the linters
	@tools/bootstrap check
	set -x
	$(PYTHON) tools/amalgamate.py --check
	$(VENV)/bin/ruff check --quiet $(PYTHON_SOURCES)
	$(VENV)/bin/ruff format --check --quiet $(PYTHON_SOURCES)
	clang-format-14 --dry-run -Werror $(C_SOURCES)
	tools/lint-c
	tools/lint-sql
	shellcheck $(SHELL_SOURCES)

.PHONY: format
format: setup $(VENV)/.check-tools ## Format Python and C
	@tools/bootstrap check
	$(VENV)/bin/ruff check --quiet --fix $(PYTHON_SOURCES)
	$(VENV)/bin/ruff format --quiet $(PYTHON_SOURCES)
	clang-format-14 -i $(C_SOURCES)

.PHONY: wheel
wheel: setup dist/.guided ## Build the wheel into dist/ for good: its core compiled for what it does most
	@ls -1 dist/*.whl

.PHONY: clean
clean: ## Remove everything that was built or cached
	rm -rf .venv .venv-* $(CACHE) build dist *.egg-info .pytest_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# Salt's wheels are kept: .venv and the roots of the minions get the very same ones. Some of what 3006 needs comes as source
# of the old kind, for which pip would need the package wheel.
$(SALT_WHEELS)/.complete: | packages
	@echo "Fetching $(SALT) ..."
	$(PYTHON) -m venv --clear $(VENV)
	$(VENV)/bin/pip wheel --quiet --use-pep517 --wheel-dir $(SALT_WHEELS) '$(SALT)'
	touch $@

$(VENV)/.salt: $(SALT_WHEELS)/.complete
	@echo "Installing $(SALT) into $(notdir $(VENV)) ..."
	$(PYTHON) -m venv --clear $(VENV)
	$(VENV)/bin/pip install --quiet --no-index --find-links $(SALT_WHEELS) salt
	touch $@

# One wheel is for all of them. build/lib would keep deleted files.
dist/.built: $(SOURCES) | $(VENV)/.salt
	@echo "Building saltext-approval ..."
	rm -rf build/lib* dist
	$(VENV)/bin/pip wheel --quiet --no-deps --wheel-dir dist .
	touch $@

# The wheel of set-up needs no training and is built sooner; `make setup` installs this one in its place, once it is there.
dist/.guided: dist/.built tools/build_wheel.py tools/train_core.py bench/highstate.py | $(VENV)/.package
	@echo "Building saltext-approval anew, guided by a profile ..."
	$(VENV)/bin/python tools/build_wheel.py
	touch dist/.built $@

# The wheel itself is installed, so that the tests and the demo run what users get.
$(VENV)/.package: dist/.built $(VENV)/.salt
	@$(VENV)/bin/pip install --quiet --force-reinstall --no-deps dist/*.whl
	$(VENV)/bin/pip install --quiet "$$(ls dist/*.whl)[test]"
	touch $@

$(VENV)/.check-tools: pyproject.toml $(VENV)/.package
	@$(VENV)/bin/pip install --quiet "$$(ls dist/*.whl)[dev]"
	touch $@
