# Everything is installed into .venv from pyproject.toml and constraints.txt; nothing else of the machine is used.
PYTHON ?= $(shell command -v python3.11 || command -v python3)
RUN := .venv/bin/python
# Two at a time; the tests of one file stay in one process, which shares their fixtures.
PYTEST := $(RUN) -m pytest -n 2 --dist loadfile

.PHONY: test test-random test-slow fuzz kills lint docs demo clean

.venv/installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	$(RUN) -m pip install --quiet --disable-pip-version-check -c constraints.txt torch
	$(RUN) -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	touch $@

test: .venv/installed lint docs
	$(PYTEST) -m 'not slow'

# Other examples of the property tests in every run.
test-random: .venv/installed
	$(PYTEST) -m 'not slow' --hypothesis-profile random

test-slow: .venv/installed
	$(PYTEST) -m slow

# Damaged files and odd words for every command; `make fuzz ARGS=--write` puts the counts in docs/reference/robustness.md.
fuzz: .venv/installed
	OMP_NUM_THREADS=1 $(RUN) -m tests.fuzz $(ARGS)

# Random kills; `make kills ARGS='--n 100'` makes fewer.
kills: .venv/installed
	OMP_NUM_THREADS=1 $(RUN) -m tests.kills $(ARGS)

lint: .venv/installed
	$(RUN) -m ruff check .
	$(RUN) -m ruff format --check .
	$(RUN) -m mypy
	.venv/bin/lint-imports

docs: .venv/installed
	NO_MKDOCS_2_WARNING=1 $(RUN) -m mkdocs build --strict --quiet --site-dir build/site

demo: .venv/installed
	.venv/bin/seals replay --sample 15000 --k 5 --budget 500 --concepts 6 --repeats 3 \
		--strategies maxent,most_likely_positive,random --index graph --jobs 2 --out demo

clean:
	rm -rf .venv build demo
