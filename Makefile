# Needs GNU make (3.81 or newer, as macOS ships it) and Python 3.11 or newer; everything else is installed into .venv.
# `make` alone lists what can be done.

ifeq ($(OS),Windows_NT)
$(error KuberKlone runs on Linux, macOS and WSL2, not on native Windows: install WSL2 with `wsl --install` and run make there)
endif

# The first of these that is new enough; a name alone may be a shim without an interpreter behind it, so each is asked.
PYTHON ?= $(shell for candidate in python3 python3.13 python3.12 python3.11 python; do \
	"$$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo "$$candidate" && break; done)
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
# Arguments for the program or the test runner: make up ARGS="--demo --port 8081", make test ARGS="-k scheduler".
ARGS ?=

.DEFAULT_GOAL := help
.PHONY: help up install install-dev test lint schema check image image-local image-pause bench bench-check clients lock clean

help:
	@echo "make up           set up and run a cluster with three nodes    ARGS=\"--demo\" for quick times"
	@echo "make install      only set up: .venv with the locked dependencies"
	@echo "make test         every test, on SQLite and on a Postgres it starts itself    ARGS=\"-k scheduler\""
	@echo "make lint         style, types, order of the layers"
	@echo "make check        lint, alembic check on both databases, tests"
	@echo "make image        the Docker images of nodes and of empty pods, from public ones    ARGS=\"--build-arg ...\""
	@echo "make image-local  the same without a registry, from this machine's own Python"
	@echo "make image-pause  only the image of empty pods"
	@echo "make bench        measure and print the figures"
	@echo "make bench-check  fail when a figure fell too far below the raw driver's"
	@echo "make clients      build the Kubernetes clients that tests use (needs Go and node)"
	@echo "make lock         renew the lock files"
	@echo "make clean        remove .venv and what the tools left behind; no cluster's data"

up: $(VENV)/.installed
	@exec $(BIN)/kuberklone up --nodes 3 $(ARGS)

install: $(VENV)/.installed

install-dev: $(VENV)/.installed-dev

# Safe tests run beside those that start processes, which stay on one worker; see tests/conftest.py.
test: $(VENV)/.installed-dev
	@$(BIN)/pytest -n 2 --dist loadscope $(ARGS)

lint: $(VENV)/.installed-dev
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

schema: $(VENV)/.installed-dev
	@PYTHONPATH=. $(BIN)/python .ci/alembic_check.py

check: lint schema test

# The names are those of the settings node_image and pause_image.
DOCKER ?= docker
NODE_IMAGE := kuberklone:latest
PAUSE_IMAGE := kuberklone-pause:latest
LOCAL_BASE := kuberklone-base:local

image: image-pause
	@$(DOCKER) build --quiet --tag $(NODE_IMAGE) $(ARGS) .

# The base is made anew when what it is made of has changed: it takes longer than all the rest. A file stands between
# the two commands, because the left side of a pipe may fail unnoticed.
image-local: $(VENV)/.installed image-pause
	@mkdir -p build
	@made_of=$$($(BIN)/python -VV | cat - requirements.lock images/*.py | cksum | cut -d' ' -f1); \
	label=$$($(DOCKER) image inspect --format '{{index .Config.Labels "io.kuberklone.made-of"}}' $(LOCAL_BASE) 2>/dev/null); \
	test "$$label" = "$$made_of" || { \
		PYTHONPATH=. $(BIN)/python images/local_base.py >build/base.tar && \
		$(DOCKER) import --change "LABEL io.kuberklone.made-of=$$made_of" build/base.tar $(LOCAL_BASE) >/dev/null && \
		rm build/base.tar; }
	@$(DOCKER) build --quiet --tag $(NODE_IMAGE) --build-arg BASE_IMAGE=$(LOCAL_BASE) $(ARGS) .

# A C compiler of this machine serves where it makes Linux programs; elsewhere one from a registry does.
image-pause:
	@mkdir -p build
	@if [ "$$(uname -s)" = Linux ] && command -v cc >/dev/null; then \
		cc -static -nostdlib -ffreestanding -fno-stack-protector -Os -s -o build/pause images/pause.c && \
		tar -C build -cf build/pause.tar pause && \
		$(DOCKER) import --change 'USER 65535:65535' --change 'ENTRYPOINT ["/pause"]' build/pause.tar $(PAUSE_IMAGE) >/dev/null && \
		rm build/pause build/pause.tar; \
	else $(DOCKER) build --quiet --tag $(PAUSE_IMAGE) --file images/pause.Dockerfile images; fi

bench: $(VENV)/.installed-dev
	@$(BIN)/python -m benchmarks $(ARGS)

bench-check: $(VENV)/.installed-dev
	@$(BIN)/python -m benchmarks --check $(ARGS)

# The lock files name everything, so nothing is left to resolve (--no-deps): pip's resolver asks for extras, such as
# coverage[toml], without looking at the pin, and fails on the day a newer version is published.
# The stamps are newer than the lock files they were installed from, so a second `make up` starts at once.
$(VENV)/.installed: requirements.lock pyproject.toml $(VENV)/bin/python
	@echo "installing the locked dependencies into $(VENV) ..."
	@$(PIP) install --no-deps --require-hashes -r requirements.lock || { $(say_install_failed); exit 1; }
	@$(PIP) install --no-deps --no-build-isolation --no-index -e . || { $(say_install_failed); exit 1; }
	@touch $@

$(VENV)/.installed-dev: requirements-dev.lock $(VENV)/.installed
	@echo "installing the tools for tests and checks ..."
	@$(PIP) install --no-deps --require-hashes -r requirements-dev.lock || { $(say_install_failed); exit 1; }
	@touch $@

$(VENV)/bin/python:
	@test -n "$(PYTHON)" || { $(say_no_python); exit 1; }
	@"$(PYTHON)" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { $(say_no_python); exit 1; }
	@"$(PYTHON)" -c 'import venv, ensurepip' 2>/dev/null || { $(say_no_venv); exit 1; }
	@"$(PYTHON)" -m venv $(VENV)

define say_no_python
echo "KuberKlone needs Python 3.11 or newer, and none was found." >&2; \
echo "  Debian, Ubuntu: sudo apt install python3 python3-venv     macOS: brew install python" >&2; \
echo "  Installed elsewhere? Name it: make up PYTHON=/path/to/python3.12" >&2
endef

define say_no_venv
echo "This Python cannot make virtual environments: $(PYTHON)" >&2; \
echo "  Debian, Ubuntu: sudo apt install python3-venv, then run make again." >&2
endef

define say_install_failed
echo "The dependencies could not be installed; pip's own words are above." >&2; \
echo "  Without a network: connect and run make again, it continues where it stopped." >&2; \
echo "  Anything else: make clean, then run make again." >&2
endef

# Needs the network. uv resolves for every platform and Python version at once, which pip cannot; it is needed here only.
LOCK := $(VENV)/lock/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	--no-emit-index-url --no-header --no-annotate pyproject.toml
lock: $(VENV)/bin/python
	@test -x $(VENV)/lock/bin/uv || { $(BIN)/python -m venv $(VENV)/lock && $(VENV)/lock/bin/pip install --quiet uv; }
	@echo "# What the program needs to run: exact versions and hashes. Written by \`make lock\`; do not edit." > requirements.lock
	@$(LOCK) --upgrade --group install >> requirements.lock
	@echo "# What developing the program needs: exact versions and hashes. Written by \`make lock\`; do not edit." > requirements-dev.lock
	@$(LOCK) --upgrade --group dev --constraint requirements.lock >> requirements-dev.lock

# Go and node build what pip cannot: the newest kubectl, an informer in Go, the JavaScript client. Tests that need one
# are skipped, and say so, until this was done.
GO_PROGRAM_FLAGS := -trimpath -ldflags '-s -w -X k8s.io/component-base/version.gitVersion=v1.37.2'
clients: .clients/bin/kubectl .clients/node/node_modules

.clients/bin/kubectl: $(wildcard tests/clients/go/*/*.go) tests/clients/go/go.mod
	@echo "building kubectl and an informer; the first time takes some minutes ..."
	@cd tests/clients/go && CGO_ENABLED=0 go build $(GO_PROGRAM_FLAGS) -o ../../../.clients/bin/ ./kubectl ./informer

.clients/node/node_modules: tests/clients/node/package-lock.json
	@mkdir -p .clients/node
	@cp tests/clients/node/package.json tests/clients/node/package-lock.json .clients/node/
	@npm ci --prefix .clients/node --no-audit --no-fund --silent
	@touch $@

clean:
	@rm -rf .clients $(VENV) build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache .coverage*
