# `make` alone prints what there is to do.
SHELL := /bin/sh
.DEFAULT_GOAL := help
.PHONY: help run demo test check schema gallery format lock crash bench image setup-run setup-test

# The first Python on the PATH that fits; name another with PYTHON=.
PYTHON ?= $(or $(shell for name in python3 python3.13 python3.12 python3.11; do "$$name" launch/python_check.py 2>/dev/null && echo "$$name" && break; done),python3)
VENV := .venv/bin
PORT ?= 8000
TESTS ?=
IMAGE_OPTIONS ?=

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' Makefile

run: setup-run ## start the platform and run the demo workflow; Ctrl-C stops it (PORT=8000)
	@exec $(VENV)/python -m launch.run --port $(PORT)

demo: setup-run ## the same, then stop: exit 0 when the workflow gave the right result
	@exec $(VENV)/python -m launch.run --port $(PORT) --once

test: setup-test ## every test (TESTS="tests/engine -k retry" for some)
	@exec $(VENV)/python -m pytest -n auto --dist loadfile --no-loadscope-reorder $(TESTS)

check: setup-test ## linters, types, import contracts, Django's checks
	@exec $(VENV)/python -m launch.check

crash: setup-test ## faults everywhere, and a table (ONLY=R3 SEED=7 ROUNDS=20, FULL=1 for hours)
	@exec $(VENV)/python -m tests.crash $(if $(ONLY),--only $(ONLY)) $(if $(SEED),--seed $(SEED)) $(if $(ROUNDS),--rounds $(ROUNDS)) $(if $(FULL),--full)

bench: setup-test ## speed beside the peers and bare PostgreSQL (W=W8 ONLY=highway ROUNDS=1 SMOKE=1; see bench/README.md)
	@exec $(VENV)/python -m bench $(if $(SMOKE),--smoke) $(if $(W),--workloads $(W)) $(if $(ONLY),--only $(ONLY)) $(if $(ROUNDS),--rounds $(ROUNDS)) \
		$(if $(BACKLOG),--backlog $(BACKLOG)) $(if $(HISTORIES),--histories $(HISTORIES)) $(if $(RUNS),--api-runs $(RUNS)) \
		$(if $(DURATION),--duration $(DURATION)) $(if $(REPORT),--report)

schema: setup-test ## write sql/schema.sql anew from the migrations
	@$(VENV)/python -m launch.schema

gallery: setup-test ## compile the templates of the gallery anew
	@exec $(VENV)/python -m workflows.gallery.build

format: setup-test ## put the code into the house's form
	@$(VENV)/ruff check --fix-only --quiet . && $(VENV)/ruff format .

lock: setup-test ## resolve requirements/*.in anew into the hash-pinned lock files
	@for name in base embedded dev extras client-highway bench-peers; do \
		$(VENV)/uv pip compile --quiet --upgrade --universal --python-version 3.11 --generate-hashes --no-header --no-annotate \
			--no-emit-index-url --no-emit-find-links requirements/$$name.in --output-file requirements/$$name.txt || exit 1; \
	done

image: ## the container image, called highway-platform (IMAGE_OPTIONS="--network=host" and the like)
	@docker build $(IMAGE_OPTIONS) --tag highway-platform .

setup-run:
	@$(PYTHON) launch/python_check.py && $(PYTHON) launch/bootstrap.py run

setup-test:
	@$(PYTHON) launch/python_check.py && $(PYTHON) launch/bootstrap.py test
