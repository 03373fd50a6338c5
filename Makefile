# Two commands for everyone: `make lab` opens the course, `make test` proves it.
# Both make .venv ready first; only the first call installs.
# Another Python:         make lab PYTHON=/path/to/python3.12
# PyTorch you have:       make lab TORCH=/path/to/the/python/that/has/it   (docs/install.md)
# Options of JupyterLab:  make lab LAB_ARGS="--no-browser --port 8899"

RUN = .venv/bin/python
SUITS = import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 14))
PYTHON =
TORCH =
ROOT =
LAB_ARGS =
TEST_ARGS =

.PHONY: help lab test test-rest test-older test-all test-browser build docs site lint types doctor setup setup-tests lock

help:
	@echo "make lab     open the course in JupyterLab (LAB_ARGS adds its options)"
	@echo "make test    check the style, then run the tests and every notebook (TEST_ARGS: for pytest)"
	@echo "make test-all  the same, then all attacks, all wrong answers, and an older processor"
	@echo "make test-browser  try the lab and the built site in Chromium"
	@echo "make build   make and execute the notebooks from their .py sources"
	@echo "make docs    renew the tables and the picture of README.md and docs/"
	@echo "make site    build the course's pages in site/_build/html"
	@echo "make lint    check the style and the format of the code"
	@echo "make types   check the types of both packages"
	@echo "make doctor  say what this machine lacks for the course"
	@echo "make lock    compile both requirements.lock from pyproject.toml (needs uv)"

# Your own copies of lessons and exercises, in work/. Authors: make lab ROOT=. shows the whole course.
lab: setup
	@$(RUN) -m coursekit lab $(if $(ROOT),--root "$(ROOT)") -- $(LAB_ARGS)

# Two workers, each of which has whole files, in order: the short notebooks of solutions come last,
# so that both workers are busy to the end. TEST_ARGS="-n0 --pdb" is one process.
PYTEST = $(RUN) -m pytest -n 2 --dist loadfile --no-loadscope-reorder
OLDER = ATEN_CPU_CAPABILITY=avx2 ONEDNN_MAX_CPU_ISA=AVX2

test: lint types
	@$(PYTEST) -m "not slow" $(TEST_ARGS)

# What `make test` leaves out; a hostile class is judged as a whole here, too.
test-rest: setup-tests
	@$(PYTEST) -m "slow or every_tier" $(TEST_ARGS)

# The tests of `make test` on a processor that has AVX2 alone: bfloat16 is several times slower there.
test-older: setup-tests
	@$(OLDER) $(PYTEST) -m "not slow" $(TEST_ARGS)

test-all:
	@$(MAKE) --no-print-directory test
	@$(MAKE) --no-print-directory test-rest
	@$(MAKE) --no-print-directory test-older

# Selenium gets an environment of its own, inside .venv; the screenshots go to runs/browser.
test-browser: setup .venv/browser/.installed
	@.venv/browser/bin/python -m pytest -c tests/browser/pytest.ini tests/browser $(TEST_ARGS)

.venv/browser/.installed: tests/browser/requirements.lock | setup
	@$(RUN) -m venv --clear .venv/browser
	@.venv/browser/bin/python -m pip --disable-pip-version-check install --quiet \
	    --require-hashes -r $<
	@touch $@

build: setup
	@$(RUN) -m coursekit build

docs: setup
	@$(RUN) site/docs.py

site: setup
	@$(RUN) site/make.py

lint: setup-tests
	@$(RUN) -m ruff check .
	@$(RUN) -m ruff format --check .

types: setup-tests
	@$(RUN) -m mypy

doctor: setup
	@$(RUN) -m coursekit doctor

# The first Python that suits, else the first there is: setup_env.py then says what is wrong.
# TORCH names the Python whose PyTorch is used, or the folder of its environment.
setup setup-tests:
	@found="$(or $(TORCH),$(PYTHON))"; \
	if [ -d "$$found" ]; then found="$$found/bin/python"; fi; \
	for each in python3 python3.14 python3.13 python3.12 python3.11 python; do \
	    if [ -z "$$found" ] && $$each -c '$(SUITS)' 2>/dev/null; then found=$$each; fi; \
	done; \
	for each in python3 python; do \
	    if [ -z "$$found" ] && command -v $$each >/dev/null; then found=$$each; fi; \
	done; \
	if ! command -v "$${found:-none}" >/dev/null; then \
	    echo "No Python found ($${found:-python3}): install Python 3.11 or newer from" \
	         "https://www.python.org/downloads, then run make PYTHON=/path/to/it." >&2; exit 1; \
	fi; \
	"$$found" setup_env.py $(if $(TORCH),--borrow-torch) $(if $(filter %-tests,$@),tests)

# tests/requirements.lock holds what requirements.lock does not: a student installs the one alone.
LOCK = uv pip compile pyproject.toml coursekit/pyproject.toml --universal --generate-hashes \
    --no-annotate --no-header --python-version 3.11 --quiet
lock:
	@$(LOCK) --upgrade --group pyproject.toml:course --output-file requirements.lock
	@$(LOCK) --group pyproject.toml:dev --constraint requirements.lock --output-file dev.tmp
	@awk 'NR == FNR { if (/==/) course[$$0]; next } /==/ { extra = !($$0 in course) } extra' \
	    requirements.lock dev.tmp > tests/requirements.lock
	@rm dev.tmp
