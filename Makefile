# Two commands matter: `make demo` shows what this suite does, `make test` proves it.
# Every target sets up what it needs; `make help` lists them.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PY := $(BIN)/python
STAMPS := .stamps
COMPONENT ?=
CATEGORY ?=

.DEFAULT_GOAL := help
.NOTPARALLEL:
.PHONY: help setup lint format test test-unit test-lab test-vm test-formats images-begun torture demo prove bench golden docs clean

help: ## List the targets
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/\1\t\2/p' Makefile | while IFS="$$(printf '\t')" read -r name text; do \
		printf '  %-12s %s\n' "$$name" "$$text"; done

setup: $(STAMPS)/debian $(STAMPS)/venv ## Install what the project needs: Debian packages (as root) and .venv

$(STAMPS)/debian: tools/setup-debian.sh
	@mkdir -p $(STAMPS)
	@sh tools/setup-debian.sh
	@touch $@

$(STAMPS)/venv: pyproject.toml tools/setup-venv.sh | $(STAMPS)/debian
	@mkdir -p $(STAMPS)
	@sh tools/setup-venv.sh $(PYTHON) $(VENV)
	@touch $@

lint: setup ## Check style, types, import directions, YAML and roles
	$(NOW)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/yamllint --strict .
	PATH="$(abspath $(BIN)):$$PATH" $(BIN)/ansible-lint --offline

format: setup ## Let ruff lay out the Python
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

# A long run says when each of its parts began.
NOW = @date "+%H:%M:%S $@"

# Two workers suit two cores; a file's tests share their hosts, so they stay together. A test that hangs is ended, and
# says where it hung: its time is many times what the longest takes.
PYTEST := $(BIN)/pytest -n 2 --dist loadfile --durations=25 --timeout 300
# Tests on hosts wait for them most of their time.
LAB_PYTEST := $(BIN)/pytest -n 4 --dist loadfile --durations=25 --timeout 900
# Where each test takes minutes, a worker with nothing left to do boots hosts of its own, and takes some of a file over.
TORTURE_PYTEST := $(BIN)/pytest -n 4 --dist worksteal --durations=25 --timeout 5400

# In software emulation the kernel's own controls take longer than all others together: they are left to make prove.
test: images-begun lint test-unit test-formats test-lab ## Style, fast tests, reports judged by others, tests on real hosts, the proof of all controls but the kernel's
	$(NOW)
	$(PY) -m tests.prove --keep-record --kernel none

# The lab's images are built beside what needs no lab; the first test that needs one waits for it, or builds it itself.
images-begun: setup
	@$(PY) -m tests.lab needs
	@mkdir -p build
	@$(PY) -m tests.lab build </dev/null >build/images.log 2>&1 &

test-unit: setup ## Tests that need no lab
	$(NOW)
	$(PYTEST) tests/unit

test-lab: setup ## Tests on real hosts
	$(NOW)
	@$(PY) -m tests.lab needs
	$(LAB_PYTEST) tests/lab_tests -m "not vm and not torture"

torture: setup ## Break what changes, and see it heal: what of this test-lab leaves out for its time
	$(NOW)
	@$(PY) -m tests.lab needs
	$(TORTURE_PYTEST) tests/lab_tests -m torture

test-formats: $(STAMPS)/formats ## Reports judged by tools of npm: Heimdall's, SAF's, SARIF's
	$(NOW)
	$(PYTEST) tests/formats

$(STAMPS)/formats: tools/formats/package.json tools/formats/heimdall.mjs tools/setup-formats.sh $(STAMPS)/venv
	@sh tools/setup-formats.sh $(VENV)
	@touch $@

test-vm: setup ## Tests that boot virtual machines in software emulation
	@$(PY) -m tests.lab needs
	$(BIN)/pytest --timeout 5400 tests/lab_tests -m vm

demo: setup ## Harden real hosts in front of you, and leave the report
	@$(PY) tools/demo.py

prove: setup ## Prove every control on real hosts; COMPONENT=sshd proves one part
	@$(PY) -m tests.lab needs
	$(PY) -m tests.prove $(if $(COMPONENT),--component $(COMPONENT))

prove-inspection: setup ## Cause, find and mend the fault of every inspection item on real hosts; CATEGORY=redis proves one part
	@$(PY) -m tests.lab needs
	$(PY) -m tests.prove_inspection $(CATEGORY)

bench: setup ## Measure speed against stock testinfra, with and without latency
	@$(PY) -m tests.lab needs
	$(PY) tools/bench_scan.py
	$(PY) tools/bench_apply.py
	$(PY) -m tools.bench_campaign
	$(PY) tools/bench_ledger.py
	$(PY) tools/bench_reports.py
	$(PY) tools/bench_resources.py --lab

golden: setup ## Rewrite the golden files of the reports; read the diff
	HARDENING_GOLDEN=rewrite $(BIN)/pytest tests/unit -k golden

docs: setup ## Rewrite the generated pages
	$(PY) tools/docs.py

clean: ## Remove what setup and the tools made here; the lab's images stay (python -m tests.lab prune)
	rm -rf $(VENV) $(STAMPS) build dist out workspace .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .ansible
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
