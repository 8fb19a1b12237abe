# syntax=docker/dockerfile:1

# Every command of stream-app, installed by the steps of `make install` from the same locks, without what only the
# tests need and without the embedded Kafka's jars.
FROM python:3.11-slim

RUN useradd --create-home --uid 10001 --user-group stream-app
WORKDIR /opt/stream-app

# The first two as in the Makefile; the others keep downloads and bytecode that nobody reads again out of the image.
ENV HF_HUB_OFFLINE=1 \
    UV_PYTHON_DOWNLOADS=never \
    UV_NO_CACHE=1 \
    PIP_NO_CACHE_DIR=1

RUN python3.11 -m venv --clear .venv
COPY requirements-uv.lock ./
RUN .venv/bin/python -m pip --quiet --disable-pip-version-check install --require-hashes -r requirements-uv.lock
COPY requirements.lock ./
RUN .venv/bin/uv pip sync --quiet --compile-bytecode --python .venv/bin/python --require-hashes requirements.lock

# hatchling, which makes the wheel, is not in requirements.lock; it is pinned where the tests have it.
COPY . .
RUN .venv/bin/uv pip install --quiet --python .venv/bin/python --no-deps --compile-bytecode --build-constraints requirements-dev.lock .

ENV PATH=/opt/stream-app/.venv/bin:$PATH
USER 10001:10001
WORKDIR /home/stream-app
ENTRYPOINT ["stream-app"]
CMD ["worker"]
