# Everything that people and CI call. Each target installs what it needs and is safe to repeat.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

PYTHON ?= python3
BIN := .venv/bin
# What a target needs from Debian: command -> package. Installed as root when missing; without root it is said.
DEBIAN_TEST := haproxy:haproxy keepalived:keepalived curl:curl openssl:openssl ip:iproute2 nft:nftables \
               killall:psmisc tcpdump:tcpdump arping:iputils-arping ping:iputils-ping vtysh:frr
DEBIAN_DEMO := openssl:openssl ip:iproute2 killall:psmisc
DEBIAN_BENCH := haproxy:haproxy nginx:nginx-light wrk:wrk
export PATH := $(PATH):/usr/sbin:/sbin

.PHONY: help setup demo test bench bench-failover soak lint docs lock clean
help:  ## this list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 22

setup: .venv/ready  ## the virtual environment with pyha in it: .venv/bin/pyha

.venv/ready: requirements/dev.lock pyproject.toml .ci/setup
	@.ci/setup venv "$(PYTHON)"
	@touch $@

demo: setup  ## three masters, a client and a switch; what happens when things break (KEEP=1 leaves it running)
	@.ci/setup debian $(DEBIAN_DEMO)
	@$(BIN)/python netns-lab/demo.py $(if $(KEEP),--keep) $(DEMO)

test: setup  ## lint, types, architecture and every test that this machine can run
	@.ci/setup debian $(DEBIAN_TEST)
	@$(MAKE) --no-print-directory lint
	@$(BIN)/python -m pytest $(TESTS)

lint: setup  ## style, types, who may import whom
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-cache

bench: setup  ## pyha beside haproxy with the same haproxy.cfg in the same run; results in bench/results
	@.ci/setup debian $(DEBIAN_BENCH)
	@$(BIN)/python -m bench.run $(BENCH)
	@$(MAKE) --no-print-directory bench-failover

bench-failover: setup  ## pyha beside keepalived: failover as a client sees it, CPU and memory
	@.ci/setup debian $(DEBIAN_TEST)
	@$(BIN)/python -m bench.failover $(FAILOVER)

soak: setup  ## long runs that look for lost bytes and leaks
	@.ci/setup debian $(DEBIAN_TEST)
	@PYHA_SOAK=1 $(BIN)/python -m pytest tests/soak tests/sim tests/interop/test_peers.py -q $(TESTS)

docs: setup  ## the lists of words in docs/manual, written anew from the registries
	@$(BIN)/python docs/generate.py

lock: setup  ## requirements/*.lock from pyproject.toml
	@.ci/setup lock

clean:  ## everything that the other targets made
	@rm -rf .venv build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache .coverage htmlcov
