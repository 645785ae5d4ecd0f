"""Behaves like tritonserver as far as endface looks at it; installed on PATH by the fixture ``install``.

ENDFACE_FAKE holds code that runs at the start.  While it runs, POST /be/MOOD changes what becomes of inferences.
"""

import http.server
import json
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

FLAGS = dict(flag[2:].split("=", 1) for flag in sys.argv[1:] if "=" in flag)
STUBS: dict[str, subprocess.Popen[bytes]] = {}
STATES = ["READY"]
COUNTS = {"success": 0}
MOOD = ["well"]
ON_SIGTERM = [None]


def say(*words: object) -> None:
    """Write a line of the log."""
    print(*words, flush=True)  # noqa: T201 - the log is what is read


def spawn(model: str) -> None:
    """Run a stub as Triton does: a program of that name, with the path of the model."""
    script = Path(sys.argv[0]).parent / model / "1" / "model.py"
    script.parent.mkdir(parents=True, exist_ok=True)
    script.write_text("import signal\nsignal.pause()\n")
    former = STUBS.get(model)
    STUBS[model] = subprocess.Popen(["triton_python_backend_stub", str(script)], executable=sys.executable)
    say("stub", model, STUBS[model].pid)
    if former is not None and MOOD[-1] != "keeping":
        former.kill()
        former.wait()


class Triton(http.server.BaseHTTPRequestHandler):
    """Triton's HTTP service."""

    def do_GET(self) -> None:
        """Readiness, statistics, configuration."""
        if self.path == "/die":
            os._exit(3)
        stats = {"model_stats": [{"inference_stats": {"success": {"count": COUNTS["success"]}}}]}
        known = {"/v2/models/endface/ready": {}, "/v2/models/endface/stats": stats}
        if self.path.endswith("/config"):
            known[self.path] = {"parameters": {}}
        self.answer(200 if self.path in known else 404, known.get(self.path, {}))

    def do_POST(self) -> None:
        """Inference, loading, unloading."""
        body = self.rfile.read(int(self.headers["Content-Length"] or 0))
        path = self.path.removeprefix("/v2/repository/")
        if self.path.endswith("/infer"):
            self.infer()
            return
        if self.path.startswith("/be/"):
            MOOD.append(self.path.removeprefix("/be/"))
            self.answer(200, {})
            return
        say("asked", path, self.headers["endface-control"])
        STATES.append({"models/endface/unload": "UNLOADING"}.get(path, "UNAVAILABLE"))
        if path.endswith("/load") and MOOD[-1] == "stubborn":
            self.answer(400, {"error": "it does not load"})
            return
        if path.endswith("/load") and "parameters" in json.loads(body):
            spawn(path.split("/")[1])
        self.answer(200, [{"name": "endface", "state": STATES[-2]}])

    def infer(self) -> None:
        """A report, or what the mood says."""
        if MOOD[-1] == "hung":
            threading.Event().wait()
        elif MOOD[-1] == "failing":
            self.answer(500, {"error": "in ensemble 'endface', Stub process 'segment_0_1' is not healthy."})
        elif MOOD[-1] == "full":
            COUNTS["success"] += 1  # others are served meanwhile
            self.answer(503, {"error": "Exceeds maximum queue size"})
        else:
            COUNTS["success"] += 1
            self.answer(200, {"outputs": []})

    def answer(self, status: int, content: object) -> None:
        """Send JSON."""
        self.send_response(status)
        self.end_headers()
        self.wfile.write(json.dumps(content).encode())

    def log_message(self, *_: object) -> None:
        """Keep quiet."""


def leave(*_: object) -> None:
    """End as Triton does, with its stubs."""
    say("leaving")
    for stub in STUBS.values():
        stub.kill()
    os._exit(0)


say("flags", json.dumps(FLAGS))
say("environment", os.environ.get("ENDFACE_PROFILE"), os.environ.get("ENDFACE_ENGINE"))
exec(os.environ.get("ENDFACE_FAKE", ""))  # a test's own words
spawn("segment")
signal.signal(signal.SIGTERM, ON_SIGTERM[0] or leave)
http.server.ThreadingHTTPServer(("127.0.0.1", int(FLAGS["http-port"])), Triton).serve_forever()
