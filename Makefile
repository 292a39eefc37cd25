# Needs Python (3.10 or newer) and make; everything else goes into .venv and .work.
PYTHON ?= python3
BIN := .venv/bin

.PHONY: help demo test test-editors check lint fix bench tree lock clean

help:  ## Print this help
	@awk -F ":.*## " '/^[a-z-]+:.*## / { printf "%-12s%s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: .venv/ready  ## Build a dataset, train an adapter for a few minutes, hover in a real LSP session
	$(BIN)/python -m tools.demo

test: .venv/ready  ## Run every test
	$(BIN)/python -m pytest -q

test-editors: .venv/ready  ## Drive Neovim and Emacs (Debian: neovim emacs-nox elpa-eglot elpa-lsp-mode)
	TENNY_EDITORS=required $(BIN)/python -m pytest -q tests/editors

check: lint test  ## Everything CI checks

lint: .venv/ready  ## Style, formatting, types
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy

fix: .venv/ready  ## Repair style and formatting
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

bench: .venv/ready  ## Measure side by side with peers; wants a quiet machine
	$(BIN)/python -m benchmarks.serve_speed --install
	$(BIN)/python -m benchmarks.hover_answers
	$(BIN)/python -m benchmarks.long_file
	$(BIN)/python -m benchmarks.completion_rank
	$(BIN)/python -m benchmarks.train_speed

tree: .venv/ready  ## Write the README's tree anew
	$(BIN)/python -m tools.tree

lock:  ## Pin the requirements again (needs uv)
	uv pip compile pyproject.toml --universal --python-version 3.10 --generate-hashes --no-emit-index-url --no-header \
		--upgrade -q -o requirements/run.lock
	uv pip compile pyproject.toml --group dev --universal --python-version 3.10 --generate-hashes --no-emit-index-url \
		--no-header --upgrade -q -o requirements/dev.lock

clean:  ## Remove the environment and everything built
	rm -rf .venv .work build dist

.venv/ready: requirements/dev.lock pyproject.toml
	@echo "Setting up .venv (a few minutes the first time)"
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements/dev.lock
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@
