# Two commands are all a newcomer needs: `make demo` and `make test`. Each sets up what it needs.
.DEFAULT_GOAL := help
.PHONY: help demo test check bench endure evaluate docs notebooks lock advisories clean
PY := .venv/bin/python
COMPILE = uv pip compile --universal --python-version 3.11 --generate-hashes $(UPGRADE)

help: ## show this
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-10s %s\n", $$1, $$2}'

demo: ## set up, draw the town, opt people in, train, serve, show one visit of each kind
	@scripts/setup.sh runtime
	@.venv/bin/usual demo

test: ## set up, check the style and the walls, run every test
	@scripts/setup.sh dev
	@$(MAKE) --no-print-directory check
	@scripts/test.sh

check: ## ruff, mypy, the import contracts, and no secret in any file
	@scripts/setup.sh dev
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .
	$(PY) -m mypy
	.venv/bin/lint-imports --no-cache
	$(PY) scripts/scan_secrets.py

bench: ## speed and memory, as ratios from one run
	@scripts/setup.sh dev
	$(PY) -m bench

endure: ## attacks, power cuts, kills, full disks, overload: an hour, figures in one table
	@scripts/setup.sh dev
	$(PY) -m tests.unbreakable

evaluate: ## the accuracy tables, on the town or on data beside the project
	@scripts/setup.sh dev
	.venv/bin/usual evaluate orders
	.venv/bin/usual evaluate destinations
	.venv/bin/usual evaluate offers
	.venv/bin/usual evaluate town

docs: ## the documentation as a site in .cache/site, the notebooks executed (offline; warnings are errors)
	@scripts/setup.sh dev
	NO_MKDOCS_2_WARNING=1 $(PY) -m mkdocs build --strict --quiet
	@echo "The site is in .cache/site: $(PY) -m http.server -d .cache/site shows it, with its search."

notebooks: ## open the worked examples in a browser, with the kernel of this environment
	@scripts/setup.sh notebooks
	$(PY) -m jupyterlab --notebook-dir . --LabApp.default_url=/lab/tree/notebooks

lock: ## pin what locks/*.in ask for, and keep every other pin (needs uv; UPGRADE=--upgrade takes the newest)
	cd locks && $(COMPILE) --override runtime-left-out.txt -o runtime.txt runtime.in
	cd locks && $(COMPILE) -c runtime.txt -o build.txt build.in
	cd locks && $(COMPILE) --override runtime-left-out.txt -c runtime.txt -o scale.txt scale.in
	cd locks && $(COMPILE) --override dev-overrides.txt -c scale.txt -o dev.txt dev.in
	cd locks && $(COMPILE) --override dev-overrides.txt -c dev.txt -o notebooks.txt notebooks.in
	cd locks && $(COMPILE) -c dev.txt -o advisories.txt advisories.in

advisories: ## known vulnerabilities of every pinned package (needs the network)
	@scripts/setup.sh dev
	$(PY) scripts/advisories.py

clean: ## remove the environment, caches and the demo's state
	rm -rf .venv .pytest_cache .mypy_cache .ruff_cache data/state
