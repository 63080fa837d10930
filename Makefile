# Each target does its own set-up: a virtual environment in .venv, packages, and a private RabbitMQ.
#
#   make run              watch the demonstration; Ctrl-C ends it
#   make run COUNT=1000   end after 1000 events, with totals that add up
#   make run KILL=1       two brokers, the active one killed in the middle
#   make test             every test                 make lint    style and types
#   make check            the shipped rules          make docs    the pages made from the sources
#   make bench            measurements               make clean   remove what was made here
#   make profile          a flame graph of the service under load
#   make interop          beside the real kazoo module of Kamailio (make interop ARGS="query --scale 0.1")
#   make sip              real calls through a real Kamailio, asked and answered (make sip ARGS=answers)
#   make sip-load         the highest rate held, beside kazoo_query: ten minutes on a machine that does nothing else
#   make chaos            break everything, count what is lost (make chaos ARGS="backlog --scale 0.1")

SHELL := /bin/sh
VENV := .venv
STAMP := $(VENV)/made-for-this-pyproject
BIN := $(VENV)/bin
PEERS := bench/work/venv/made
PYTHON := $(shell for p in python3 python3.14 python3.13 python3.12 python3.11; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && { command -v $$p; break; }; done)

.DEFAULT_GOAL := help
.PHONY: help run test lint check bench profile chaos sip sip-load interop docs clean

help:
	@sed -n '3,13s/^# *//p' Makefile

run: $(STAMP)
	@$(BIN)/python -m demo $(if $(COUNT),--count $(COUNT)) $(if $(KILL),--kill) $(ARGS)

test: $(STAMP)
	$(BIN)/python -m pytest $(ARGS)

lint: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	@$(BIN)/python -m testbed.audit

check: $(STAMP)
	$(BIN)/kzrules check rules/
	$(BIN)/kzrules test rules/

bench: $(STAMP) $(PEERS)
	$(BIN)/python -m bench $(ARGS)
	bench/work/venv/bin/python -m bench.plots
	$(BIN)/python -m bench.page
	$(if $(ARGS),,$(BIN)/python bench/cli.py && $(BIN)/python bench/rules.py)

profile: $(STAMP) $(PEERS)
	$(BIN)/python -m bench.profile $(ARGS)

$(PEERS): bench/peers/requirements.txt
	$(PYTHON) -m venv bench/work/venv
	bench/work/venv/bin/python -m pip install -q -r $<
	@touch $@

docs: $(STAMP)
	$(BIN)/python -m docs.generate

interop: $(STAMP)
	@$(BIN)/python -m interop $(ARGS)

sip: $(STAMP)
	@$(BIN)/python -m sip $(ARGS)

sip-load: $(STAMP) $(PEERS)
	$(BIN)/python -m sip.load $(ARGS)
	bench/work/venv/bin/python -m bench.sip_plot

chaos: $(STAMP)
	@$(BIN)/python -m chaos $(ARGS)

clean:
	rm -rf $(VENV) build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis

$(STAMP): pyproject.toml
	@test -n "$(PYTHON)" || { echo "make: there is no Python 3.11 or later here: install python3" >&2; exit 1; }
	@$(PYTHON) -m testbed.bootstrap $(VENV)
	@touch $(STAMP)
