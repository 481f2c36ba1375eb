# gjurma. `make` alone prints this list of targets:
#
#   make setup    .venv in this checkout, with the pinned requirements (the others call it)
#   make demo     broker, register, two gateways and their devices on this machine
#   make quick    while writing: the tests that start no program and end soon, in about a minute
#   make check    before each commit: format, lint, types, import boundaries, catalogues, the tree
#   make test     before each change is taken in: the promises; the budget is ten minutes on two cores;
#                 leaves out the tests marked kill, own, faults or long; as root installs their needs
#   make long     the stages that `make test` leaves out, one after another, with the time of each:
#                 kill, own, faults, conformance, simulate, mutants-cycle, mutants-codecs, soak,
#                 properties, and tests (marked long); ONLY="kill soak". `.ci/run` runs check, test
#                 and long
#   make properties  the tests that Hypothesis gives its examples, with eight times as many
#   make coverage the tests of `make test` under coverage.py, and a table of packages
#   make simulate the whole system in one thread on virtual time: SEEDS=10000, or SEED=n;
#                 SEEDS=200 STORE=postgres: the same to the real store, and the same rows;
#                 TABLE=1: its table for the docs
#   make mutants  bugs planted one at a time: of the cycle, and the seed that finds each; of the
#                 codecs, and the vectors that do: SET=cycle or codecs, TABLE=1 for the docs
#   make fuzz     a million inputs to each codec: COUNT=n, ONLY=telesis, SEED=n, TABLE=1 for the docs
#   make conformance  every driver against its simulator, property by property, each fault at each
#                 point of its wire: ONLY=telesis, TABLE=1 for the docs
#   make soak     the real programs while processes, networks and disks fail: MINUTES=5, SEED=n
#   make api      the register's interface against its own description, what does not fit it too:
#                 EXAMPLES=200
#   make faults   the tests of a fault at each place of a wire, and the readers in all their settings
#   make matrix   the demo with every marker and every reader, with faults: an hour; ONLY=telesis
#   make own      that the benchmarks, the soak and the tour do what they say, and that each extra of
#                 the wheel brings what its machine needs: some minutes
#   make kill     a gateway ended at every step of the cycle, restarted, compared with the metal
#   make optics   pictures of marks, a share of them spoiled, through the camera's decoder: how many
#                 are read, set aside, confused; PARTS=2000, SEED=n
#   make bench    measures each path against its bare floor; writes bench/results/latest.json;
#                 SIZE=10000000: a register of so many marks, ONLY=register: that part alone
#   make screenshots  the pictures in docs/screens, from the real programs: ONLY=operator
#   make golden   what the programs leave on disks, kept for a release: VERSION=0.1
#   make format   puts the code into the form that `make check` asks for
#   make lock     requirements.txt anew from pyproject.toml, package-lock.json from package.json
#   make clean    removes caches and what was built, not .venv and not the demo's state
#
# PYTEST="-k name -x" goes to pytest. The demo's state lies in .gjurma.

VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.ready
APP := $(wildcard central/screens/warehouse/app/* central/screens/warehouse/app/workers/*)
PYTEST ?=
# Most tests wait for devices, brokers and databases; a file's tests stay together.
PARALLEL := -n $(shell expr 2 '*' $$(nproc) + 1) --dist loadfile
# Tests that need a program which this machine lacks are named on standard error and deselected.
_missing = $$($(BIN)/python -m tests.needs missing)
_test = $(PARALLEL) --durations=10 -m "not kill and not own and not faults and not long$(_missing)"

# What is compiled once need not be compiled by each of the hundreds of programs that tests start.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help setup demo test quick check long long-tests properties coverage simulate mutants \
    fuzz conformance soak api kill faults matrix own bench optics format lock clean screenshots golden

help:
	@sed -n '3,/^$$/s/^# \{0,1\}//p' Makefile

setup: $(STAMP)
	@echo "setup: $(VENV) is ready; programs: $(BIN)/gjurma-gateway, gjurma-central, gjurma-sim"

$(STAMP): requirements.txt pyproject.toml package-lock.json .ci/setup .ci/third_party.py $(APP)
	@.ci/setup $(VENV)
	@touch $@

demo: $(STAMP)
	@$(BIN)/gjurma-sim demo

# Collected once before, so that not each process has to compile all of the tests.
$(VENV)/.compiled: $(STAMP)
	@echo "test: compiling the tests"
	@$(BIN)/python -m pytest --collect-only -qq -p no:cacheprovider >/dev/null || true  # the run tells
	@touch $@

test: $(VENV)/.compiled
	@$(BIN)/python -m tests.needs install
	$(BIN)/python -m pytest --budget=600 $(_test) $(PYTEST)

quick: $(STAMP)
	$(BIN)/python -m pytest -n auto --dist loadfile -q --budget=60 \
	    -m "not slow and not kill and not own and not faults and not long" $(PYTEST)

long: $(STAMP)
	@.ci/long $(ONLY)

# A failed test does not keep the table back, but the command fails all the same.
coverage: $(STAMP)
	@$(BIN)/python -m tests.needs install
	@rm -rf .coverage
	@status=0; \
	$(BIN)/coverage run -m pytest $(_test) $(PYTEST) || status=$$?; \
	$(BIN)/coverage combine --quiet && $(BIN)/python -m tests.coverage_table && exit $$status

properties: $(STAMP)
	@$(BIN)/python -m tests.needs install
	$(BIN)/python -m pytest $(PARALLEL) --hypothesis-profile long \
	    -m "hypothesis and not faults and not long$(_missing)" $(PYTEST)

# The last stage of `make long`.
long-tests: $(STAMP)
	@$(BIN)/python -m tests.needs install
	$(BIN)/python -m pytest $(PARALLEL) --durations=10 \
	    -m "long and not kill and not own and not faults$(_missing)" $(PYTEST)

check: $(STAMP)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python .ci/third_party.py check
	$(BIN)/python -m pytest -q tests/test_catalogues.py tests/test_tree.py

SEEDS ?= 1000
simulate: $(STAMP)
	$(BIN)/python -m tests.simulation $(if $(SEED),--seed $(SEED),--seeds $(SEEDS) \
	    $(if $(STORE),--store $(STORE)) $(if $(TABLE),--write))

# NAMES="guard latch" plants only those, of the codecs those of families so named; TABLE=1 writes the
# tables into docs/reliability.md and docs/conformance.md.
SET ?= cycle codecs
_mutants = $(BIN)/python -m $(1) $(NAMES) $(if $(TABLE),--write)
mutants: $(STAMP)
	$(if $(filter cycle,$(SET)),$(call _mutants,tests.simulation.mutants),@:)
	$(if $(filter codecs,$(SET)),$(call _mutants,tests.families.mutants),@:)

# KEEP=1: what showed something new goes into tests/corpus.
COUNT ?= 1000000
fuzz: $(STAMP)
	$(BIN)/python -m tests.families.fuzz $(ONLY) --count $(COUNT) $(if $(SEED),--seed $(SEED)) \
	    $(if $(KEEP),--keep) $(if $(TABLE),--write)

# A real device: gjurma-sim conformance URL --kind KIND --option NAME=VALUE
conformance: $(STAMP)
	$(BIN)/python -m tests.families.conformance $(ONLY) $(if $(TABLE),--write)

MINUTES ?= 5
soak: $(STAMP)
	@$(BIN)/python -m tests.needs install
	$(BIN)/python -m tests.soak --minutes $(MINUTES) $(if $(SEED),--seed $(SEED))

EXAMPLES ?= 50
api: $(STAMP)
	EXAMPLES=$(EXAMPLES) $(BIN)/python -m pytest tests/api/test_schemathesis.py $(PYTEST)

kill: $(STAMP)
	$(BIN)/python -m pytest -n 4 -m kill $(PYTEST)

faults: $(STAMP)
	$(BIN)/python -m pytest $(PARALLEL) -m faults $(PYTEST)

matrix: $(STAMP)
	@$(BIN)/python -m tests.matrix $(if $(ONLY),--only $(ONLY)) $(if $(SEED),--seed $(SEED))

own: $(STAMP)
	$(BIN)/python -m pytest -n 2 --dist loadfile -m own $(PYTEST)

bench: $(STAMP)
	@$(BIN)/python -m bench $(if $(SIZE),--size $(SIZE)) $(if $(ONLY),--only $(ONLY))

PARTS ?= 2000
optics: $(STAMP)
	@$(BIN)/python -m bench.optics --parts $(PARTS) $(if $(SEED),--seed $(SEED))

screenshots: $(STAMP)
	@$(BIN)/python -m tests.screenshots $(ONLY)

golden: $(STAMP)
	@$(BIN)/python -m tests.golden make $(VERSION)

format: $(STAMP)
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

# One file for every Linux: markers stay, lines for other systems go, addresses never come in.
lock: $(STAMP)
	@$(BIN)/python -m pip install -q uv
	$(BIN)/uv pip compile pyproject.toml --extra dev --universal --python-version 3.11 \
	    --upgrade --quiet --no-header --no-annotate --no-emit-index-url \
	    | grep -v "sys_platform == 'win32'" > requirements.new
	@mv requirements.new requirements.txt
	@$(BIN)/python .ci/third_party.py lock

clean:
	rm -rf build dist *.egg-info requirements.new
	rm -rf .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache .coverage
	find . -name __pycache__ -type d -not -path './$(VENV)/*' -not -path './node_modules/*' -prune -exec rm -rf {} +
