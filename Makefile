# Everything is installed in .venv inside this folder; only download caches lie outside it.

.PHONY: install demo test browser chromium promtool faults lint bench lock

VENV := .venv
PYTHON := $(VENV)/bin/python
UV := $(VENV)/bin/uv
STAMP := $(VENV)/installed
TEST_PROCESSES := 2
KAFKA_VERSION := 4.4.0
BENCH_VENV := .venv-bench
BENCH_RUNS := .bench/runs.jsonl
BENCH_SHARED := msgspec|numpy|sentence-transformers|tokenizers|torch|transformers
BENCHMARKS := stream persist close poison text backfill regimes serve
MINUTES := 30
ROUNDS := 1
EXAMPLE := examples/node/node_modules/.package-lock.json
INSTALLED_FROM := requirements-dev.lock requirements-uv.lock pyproject.toml stream_app/embedded/kafka-jars.lock

# The text model comes as a package: nothing may ask a hub.
export HF_HUB_OFFLINE := 1
export UV_PYTHON_DOWNLOADS := never

install: $(STAMP)

demo: install
	@$(VENV)/bin/stream-app demo

# Each process has a Kafka and a Postgres of its own; most of a test's time it waits for something.
test: lint chromium promtool $(EXAMPLE)
	@$(PYTHON) -m pytest --numprocesses $(TEST_PROCESSES) --dist loadfile

# The dashboard alone.
browser: chromium
	@$(PYTHON) -m pytest tests/browser

# The dashboard is tried in a real Chromium. As root on Debian a missing one is installed; else its tests are skipped,
# and say so.
chromium: install
	@$(PYTHON) -m tests.browser.chromium

# The alert rules are tried by Prometheus' own tester, on Debian.
promtool: install
	@$(PYTHON) -m tests.unit.deploy.promtool

# Every fault recipe, TEST_PROCESSES side by side, in rounds of a new seed each: ROUNDS whole ones, and more until the
# time is over; with FAULTS_SEED=… one round of that seed.
faults: install
	@$(PYTHON) -m tests.faults.rounds --minutes $(MINUTES) --rounds $(ROUNDS) --processes $(TEST_PROCESSES)

# What the consumer in another language needs; Node.js itself comes with the requirements.
$(EXAMPLE): examples/node/package-lock.json | $(STAMP)
	@PATH="$(CURDIR)/$(VENV)/bin:$$PATH" npm ci --prefix examples/node --silent
	@touch $@

lint: install
	@$(VENV)/bin/ruff check .
	@$(VENV)/bin/ruff format --check .
	@$(VENV)/bin/mypy

# One after the other: each wants the machine for itself.
bench: install $(BENCH_VENV)/installed
	@for benchmark in $(BENCHMARKS); do $(PYTHON) -m benchmarks.$$benchmark --json-lines $(BENCH_RUNS) || exit 1; done
	@echo "Added to $(BENCH_RUNS)."

# What stream-app is compared with, apart from what it needs.
$(BENCH_VENV)/installed: requirements-bench.lock | $(STAMP)
	@$(UV) venv --quiet --clear --python $(PYTHON) $(BENCH_VENV)
	@$(UV) pip sync --quiet --compile-bytecode --python $(BENCH_VENV)/bin/python --require-hashes requirements-bench.lock
	@touch $@

# Compiled at once: torch and transformers take twice as long to import while Python still compiles them.
$(STAMP): $(INSTALLED_FROM) | $(PYTHON)
	@echo "Installing the pinned requirements into $(VENV) (PyTorch is large: minutes, the first time) …"
	@$(PYTHON) -m pip --version >/dev/null 2>&1 || $(PYTHON) -m ensurepip >/dev/null
	@$(PYTHON) -m pip --quiet --disable-pip-version-check install --require-hashes -r requirements-uv.lock
	@$(UV) pip sync --quiet --compile-bytecode --python $(PYTHON) --require-hashes requirements-dev.lock
	@$(UV) pip install --quiet --python $(PYTHON) --no-deps --no-build-isolation --editable .
	@$(PYTHON) -m stream_app.embedded.jars
	@touch $@

# A Python of 3.11 or newer that can make an environment with pip in it.
# Debian's python3 needs python3-venv for that, or its own pip, which can fill an environment from outside.
$(PYTHON):
	@for python in python3.11 python3.12 python3.13 python3.14 python3; do \
		$$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || continue; \
		found=$$python; \
		if $$python -c 'import ensurepip, venv' 2>/dev/null; then \
			$$python -m venv --clear $(VENV) && exit 0; \
		elif $$python -m pip --version >/dev/null 2>&1; then \
			$$python -m venv --clear --without-pip $(VENV) && \
			$$python -m pip --quiet --python $(PYTHON) install pip && exit 0; \
		fi; \
	done; \
	rm -rf $(VENV); \
	if [ -z "$$found" ]; then \
		echo "Python 3.11 or newer is needed, and there is no such python3 on the PATH; install one and run make again." >&2; \
	else \
		echo "$$found cannot make an environment with pip; install the package python3-venv (or python3-pip) and run make again." >&2; \
	fi; \
	exit 1

# Pins the newest versions that pyproject.toml allows, for every platform, and Kafka's jars. The files name no index.
# The benchmarks' peers get what they share with the product in the same versions, so that a benchmark compares what is
# done with the same PyTorch. Without pyproject.toml's settings (--no-config), which keep sentence-transformers away.
lock: export UV_CUSTOM_COMPILE_COMMAND := make lock
lock: COMPILE := $(UV) pip compile --quiet --upgrade --universal --python-version 3.11 --generate-hashes --no-emit-index-url
lock: install
	@$(COMPILE) pyproject.toml --output-file requirements.lock
	@$(COMPILE) pyproject.toml --extra dev --constraints requirements.lock --output-file requirements-dev.lock
	@echo uv | $(COMPILE) - --output-file requirements-uv.lock
	@{ printf '%s\n' 'bytewax[kafka]' quixstreams; grep -oE '^($(BENCH_SHARED))==[^ ;]+' requirements.lock; } | \
		$(COMPILE) --no-config - --output-file requirements-bench.lock
	@$(PYTHON) -m stream_app.embedded.jars --lock $(KAFKA_VERSION)
