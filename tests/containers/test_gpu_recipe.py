"""The image `gpu` on a stand-in for NVIDIA's: a Python image that has a Triton where NVIDIA's has its own."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

pytestmark = pytest.mark.containers

IMAGE = "endface-gpu-test"
BASE = "endface-triton-test"

_STAND_IN = """
FROM endface:local
USER 0:0
RUN mkdir /opt/tritonserver \
 && cd /opt/endface/lib/python3.*/site-packages && version=$(basename $(dirname $PWD) | tr -d a-z) \
 && cp -r nvidia_pytriton.libs /opt/tritonserver/lib \
 && cd pytriton/tritonserver && cp -r bin backends /opt/tritonserver \
 && cp python_backend_stubs/$version/* /opt/tritonserver/backends/python \
 && cd / && userdel endface && rm -r /opt/endface /srv/model_repository
ENV PATH=/opt/tritonserver/bin:$PATH LD_LIBRARY_PATH=/opt/tritonserver/lib
ENTRYPOINT ["/opt/nvidia/nvidia_entrypoint.sh"]
"""

_OVERRIDE = f"""
services:
  endface-gpu:
    image: {IMAGE}
    build: {{ args: {{ BASE_IMAGE: {BASE} }} }}
"""

_HARDENED = (
    *("--init", "--read-only", "--cap-drop=ALL", "--security-opt=no-new-privileges:true"),
    *("--tmpfs=/tmp:mode=1777", "--shm-size=316m"),
)


@pytest.fixture(scope="module")
def image(stack: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The image, built as Compose says but for its base."""
    folder = tmp_path_factory.mktemp("gpu")
    (folder / "Dockerfile").write_text(_STAND_IN)
    (folder / "override.yml").write_text(_OVERRIDE)
    stack.execute("docker", "build", "--tag", BASE, str(folder))
    with stack.beside(folder / "override.yml"):
        stack.compose("--profile=gpu", "build", "endface-gpu")
    yield IMAGE
    stack.execute("docker", "image", "rm", IMAGE, BASE)


def test_it_serves_by_the_triton_of_its_base(stack: Any, image: str) -> None:
    """With the engine for any processor it becomes healthy, and Triton is the base's; on SIGTERM it ends with 0."""
    container = stack.execute("docker", "run", "--detach", *_HARDENED, image, "endface", "serve").strip()

    def state() -> dict[str, Any]:
        found: dict[str, Any] = json.loads(stack.execute("docker", "inspect", container))[0]["State"]
        return found

    try:
        stack.wait_until(lambda: state()["Health"]["Status"] == "healthy")
        processes = stack.execute("docker", "top", container, "-o", "pid,args")
        stack.execute("docker", "stop", container)
        ended = state()["ExitCode"]
    finally:
        stack.execute("docker", "rm", "--force", "--volumes", container)

    assert "/opt/tritonserver/bin/tritonserver" in processes
    assert "/opt/endface/lib" not in processes
    assert ended == 0


def test_plan_wants_a_gpu(stack: Any, image: str) -> None:
    """The job before the server may write its volume, and says what it lacks where there is no GPU."""
    job = "endface-build provision /plans --runtime tensorrt"
    told = stack.execute(
        "docker", "run", "--rm", *_HARDENED, "--volume=/plans", image, "sh", "-c", f"{job} 2>&1; test $? -eq 2"
    )

    assert "nvidia-smi" in told
