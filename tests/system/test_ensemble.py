"""The whole path through a real Triton: good pictures, bad ones, and both together."""

from __future__ import annotations

import hashlib
import json
import os
import queue
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from multiprocessing.shared_memory import SharedMemory
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest
from google.protobuf import json_format
from numpy.typing import NDArray
from tritonclient.utils import InferenceServerException

from endface import contract
from endface.engines.manifest import describe
from endface.report import Scope
from endface.server.process import EmbeddedServer
from endface_client import Client
from tests.png import gray
from tests.system.conftest import Ask
from tests.system.tensors import image_tensor

pytestmark = pytest.mark.triton

Encode = Callable[..., bytes]


@pytest.fixture(scope="session")
def bad_pictures(face: NDArray[np.uint8], encode: Encode) -> dict[str, bytes]:
    """Pictures that cannot be judged, by the code that their reports must name."""
    surface = np.random.default_rng(5).normal(120, 6, (480, 640)).clip(0, 255).astype(np.uint8)
    jpeg = encode(face, ".jpg")
    return {
        "text": b"this is no picture\n" * 50,
        "truncated": jpeg[: len(jpeg) // 2],
        "huge": gray(60_000, 60_000, b""),
        "surface": encode(surface),
    }


def test_clean_face_passes(ask: Ask, png: bytes, repository: Path) -> None:
    """A drawn face without a defect passes; its report tells where the fiber is, what judged it and what network."""
    (report,) = ask(png, serial="A123", name="face.png", **{"meta.line": "3"})

    assert report.verdict == "pass"
    assert report.error is None
    assert report.fiber is not None
    assert report.fiber.cladding.radii_px == pytest.approx((62.5 / 0.55,) * 2, rel=0.01)
    assert [zone.name for zone in report.zones] == ["A", "B", "C", "D"]
    assert report.criteria.profile == "mm-pc"
    assert (report.serial, report.image.name, dict(report.meta)) == ("A123", "face.png", {"line": "3"})
    assert report.image.sha256 == hashlib.sha256(png).hexdigest()
    assert report.model == describe(repository / "segment", "onnxruntime")
    assert report.timings_ms.keys() >= {"preprocess", "postprocess"}


def test_samples_are_judged_where_they_can_be(ask: Ask, samples: list[Path]) -> None:
    """Of the samples one is out of focus, two are single-mode; in all but the first the fiber is where it was drawn."""
    truth = json.loads(samples[0].with_name("truth.json").read_text(encoding="utf-8"))
    centers_px = {sample["name"]: sample["center_px"] for sample in truth["samples"]}

    reports = {sample.name: ask(sample.read_bytes(), name=sample.name)[0] for sample in samples}

    problems = {name: report.error.code for name, report in reports.items() if report.error}
    assert problems == {
        "out-of-focus.jpg": "defocus",
        "off-center.jpg": "profile_mismatch",
        "single-mode-clean.png": "profile_mismatch",
    }
    for name in reports.keys() - {"out-of-focus.jpg"}:
        fiber = reports[name].fiber
        assert fiber is not None
        assert fiber.cladding.center_px == pytest.approx(centers_px[name], abs=1.0)


def test_sixteen_bit_tiff_is_judged(ask: Ask, face: NDArray[np.uint8], encode: Encode, png: bytes) -> None:
    """A 16-bit TIFF gives the same fiber as the same picture in 8 bit."""
    tiff = encode(face.astype(np.uint16) * 257, ".tiff")

    (deep,), (plain,) = ask(tiff), ask(png)

    assert deep.verdict == plain.verdict
    assert deep.fiber is not None
    assert plain.fiber is not None
    assert deep.fiber.cladding.center_px == pytest.approx(plain.fiber.cladding.center_px, abs=0.1)


@pytest.mark.parametrize(
    ("picture", "code"),
    [("text", "undecodable"), ("truncated", "undecodable"), ("huge", "too_many_pixels"), ("surface", "no_fiber")],
)
def test_picture_that_cannot_be_judged_is_invalid(
    ask: Ask, bad_pictures: dict[str, bytes], png: bytes, picture: str, code: str
) -> None:
    """It gets a report of its own with a code and a reason, and the next good picture is judged as ever."""
    (report,) = ask(bad_pictures[picture])

    assert report.verdict == "invalid"
    assert report.error is not None
    assert report.error.code == code
    assert not report.zones
    assert not report.defects
    assert ask(png)[0].verdict == "pass"


def test_request_may_confine_the_judgment(ask: Ask, png: bytes) -> None:
    """To zones A and B, in whatever order it names them; the report says which were not judged."""
    (report,) = ask(png, zones="B,A")

    assert report.verdict == "pass"
    assert [zone.name for zone in report.zones] == ["A", "B"]
    assert report.scope == Scope(("A", "B"), ("C", "D"))


@pytest.mark.parametrize(
    ("pictures", "parameters", "code"),
    [
        pytest.param([b"x"], {"profile": "foo"}, "unknown_profile", id="profile"),
        pytest.param([b"x"], {"um_per_px": "nan"}, "bad_parameter", id="scale"),
        pytest.param([b"x"], {"cladding_um": 0}, "bad_parameter", id="cladding"),
        pytest.param([b"x"], {"zones": "A,X"}, "bad_parameter", id="zone"),
        pytest.param([b"x"], {"screen": "perhaps"}, "bad_parameter", id="screening"),
        pytest.param([b""], {}, "empty_image", id="no picture"),
        pytest.param([b"", b""], {}, "empty_image", id="twice no picture"),
    ],
)
def test_malformed_request_is_refused(
    ask: Ask, png: bytes, pictures: list[bytes], parameters: dict[str, object], code: str
) -> None:
    """A request for what does not exist, or without any picture, is an error with a code, and harms nobody."""
    with pytest.raises(InferenceServerException, match=f"{code}: ") as refused:
        ask(*pictures, **parameters)

    assert "INVALID_ARGUMENT" in refused.value.status()
    assert "Traceback" not in refused.value.message()
    assert ask(png)[0].verdict == "pass"


def test_good_and_bad_in_one_request(ask: Ask, png: bytes, bad_pictures: dict[str, bytes]) -> None:
    """In a batch of several pictures each gets its own report, in order."""
    reports = ask(png, b"", bad_pictures["text"], png, bad_pictures["surface"], bad_pictures["huge"], png)

    assert [report.error and report.error.code for report in reports] == [
        None, "empty_image", "undecodable", None, "no_fiber", "too_many_pixels", None,
    ]  # fmt: skip
    assert {report.verdict for report in reports if report.error is None} == {"pass"}


def test_good_and_bad_at_the_same_time(ask: Ask, png: bytes, bad_pictures: dict[str, bytes]) -> None:
    """Requests that Triton batches together are answered each by itself."""

    def outcome(number: int) -> str:
        kind = number % 4
        try:
            pictures = {0: png, 1: b"", 2: bad_pictures["text"], 3: png}
            (report,) = ask(pictures[kind], profile="foo" if kind == 3 else "mm-pc", serial=str(number))
        except InferenceServerException as exc:
            if exc.status() == "StatusCode.UNAVAILABLE":  # the queue is full: its turn comes
                return outcome(number)
            return exc.message().removeprefix("in ensemble 'endface', ").split(":")[0]
        assert report.serial == str(number)
        return report.error.code if report.error else report.verdict

    with ThreadPoolExecutor(8) as threads:
        outcomes = list(threads.map(outcome, range(32)))

    assert outcomes == ["pass", "empty_image", "undecodable", "unknown_profile"] * 8


def test_stations_wait_for_their_turn(server: EmbeddedServer, png: bytes) -> None:
    """Of a dozen pictures at once none is refused, and so none is sent twice."""
    with Client(server.grpc_address, profile="mm-pc", deadline_s=120) as client, ThreadPoolExecutor(12) as stations:
        replies = list(stations.map(lambda _: client.ask(png), range(12)))

    assert {(reply.report.verdict, reply.attempts) for reply in replies} == {("pass", 1)}


def test_picture_whose_time_is_up_is_dropped_without_work(triton: Any, png: bytes) -> None:
    """A request says how long it can wait in the queue; preprocess never sees one that cannot."""

    def prepared() -> int:
        (stats,) = triton.get_inference_statistics("preprocess").model_stats
        return int(stats.inference_stats.success.count)

    before = prepared()
    with pytest.raises(InferenceServerException, match="Request timeout expired") as dropped:
        triton.infer("endface", [image_tensor(png)], parameters={"profile": "mm-pc"}, timeout=1)

    assert dropped.value.status() == "StatusCode.UNAVAILABLE"
    assert prepared() == before


def test_flood_is_refused_at_once(triton: Any, ask: Ask, png: bytes) -> None:
    """Of more requests than the queues hold the rest is told so, and afterwards all is as before."""
    tensor = image_tensor(png)
    answers: queue.Queue[InferenceServerException | None] = queue.Queue()
    for _ in range(200):
        triton.async_infer(
            "endface",
            [tensor],
            lambda **answer: answers.put(answer["error"]),
            parameters={"profile": "mm-pc"},
        )

    errors = [error for error in (answers.get(timeout=60) for _ in range(200)) if error]

    assert 0 < len(errors) < 200
    assert {error.status() for error in errors} == {"StatusCode.UNAVAILABLE"}
    assert any("maximum queue size" in error.message() for error in errors)  # a slow machine adds late ones
    assert ask(png)[0].verdict == "pass"


def test_later_stages_come_first(server: EmbeddedServer) -> None:
    """Where cores are short, a picture that has been begun is finished before the next one is begun."""
    stubs = psutil.Process().children(recursive=True)

    def stubs_of(stage: contract.ModelSpec) -> list[psutil.Process]:
        models = {str(each) for each in (server.settings.repository.resolve() / stage.name).glob("*/model.py")}
        return [stub for stub in stubs if models & set(stub.cmdline())]

    def niceness(stage: contract.ModelSpec) -> list[int]:
        return [stub.nice() for stub in stubs_of(stage)]

    assert min(niceness(contract.SEGMENT)) > max(niceness(contract.POSTPROCESS))
    assert {os.sched_getscheduler(stub.pid) for stub in stubs_of(contract.PREPROCESS)} == {os.SCHED_IDLE}
    behind = [*stubs_of(contract.SEGMENT), *stubs_of(contract.POSTPROCESS)]
    assert {os.sched_getscheduler(stub.pid) for stub in behind} == {os.SCHED_OTHER}


def test_trailing_zeros_survive_the_wire(ask: Ask, png: bytes) -> None:
    """Some cameras pad their files with NUL bytes; the sum in the report is that of the whole file."""
    padded = png.ljust(len(png) + 4096, b"\0")

    (report,) = ask(padded)

    assert report.image.sha256 == hashlib.sha256(padded).hexdigest()
    assert report.verdict == "pass"


def test_label_map_comes_only_when_asked_for(infer: Callable[..., Any], png: bytes) -> None:
    """A client that asks for the report alone is sent the report alone."""
    alone = infer(png, profile="mm-pc")
    both = infer(png, outputs=("REPORT", "LABELS"), profile="mm-pc")

    labels = both.as_numpy("LABELS")
    assert [output.name for output in alone.get_response().outputs] == ["REPORT"]
    assert (labels.shape, labels.dtype) == ((1, 512, 512), np.uint8)
    assert labels.max() <= max(contract.Label)


def test_programs_on_the_machine_may_share_memory(triton: Any) -> None:
    """A server that no other machine reaches takes regions of shared memory from clients; SECURITY.md says so."""
    region = SharedMemory(create=True, size=8)
    try:
        triton.register_system_shared_memory("ours", f"/{region.name}", 8)
        known = triton.get_system_shared_memory_status(as_json=True)["regions"]
        triton.unregister_system_shared_memory("ours")
    finally:
        region.close()
        region.unlink()

    assert list(known) == ["ours"]


def test_live_models_speak_the_contract(triton: Any) -> None:
    """What the server says of its models is what the contract says."""
    for model in contract.MODELS:
        metadata = json_format.MessageToDict(triton.get_model_metadata(model.name))
        for side, specs in (("inputs", model.inputs), ("outputs", model.outputs)):
            found = {(t["name"], t["datatype"], tuple(map(int, t["shape"]))) for t in metadata[side]}
            assert found == {(spec.name, spec.datatype, (-1, *spec.dims)) for spec in specs}


def test_no_surface_without_a_fiber_passes(ask: Ask, real_data: Path) -> None:
    """Photographs of bare surfaces are invalid, each of them."""
    reports = [ask(path.read_bytes(), name=path.name)[0] for path in sorted((real_data / "nofiber").iterdir())]

    assert reports
    assert {report.verdict for report in reports} == {"invalid"}
