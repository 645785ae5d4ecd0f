# Three images: `server` (any x86-64 processor), `bench` (Locust against it), `gpu` (Triton's own image with TensorRT).
# docker-compose.yml builds and hardens them.  By hand: docker build --target server --tag endface:local .
#
# Base images are pinned by tag.  A tag can be pushed again; for a build that must be the same tomorrow, look up the
# digest once and name it:
#   docker buildx imagetools inspect python:3.11-slim-bookworm --format '{{.Manifest.Digest}}'
#   docker compose build --build-arg PYTHON_IMAGE=python@sha256:... endface
# PIP_INDEX_URL and PIP_EXTRA_INDEX_URL are build arguments as well, for those who have a mirror.
ARG PYTHON_IMAGE=python:3.11-slim-bookworm
ARG TRITON_IMAGE=nvcr.io/nvidia/tritonserver:25.08-py3

FROM ${PYTHON_IMAGE} AS python
ENV PATH=/opt/endface/bin:$PATH \
    HOME=/tmp \
    PIP_DISABLE_PIP_VERSION_CHECK=1 \
    PIP_NO_CACHE_DIR=1 \
    PYTHONUNBUFFERED=1

FROM python AS builder
ARG PIP_INDEX_URL
ARG PIP_EXTRA_INDEX_URL
WORKDIR /build
RUN pip install --quiet "hatchling>=1.27"
COPY deploy/containers/requirements.py pyproject.toml constraints.txt ./

# The large layer, made anew only when a dependency changes.  Wheels alone: no image needs a compiler.
FROM builder AS server-packages
ARG PIP_INDEX_URL
ARG PIP_EXTRA_INDEX_URL
RUN python3 -m venv --without-pip /opt/endface \
 && python3 requirements.py client serve >requirements.txt \
 && pip --python /opt/endface/bin/python install --only-binary :all: --constraint constraints.txt --requirement requirements.txt

# Our own code, apart: a change of it is a small layer on top.
FROM server-packages AS code
COPY LICENSE README.md ./
COPY src src
COPY client client
COPY build build
RUN pip wheel --quiet --no-deps --no-build-isolation --wheel-dir /wheel . \
 && pip --python /opt/endface/bin/python install --no-deps --prefix /opt/code /wheel/*.whl

FROM python AS server
RUN useradd --uid 10001 --user-group --no-create-home --home-dir /tmp --shell /usr/sbin/nologin endface
# The root file system is read-only at run time: byte code is compiled at build time.
ENV ENDFACE_REPOSITORY=/srv/model_repository PYTHONDONTWRITEBYTECODE=1
COPY --from=server-packages /opt/endface /opt/endface
COPY model_repository /srv/model_repository
COPY --from=code /opt/code /opt/endface
USER 10001:10001
# gRPC and metrics; HTTP stays on the container's own loopback, where `endface serve` needs it.
EXPOSE 8001 8002
# A picture through the whole ensemble.
HEALTHCHECK --interval=15s --timeout=15s --start-period=120s --retries=3 CMD ["endface", "health"]
CMD ["endface", "serve", "--host", "0.0.0.0", "--metrics-host", "0.0.0.0"]
ARG VERSION=0.1.0
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
COPY --from=builder /build/requirements.py /build/pyproject.toml /build/constraints.txt /tmp/lock/
RUN cd /tmp/lock && python3 requirements.py bench >requirements.txt \
 && pip --python /opt/endface/bin/python install --only-binary :all: --constraint constraints.txt --requirement requirements.txt \
 && rm -r /tmp/lock
COPY benchmarks benchmarks
RUN python3 -c "from pathlib import Path; from benchmarks import command, pictures; pictures.save(command.pictures_of(24, None, 'mm-pc'), Path('pictures'))" \
 && install --directory --owner=10001 --group=10001 out
USER 10001:10001
HEALTHCHECK NONE
CMD ["python3", "-m", "locust", "-f", "benchmarks/locustfile.py", "--help"]
LABEL org.opencontainers.image.title="endface-bench"

# Triton with its own backends.  NOT VERIFIED: never built or run where this file was written.
# `endface-build provision` needs TensorRT's Python module in the version of the image's own libraries, which it then uses.
FROM ${TRITON_IMAGE} AS gpu
ARG PIP_INDEX_URL
ARG PIP_EXTRA_INDEX_URL
ARG TENSORRT=10.13.2.6
ENV PATH=/opt/endface/bin:$PATH \
    HOME=/tmp \
    PIP_DISABLE_PIP_VERSION_CHECK=1 \
    PIP_NO_CACHE_DIR=1 \
    PYTHONUNBUFFERED=1
RUN useradd --uid 10001 --user-group --no-create-home --home-dir /tmp --shell /usr/sbin/nologin endface \
 && install --directory --owner=10001 --group=10001 /plans
COPY --from=builder /build/requirements.py /build/pyproject.toml /build/constraints.txt /tmp/lock/
RUN cd /tmp/lock \
 && python3 -m venv --without-pip /opt/endface \
 && python3 requirements.py client onnxruntime >requirements.txt \
 && pip --python /opt/endface/bin/python install --only-binary :all: --constraint constraints.txt --requirement requirements.txt \
      onnx pyyaml cuda-bindings "tensorrt-cu13-bindings==${TENSORRT}" \
 && echo "from tensorrt_bindings import *; from tensorrt_bindings import __version__" \
      >"$(/opt/endface/bin/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/tensorrt.py" \
 && rm -r /tmp/lock
ENV ENDFACE_REPOSITORY=/srv/model_repository PYTHONDONTWRITEBYTECODE=1
COPY model_repository /srv/model_repository
COPY --from=code /wheel /tmp/wheel
RUN pip --python /opt/endface/bin/python install --no-deps /tmp/wheel/*.whl
USER 10001:10001
EXPOSE 8001 8002
# NVIDIA's entry point prints a banner and checks; as the first process it would stand between us and SIGTERM.
ENTRYPOINT []
HEALTHCHECK --interval=15s --timeout=15s --start-period=120s --retries=3 CMD ["endface", "health"]
CMD ["endface", "serve", "--host", "0.0.0.0", "--metrics-host", "0.0.0.0", "--engine", "tensorrt", "--repository", "/plans"]
ARG VERSION=0.1.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="endface-gpu" \
      org.opencontainers.image.description="Inspection of fiber-optic connector end faces on Triton Inference Server" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"

# `docker build .` without a target: the server for any processor.
FROM server
