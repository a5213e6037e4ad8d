# Everything is installed into .venv from pyproject.toml and constraints.txt; nothing else of the machine is used.
PYTHON ?= $(shell command -v python3.11 || command -v python3)
RUN := .venv/bin/python

.PHONY: test test-slow lint demo clean

.venv/installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	$(RUN) -m pip install --quiet --disable-pip-version-check -c constraints.txt torch
	$(RUN) -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	touch $@

test: .venv/installed lint
	$(RUN) -m pytest -m 'not slow'

test-slow: .venv/installed
	$(RUN) -m pytest -m slow

lint: .venv/installed
	$(RUN) -m ruff check .
	$(RUN) -m ruff format --check .
	$(RUN) -m mypy

demo: .venv/installed
	$(RUN) -m seals_sim.replay.rare_concepts --sample 15000 --k 5 --budget 500 --concepts 6 --repeats 3 \
		--strategies maxent,most_likely_positive,random --index graph --jobs 2 --out demo

clean:
	rm -rf .venv demo
