# Three images: `server` (any x86-64 processor), `bench` (Locust against it), `gpu` (the server on Triton's own image).
# docker-compose.yml builds and hardens them.  By hand: docker build --target server --tag endface:local .
#
# BASE_IMAGE, EXTRAS and PACKAGES say what a server stands on; docker-compose.yml has those of `gpu`.
#
# Base images are pinned by tag.  A tag can be pushed again; for a build that must be the same tomorrow, look up the
# digest once and name it:
#   docker buildx imagetools inspect python:3.11-slim-bookworm --format '{{.Manifest.Digest}}'
#   docker compose build --build-arg BASE_IMAGE=python@sha256:... endface
# PIP_INDEX_URL and PIP_EXTRA_INDEX_URL are build arguments as well, for those who have a mirror.
ARG PYTHON_IMAGE=python:3.11-slim-bookworm
ARG BASE_IMAGE=${PYTHON_IMAGE}

FROM ${PYTHON_IMAGE} AS wheel
ARG PIP_INDEX_URL
ARG PIP_EXTRA_INDEX_URL
WORKDIR /build
RUN pip install --quiet "hatchling>=1.27"
COPY LICENSE README.md pyproject.toml ./
COPY src src
COPY client client
COPY build build
RUN pip wheel --quiet --no-deps --no-build-isolation --wheel-dir /wheel .

FROM ${BASE_IMAGE} AS base
ENV PATH=/opt/endface/bin:$PATH \
    HOME=/tmp \
    PIP_DISABLE_PIP_VERSION_CHECK=1 \
    PIP_NO_CACHE_DIR=1 \
    PYTHONUNBUFFERED=1

# The large layer, made anew only when a dependency changes.  Wheels alone: no image needs a compiler.
FROM base AS packages
ARG PIP_INDEX_URL
ARG PIP_EXTRA_INDEX_URL
ARG EXTRAS="client serve trace"
ARG PACKAGES=""
WORKDIR /build
COPY deploy/containers/requirements.py pyproject.toml constraints.txt ./
RUN python3 -m venv --without-pip /opt/endface \
 && python3 requirements.py ${EXTRAS} >requirements.txt \
 && pip --python /opt/endface/bin/python install --only-binary :all: --constraint constraints.txt \
      --requirement requirements.txt ${PACKAGES}

# Our own code, apart: a change of it is a small layer on top.
FROM packages AS code
COPY --from=wheel /wheel /wheel
RUN pip --python /opt/endface/bin/python install --no-deps --prefix /opt/code /wheel/*.whl

# The models, readable for everybody whatever the umask of the checkout was.
FROM base AS models
COPY model_repository /srv/model_repository
RUN chmod -R u=rwX,go=rX /srv/model_repository

FROM base AS server
RUN useradd --uid 10001 --user-group --no-create-home --home-dir /tmp --shell /usr/sbin/nologin endface
# The root file system is read-only at run time: byte code is compiled at build time.
ENV ENDFACE_REPOSITORY=/srv/model_repository PYTHONDONTWRITEBYTECODE=1
COPY --from=packages /opt/endface /opt/endface
COPY --from=models /srv/model_repository /srv/model_repository
COPY --from=code /opt/code /opt/endface
USER 10001:10001
# gRPC and metrics; HTTP stays on the container's own loopback, where `endface serve` needs it.
EXPOSE 8001 8002
# An entry point of the base image, such as NVIDIA's banner, would stand between the engine and our SIGTERM.
ENTRYPOINT []
# A picture through the whole ensemble; the program says why it gave up, the engine only that it was too late.  Status 3
# is a full queue: some engines kill what is unhealthy, and an overloaded server must not be killed.
HEALTHCHECK --interval=15s --timeout=15s --start-period=120s --retries=3 \
  CMD endface health --deadline-s 10 || test $? -eq 3
CMD ["endface", "serve", "--host", "0.0.0.0", "--metrics-host", "0.0.0.0"]
ARG VERSION=0.2.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="endface" \
      org.opencontainers.image.description="Inspection of fiber-optic connector end faces on Triton Inference Server" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"

# Locust, master or worker, with pictures and their right verdicts, made here by the same stages and the same network.
FROM server AS bench
ARG PIP_INDEX_URL
ARG PIP_EXTRA_INDEX_URL
USER 0:0
WORKDIR /srv/bench
COPY deploy/containers/requirements.py pyproject.toml constraints.txt /tmp/lock/
RUN cd /tmp/lock && python3 requirements.py bench >requirements.txt \
 && pip --python /opt/endface/bin/python install --only-binary :all: --constraint constraints.txt --requirement requirements.txt \
 && rm -r /tmp/lock
COPY benchmarks benchmarks
RUN chmod -R u=rwX,go=rX benchmarks \
 && python3 -c "from pathlib import Path; from benchmarks.common import options, pictures; pictures.save(options.pictures_of(24, None, 'mm-pc'), Path('pictures'))" \
 && install --directory --owner=10001 --group=10001 out
USER 10001:10001
HEALTHCHECK NONE
CMD ["python3", "-m", "locust", "-f", "benchmarks/locustfile.py", "--help"]
LABEL org.opencontainers.image.title="endface-bench"

# The server with Triton's own backends, and a folder for the plan.  NOT VERIFIED on Triton's image, nor with a GPU.
FROM server AS gpu
USER 0:0
RUN command -v tritonserver >/dev/null || { echo "gpu needs BASE_IMAGE, EXTRAS and PACKAGES: docker-compose.yml" >&2; exit 1; }
RUN install --directory --owner=10001 --group=10001 /plans
USER 10001:10001
CMD ["endface", "serve", "--host", "0.0.0.0", "--metrics-host", "0.0.0.0", "--engine", "tensorrt", "--repository", "/plans"]
LABEL org.opencontainers.image.title="endface-gpu"

# `docker build .` without a target: the server for any processor.
FROM server
