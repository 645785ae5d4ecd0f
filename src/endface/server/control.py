"""Control of one Triton over HTTP: its state, loading of a model, and draining before a stop.

On SIGTERM Triton refuses the later steps of an ensemble's requests: those under way fail.  So the ensemble is unloaded
first: it takes no new requests, and is unloaded when the last one under way is answered.  A key guards loading and
unloading, because clients reach the same port; it guards everything else that is not for clients, too.
"""

from __future__ import annotations

import contextlib
import json
import secrets
import time
from collections.abc import Mapping
from typing import Any, Final

from endface import contract
from endface.errors import RepositoryError, ServerStartError
from endface.server.http import FAILURES, OK, TritonHttp

_KEY_HEADER: Final = "endface-control"
_LOCKED: Final = ("model-repository", "trace", "logging")
"""Triton's names for what changes the server: the code that it runs, the files that it writes."""

_LOCKED_TO_OTHER_MACHINES: Final = ("shared-memory", "statistics")
"""What only programs on this machine need."""

_MARK: Final = "endface_reload"
_LOOK_S: Final = 0.3
_CALL_S: Final = 5
_LOAD_S: Final = 60
_POLL_S: Final = 0.05


class Control:
    """Control of one server and its ensemble.

    Args:
        address: IPv4 address of the server.
        port: its HTTP port.
        key: what opens its administration; None makes one up.
        is_exposed: whether other machines reach its gRPC service.
    """

    def __init__(self, address: str, port: int, key: str | None = None, *, is_exposed: bool = False) -> None:
        key = key or secrets.token_hex(16)
        self._lock = f"{_KEY_HEADER}={key}"
        self._http = TritonHttp(address, port, {_KEY_HEADER: key})
        self._is_exposed = is_exposed
        self._counts: dict[str, int] = {}

    @property
    def flags(self) -> list[str]:
        """Triton's flags that let this object, and nobody else without the key, administer the server.

        Programs on this machine share memory with it through gRPC; its HTTP service is for this object alone.
        """
        all_locked = (*_LOCKED, *_LOCKED_TO_OTHER_MACHINES)
        return [
            "--model-control-mode=explicit",
            "--load-model=*",
            f"--http-restricted-api={','.join(all_locked)}:{self._lock}",
            f"--grpc-restricted-protocol={','.join(all_locked if self._is_exposed else _LOCKED)}:{self._lock}",
        ]

    def is_ready(self) -> bool:
        """Whether the ensemble takes requests now."""
        with contextlib.suppress(*FAILURES):
            return self._http.get(f"/v2/models/{contract.ENSEMBLE.name}/ready", _CALL_S)[0] == OK
        return False

    def successes(self) -> int | None:
        """Number of requests that the ensemble has answered without an error; None where Triton does not say."""
        with contextlib.suppress(*FAILURES, ValueError, LookupError):
            _, body = self._http.get(f"/v2/models/{contract.ENSEMBLE.name}/stats", _LOOK_S)
            versions: list[dict[str, Any]] = json.loads(body)["model_stats"]
            return sum(int(version["inference_stats"]["success"]["count"]) for version in versions)
        return None

    def load(self, model: str) -> None:
        """Load the newest version of a model; the former serves until the new one is ready, then finishes its work.

        Raises:
            RepositoryError: Triton refuses the new version, with its reason; the former goes on serving.
            ServerStartError: Triton does not answer.
        """
        self._load(model, self._scaled(model) if model in self._counts else {}, _LOAD_S)

    def scale(self, model: str, count: int) -> None:
        """Give a loaded model another number of processes, which it keeps when it is loaded again.

        Raises:
            RepositoryError: Triton cannot, with its reason.
            ServerStartError: Triton does not answer.
        """
        self._counts[model] = count
        self._load(model, self._scaled(model), _LOAD_S)

    def reload(self, model: str, timeout_s: float) -> None:
        """Have Triton make a loaded model's processes anew, from the same files.

        Triton takes a model whose files and configuration did not change for loaded, even where its stubs are dead.  So
        it gets the configuration that it runs, with a mark that nobody reads.

        Raises:
            RepositoryError: Triton cannot, with its reason.
            ServerStartError: Triton does not answer in time.
        """
        config = self._config(model)
        marks = config.get("parameters", {}) | {_MARK: {"string_value": secrets.token_hex(4)}}
        self._load(model, _with_config(config | {"parameters": marks}), timeout_s)

    def drain(self, timeout_s: float) -> None:
        """Take no new requests, and wait until those under way are answered, or time is up.

        A server that does not answer, or not as Triton does, has nothing to drain.
        """
        deadline_s = time.monotonic() + timeout_s
        with contextlib.suppress(*FAILURES, ValueError):
            self._http.post(f"/v2/repository/models/{contract.ENSEMBLE.name}/unload", {}, _CALL_S)
            while self._state() == "UNLOADING" and time.monotonic() < deadline_s:
                time.sleep(_POLL_S)

    def _config(self, model: str) -> dict[str, Any]:
        """The configuration that a loaded model runs."""
        try:
            _, body = self._http.get(f"/v2/models/{model}/config", _CALL_S)
            config: dict[str, Any] = json.loads(body)
        except (*FAILURES, ValueError) as exc:
            raise ServerStartError(f"Triton did not give the configuration of {model!r}") from exc
        return config

    def _scaled(self, model: str) -> dict[str, Any]:
        """What to ask for so that a model has its own number of processes, and its queue a length that goes with it."""
        config = self._config(model)
        before = sum(group["count"] for group in config["instance_group"])
        groups = [group | {"count": self._counts[model]} for group in config["instance_group"]]
        batching = config.get("dynamic_batching", {})
        policy = batching.get("default_queue_policy", {})
        length = policy.get("max_queue_size", 0) * self._counts[model] // before  # 0: no bound
        queue = {"dynamic_batching": batching | {"default_queue_policy": policy | {"max_queue_size": length}}}
        return _with_config(config | {"instance_group": groups} | (queue if length else {}))

    def _load(self, model: str, content: dict[str, Any], timeout_s: float) -> None:
        try:
            status, body = self._http.post(f"/v2/repository/models/{model}/load", content, timeout_s)
        except FAILURES as exc:
            raise ServerStartError(f"Triton did not say within {timeout_s:g} s whether it loaded {model!r}") from exc
        if status != OK:
            raise RepositoryError(f"Triton cannot load {model!r}: {body.decode(errors='replace')}")

    def _state(self) -> str | None:
        """The ensemble's state in Triton's words."""
        _, body = self._http.post("/v2/repository/index", {}, _CALL_S)
        models: list[dict[str, Any]] = json.loads(body)
        return next((model.get("state") for model in models if model["name"] == contract.ENSEMBLE.name), None)


def _with_config(config: Mapping[str, Any]) -> dict[str, Any]:
    """Content of a request that loads a model with a configuration other than its file's."""
    return {"parameters": {"config": json.dumps(config)}}
