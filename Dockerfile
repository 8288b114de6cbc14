# syntax=docker/dockerfile:1
# One image for every process: `docker run -p 5000:5000 -v fireside:/data fireside` is a server on SQLite.

FROM node:24-bookworm-slim AS web
WORKDIR /build
COPY web ./web
RUN --mount=type=cache,target=/root/.npm npm --prefix web ci --ignore-scripts --no-audit --no-fund \
    && npm --prefix web run build \
    && node web/pack.mjs web/dist webclient

FROM python:3.11-slim-bookworm AS build
RUN pip install --no-cache-dir --disable-pip-version-check uv==0.13.9
ENV UV_PROJECT_ENVIRONMENT=/opt/fireside \
    UV_COMPILE_BYTECODE=1 \
    UV_LINK_MODE=copy \
    UV_PYTHON_DOWNLOADS=never
WORKDIR /build
# What it stands on changes less often than what it is, so it is a layer of its own. Both are what uv.lock says.
COPY pyproject.toml uv.lock ./
RUN --mount=type=cache,target=/root/.cache/uv uv sync --frozen --no-default-groups --no-install-project
COPY README.md LICENSE hatch_build.py ./
COPY src ./src
COPY --from=web /build/webclient ./src/fireside/http/webclient
RUN --mount=type=cache,target=/root/.cache/uv uv sync --frozen --no-default-groups --no-editable

FROM python:3.11-slim-bookworm
RUN useradd --system --uid 10001 --home-dir /data --shell /usr/sbin/nologin fireside \
    && install --directory --owner fireside --group fireside --mode 700 /data
COPY --from=build /opt/fireside /opt/fireside
ENV PATH=/opt/fireside/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    FIRESIDE_HOST=0.0.0.0 \
    FIRESIDE_DATA_DIR=/data
USER fireside
WORKDIR /data
VOLUME /data
EXPOSE 5000
HEALTHCHECK --interval=15s --timeout=5s --start-period=60s --start-interval=1s \
    CMD ["python", "-c", "import os, urllib.request as r; r.urlopen(f'http://127.0.0.1:{os.environ.get(\"PORT\") or 5000}/healthz', timeout=4)"]
ENTRYPOINT ["fireside"]
CMD ["serve"]
