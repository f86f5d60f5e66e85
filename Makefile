# Needs make and Python 3.10 or newer; everything else is installed into .venv.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
METADATA := pyproject.toml setup.cfg authkit_tiktok/pyproject.toml requirements/dev.txt
LOCKED := --constraints requirements/dev.txt --build-constraints requirements/dev.txt
LOCK := $(BIN)/uv pip compile --quiet --universal --python-version 3.10 --generate-hashes --no-header $(UPGRADE)
PLUGINS := $(addprefix examples/plugins/,authkit-github/authkit_github.py authkit-google/authkit_google.py)
FAST := not slow and not browser and not interop
WORKERS ?= auto
SPREAD := -n $(WORKERS) --maxprocesses 4 --dist loadfile --no-loadscope-reorder
NODE_MODULES := tests/interop/node_modules
CHECK ?=
RECORD ?=
MINUTES ?= 10
BROWSERS ?= 50
FAULTY ?= 5
DATABASE ?= sqlite
REPORT ?=
MODULE ?=
SAMPLE ?=
SEED ?= $(shell git rev-parse HEAD 2>/dev/null)
UPGRADE ?=
FUZZ_SECONDS ?= 300
TARGET ?= $(basename $(notdir $(wildcard fuzz/targets/[a-z]*.py)))
BENCH ?=
GROWTH ?=
GROUPS := --group test --group check --group interop --group release
unexport PYTHONDONTWRITEBYTECODE  # tests start some hundred processes, which need not compile everything anew

.PHONY: demo test check static lint types mypy pyright arrows coverage oldest newest newest-pyramid without-pyramid bench
.PHONY: instructions mutate mutate-sample fuzz load docs lock dist audit release-check clean growth

demo: $(VENV)/demo.installed        ## a TikTok login on this machine; CHECK=1 ends after the first
	$(BIN)/authkit demo $(if $(CHECK),--check)

# Where there is no npm, the tests that need it are skipped and say so.
test: $(VENV)/all.installed $(if $(shell command -v npm 2>/dev/null),$(NODE_MODULES)/npm.installed)  ## every test
	$(BIN)/coverage erase
	$(BIN)/coverage run -m pytest $(SPREAD)
	$(BIN)/coverage combine --quiet

check: static coverage instructions mutate-sample oldest newest  ## everything else that CI checks

static: $(VENV)/all.installed       ## what needs no test, at the same time
	@$(MAKE) --no-print-directory --jobs 2 --output-sync=target mypy pyright lint arrows

lint: $(VENV)/all.installed
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .

types: mypy pyright

mypy: $(VENV)/all.installed
	$(BIN)/mypy authkit authkit_tiktok $(PLUGINS)

pyright: $(VENV)/all.installed
	$(BIN)/pyright --pythonpath $(BIN)/python

arrows: $(VENV)/all.installed       ## imports go down only
	$(BIN)/lint-imports

coverage: test
	$(BIN)/coverage report

oldest: $(VENV)/all.installed       ## Python 3.10, the lowest versions that are allowed
	tools/with-python 3.10 --resolution lowest-direct -- $(SPREAD) -m "$(FAST)"

newest: newest-pyramid without-pyramid  ## Python 3.13, the newest versions

newest-pyramid: $(VENV)/all.installed
	tools/with-python 3.13 -- $(SPREAD) -m "$(FAST) and pyramid"

# With the newest versions, too: so `newest` has no need to run the same tests beside an adapter that they do not know.
without-pyramid: $(VENV)/all.installed  ## the core does not know its adapters
	tools/without-pyramid 3.13 -- $(SPREAD) -m "$(FAST) and not pyramid"

mutate: $(VENV)/all.installed       ## change the checking modules, to see that tests notice; MODULE=authkit/seal.py is one
	$(BIN)/python tools/mutate.py $(MODULE) $(if $(SAMPLE),--sample $(SAMPLE) --seed "$(SEED)")

mutate-sample: SAMPLE = 40          # of a module that the commit chooses
mutate-sample: mutate

bench: $(VENV)/demo.installed       ## logins beside their peers'; what the emulator serves; accounts among a million people
	$(BIN)/python benchmarks/environments.py
	.bench/tools/bin/python benchmarks/run.py $(BENCH)
	$(if $(BENCH),,$(BIN)/python benchmarks/emulator_logins.py --logins 100000)
	$(if $(BENCH),,$(BIN)/python benchmarks/accounts.py)

growth: $(VENV)/all.installed       ## how the cost of a login grows
	$(BIN)/python benchmarks/growth.py $(GROWTH)

instructions: $(VENV)/all.installed ## the hot paths take no more of the processor than before; RECORD=1 takes them as they are
	$(if $(shell command -v valgrind 2>/dev/null)$(AUTHKIT_TESTS_MUST_RUN),$(BIN)/python -W ignore benchmarks/instructions.py $(if $(RECORD),--record),@echo 'valgrind is not installed: instructions are not counted' >&2)

fuzz: $(VENV)/fuzz.installed        ## each parser under Atheris for five minutes: FUZZ_SECONDS=300; TARGET=query for one
	set -e; for name in $(TARGET); do nice -n 15 $(BIN)/python -m fuzz $$name $(FUZZ_SECONDS); done

load: export PYTHONWARNINGS = ignore:pkg_resources:UserWarning
load: $(VENV)/all.installed         ## browsers at an app whose provider fails; MINUTES, BROWSERS, FAULTY, DATABASE, REPORT
	$(BIN)/python benchmarks/load.py --minutes $(MINUTES) --browsers $(BROWSERS) --faulty $(FAULTY) \
		--database $(DATABASE) $(if $(REPORT),--report $(REPORT))

docs: $(VENV)/all.installed         ## write the tables in docs/ anew
	$(BIN)/python docs/tables.py

# What `make` installs, pinned and hashed, for every Python that authkit runs on.
lock: $(VENV)/bin/uv                ## pin anew what pyproject.toml has changed; UPGRADE=--upgrade takes the newest
	$(LOCK) --all-extras $(GROUPS) --group fuzz --output-file requirements/dev.txt pyproject.toml
	echo uv | $(LOCK) --constraints requirements/dev.txt --output-file requirements/uv.txt -
	$(MAKE) --no-print-directory $(VENV)/all.installed
	$(BIN)/python tools/licences.py

dist: $(VENV)/all.installed         ## what a release is made of: built twice, compared, installed, listed
	$(BIN)/python tools/release.py dist

audit: $(VENV)/all.installed        ## known vulnerabilities of what is pinned; asks PyPI, and fails where it cannot
	$(BIN)/python tools/release.py audit

release-check: dist audit           ## what has to pass before a release

clean:
	rm -rf $(VENV) $(NODE_MODULES) .bench benchmarks/peers/passport/node_modules .tools build dist *.egg-info authkit_tiktok/*.egg-info .coverage*

$(VENV)/bin/uv: requirements/uv.txt
	@$(PYTHON) -c 'import sys; sys.exit("authkit needs Python 3.10 or newer" if sys.version_info < (3, 10) else 0)'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements/uv.txt
	@touch $@

$(VENV)/demo.installed: $(VENV)/bin/uv $(METADATA)
	$(BIN)/uv pip install --quiet $(LOCKED) --python $(BIN)/python -e '.[cli,pyramid,emulator,accounts,native,oidc,testing]' -e ./authkit_tiktok
	@touch $@

$(VENV)/all.installed: $(VENV)/demo.installed
	$(BIN)/uv pip install --quiet $(LOCKED) --python $(BIN)/python $(GROUPS)
	@touch $@

$(VENV)/fuzz.installed: $(VENV)/all.installed
	$(BIN)/uv pip install --quiet $(LOCKED) --python $(BIN)/python --group fuzz
	@touch $@

$(NODE_MODULES)/npm.installed: tests/interop/package-lock.json
	cd tests/interop && npm ci --loglevel=error
	@touch $@
