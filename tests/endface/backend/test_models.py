from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from endface import environment
from endface.backend import models
from endface.backend.busy_marker import busy_since
from endface.contract import MAX_IMAGE_BYTES
from endface.engines import onnx_network
from endface.engines.manifest import describe
from endface.errors import BadParameterError, ConfigurationError, EngineError, UnknownProfileError
from endface.report import Report
from endface_build.drawing.camera import Camera
from endface_build.drawing.faces import Face
from endface_build.drawing.scopes import row_of_fibers


class Tensor:
    """A tensor as Triton's stub hands it over."""

    def __init__(self, name: str, values: NDArray[Any]) -> None:
        self.name, self.values = name, values

    def as_numpy(self) -> NDArray[Any]:
        """The values, of any type and shape."""
        return self.values


class TritonError(Exception):
    """Triton's error codes, by name."""

    INTERNAL, INVALID_ARG = "INTERNAL", "INVALID_ARG"


@pytest.fixture
def log() -> list[str]:
    """What was written into the server's log."""
    return []


@pytest.fixture
def pb_utils(log: list[str]) -> Any:
    """As much of triton_python_backend_utils as a stage needs."""
    return SimpleNamespace(
        Tensor=Tensor,
        TritonError=TritonError,
        InferenceResponse=lambda tensors=(), error=None: SimpleNamespace(
            error=error, **{tensor.name: tensor.values for tensor in tensors}
        ),
        get_input_tensor_by_name=lambda request, name: request.tensors[name],
        Logger=SimpleNamespace(log_error=log.append),
    )


def request(parameters: dict[str, Any] | None = None, **values: NDArray[Any]) -> Any:
    """A request with tensors and parameters."""
    tensors = {name: Tensor(name, value) for name, value in values.items()}
    return SimpleNamespace(tensors=tensors, parameters=lambda: json.dumps(parameters) if parameters else "")


def images(*pictures: bytes) -> NDArray[Any]:
    """Encoded pictures as a BYTES tensor of shape (N, 1)."""
    return np.array([[picture] for picture in pictures], dtype=np.object_)


def arguments(repository: Path, engine: str) -> dict[str, str]:
    """What Triton tells the network's stage, configured for an engine."""
    config = {"name": "segment", "parameters": {"engine": {"string_value": engine}}}
    return {
        "model_config": json.dumps(config),
        "model_instance_device_id": "1",
        "model_repository": str(repository / "segment"),
        "model_version": "1",
    }


@pytest.fixture
def repository(tmp_path: Path, project: Path, write_network: Callable[..., Path]) -> Path:
    """A model repository with a predictable network and the stages' own warm-up pictures."""
    write_network(tmp_path / "segment")
    for stage in ("preprocess", "postprocess"):
        (tmp_path / stage).symlink_to(project / "model_repository" / stage)
    return tmp_path


@pytest.fixture
def preprocess(pb_utils: Any, repository: Path) -> models.Preprocess:
    """The stage without a default profile."""
    return models.Preprocess(pb_utils, {"model_repository": str(repository / "preprocess")})


@pytest.fixture
def segment(pb_utils: Any, repository: Path) -> models.Segment:
    """The stage with a network that labels each pixel with its gray level."""
    return models.Segment(pb_utils, arguments(repository, "onnxruntime"))


@pytest.fixture
def postprocess(pb_utils: Any, repository: Path) -> models.Postprocess:
    """The stage beside the network's manifest."""
    return models.Postprocess(pb_utils, {"model_repository": str(repository / "postprocess")})


@pytest.fixture
def png(face: NDArray[np.uint8], encode: Callable[..., bytes]) -> bytes:
    """A clean face, encoded."""
    return encode(face)


MM = {"profile": "mm-pc"}
BLANK = np.zeros((1, 512, 512), np.uint8)


def test_stage_at_work_says_so(
    pb_utils: Any, repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While it has a request in hand, and not afterwards: the supervisor tells by it who hangs."""
    folder = tmp_path / environment.BUSY_FOLDER
    folder.mkdir()
    monkeypatch.setenv(environment.WORKSPACE, str(tmp_path))
    at_work: list[bool] = []
    pb_utils.get_input_tensor_by_name = lambda _request, _name: at_work.append(bool(busy_since(folder)))
    made: list[models.Preprocess | models.Segment | models.Postprocess] = [
        models.Preprocess(pb_utils, {"model_repository": str(repository / "preprocess")}),
        models.Segment(pb_utils, arguments(repository, "onnxruntime")),
        models.Postprocess(pb_utils, {"model_repository": str(repository / "postprocess")}),
    ]

    for stage in made:
        stage.execute([request(MM)])
        assert busy_since(folder) == {}

    assert at_work == [True] * len(made)


def test_bad_requests_leave_their_neighbours_unharmed(preprocess: models.Preprocess, png: bytes) -> None:
    """Each request of a batch is answered by itself, with its own error or its own tensors."""
    asked = [(MM, png), ({"profile": "foo"}, png), (MM | {"um_per_px": "-1"}, png), (MM, b""), (MM, png)]
    good, *bad, last = preprocess.execute([request(wishes, IMAGE=images(picture)) for wishes, picture in asked])

    codes = ["unknown_profile", "bad_parameter", "empty_image"]
    assert [response.error.args[0].split(":")[0] for response in bad] == codes
    assert {response.error.args[1] for response in bad} == {"INVALID_ARG"}
    assert good.SQUARE.shape == last.SQUARE.shape == (1, 1, 512, 512)
    assert np.array_equal(good.SQUARE, last.SQUARE)


def test_malformed_picture_among_good_ones_gets_its_own_frame(preprocess: models.Preprocess, png: bytes) -> None:
    """In one request of several pictures, an empty or oversized one becomes an invalid report of its own."""
    (response,) = preprocess.execute([request(MM, IMAGE=images(b"", png, bytes(MAX_IMAGE_BYTES + 1)))])

    problems = [json.loads(text)["problem"] for text in response.FRAME.ravel()]
    assert response.SQUARE.shape == (3, 1, 512, 512)
    assert [problem and problem["code"] for problem in problems] == ["empty_image", None, "oversized_image"]
    assert not response.SQUARE[[0, 2]].any()


def test_fiber_that_only_some_pictures_have_is_a_problem_of_the_others(preprocess: models.Preprocess) -> None:
    """The whole request is refused only where none of its pictures has the fiber."""
    camera = Camera(1100, 600, um_per_px=(0.5, 0.5))
    one, two = (row_of_fibers([Face()] * count, camera, seed=1).encode() for count in (1, 2))
    both, alone = preprocess.execute(
        [request(MM | {"fiber": "2"}, IMAGE=images(*each)) for each in ([one, two], [one])]
    )

    frames = [json.loads(text) for text in both.FRAME.ravel()]
    assert [frame["problem"] and frame["problem"]["code"] for frame in frames] == ["no_such_fiber", None]
    assert [frame["fiber_number"] for frame in frames] == [2, 2]
    assert alone.error.args == (
        "no_such_fiber: there is no fiber 2: 1 fiber is in the picture, at (550, 300)",
        "INVALID_ARG",
    )


def test_request_without_any_well_formed_picture_is_refused(preprocess: models.Preprocess) -> None:
    """Where nothing can be inspected the request is an error, not a list of invalid reports."""
    (response,) = preprocess.execute([request(MM, IMAGE=images(b"", b""))])

    assert response.error.args[0].startswith("empty_image: ")


def test_unforeseen_error_stays_out_of_the_clients_face(
    preprocess: models.Preprocess, png: bytes, log: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The client reads a short sentence, the log holds the traceback."""

    def fail(*_: object) -> None:
        raise ZeroDivisionError("secret path")

    monkeypatch.setattr("endface.stages.preprocess", fail)
    (response,) = preprocess.execute([request(MM, IMAGE=images(png))])

    message, status = response.error.args
    assert message == "internal: the server could not answer this request; its log says why"
    assert status == "INTERNAL"
    assert "secret path" in log[0]


def test_default_profile_comes_from_the_environment(
    pb_utils: Any, repository: Path, png: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A request may leave its profile out only where the server was started with a default."""
    monkeypatch.setenv("ENDFACE_PROFILE", "sm-apc")
    stage = models.Preprocess(pb_utils, {"model_repository": str(repository / "preprocess")})

    own, default = stage.execute([request(MM, IMAGE=images(png)), request(IMAGE=images(png))])

    assert json.loads(own.FRAME[0, 0])["profile"] == "mm-pc"
    assert json.loads(default.FRAME[0, 0])["profile"] == "sm-apc"


def test_default_zones_and_screening_come_from_the_environment(
    pb_utils: Any, repository: Path, png: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A request's own go before; a probe of the server's health asks for its own profile and is left alone."""
    monkeypatch.setenv("ENDFACE_ZONES", "A,B")
    monkeypatch.setenv("ENDFACE_SCREEN", "true")
    stage = models.Preprocess(pb_utils, {"model_repository": str(repository / "preprocess")})

    answers = stage.execute(
        [request(MM | own, IMAGE=images(png)) for own in ({}, {"zones": "D"}, {"zones": "all"}, {"name": "canary"})]
    )

    zones = [json.loads(answer.FRAME[0, 0])["zones"] for answer in answers]
    assert zones == [["A", "B"], ["D"], [], []]


@pytest.mark.parametrize(("variable", "value"), [("ENDFACE_ZONES", "X"), ("ENDFACE_SCREEN", "perhaps")])
def test_wrong_default_is_never_ready(
    pb_utils: Any, repository: Path, monkeypatch: pytest.MonkeyPatch, variable: str, value: str
) -> None:
    """A default that no request could name is found while the model loads."""
    monkeypatch.setenv("ENDFACE_PROFILE", "mm-pc")
    monkeypatch.setenv(variable, value)

    with pytest.raises(BadParameterError, match=value):
        models.Preprocess(pb_utils, {"model_repository": str(repository / "preprocess")})


def test_wrong_default_profile_is_never_ready(pb_utils: Any, repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A default that does not exist is found while the model loads."""
    monkeypatch.setenv("ENDFACE_PROFILE", "foo")

    with pytest.raises(UnknownProfileError, match="foo"):
        models.Preprocess(pb_utils, {"model_repository": str(repository / "preprocess")})


def test_network_runs_once_over_all_requests(segment: models.Segment, monkeypatch: pytest.MonkeyPatch) -> None:
    """The squares of several requests are stacked, labelled together, and each request gets its own back."""
    runs: list[int] = []
    run = onnx_network.Network.segment

    def counted(self: onnx_network.Network, squares: NDArray[np.uint8]) -> Any:
        runs.append(len(squares))
        return run(self, squares)

    monkeypatch.setattr(onnx_network.Network, "segment", counted)
    batches = [np.full((count, 1, 512, 512), level, np.uint8) for level, count in ((1, 2), (2, 1), (3, 3))]
    responses = segment.execute([request(SQUARE=batch) for batch in batches])

    assert runs == [6]
    for response, batch in zip(responses, batches, strict=True):
        assert np.array_equal(response.LABELS, batch[:, 0])
        assert np.array_equal(response.CONFIDENCE, batch[:, 0])


def test_failing_network_answers_every_request(
    segment: models.Segment, log: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """No request is left without an answer, and each gets the same short one."""
    monkeypatch.setattr(onnx_network.Network, "segment", lambda *_: 1 / 0)

    responses = segment.execute([request(SQUARE=np.zeros((1, 1, 512, 512), np.uint8))] * 2)

    assert [response.error.args[1] for response in responses] == ["INTERNAL", "INTERNAL"]
    assert "ZeroDivisionError" in log[0]


def test_configuration_chooses_the_engine(pb_utils: Any, repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The plan of the version runs on the instance's own GPU."""
    made: list[tuple[Path, str, int]] = []
    monkeypatch.setattr(
        "endface.engines.tensorrt_network.GpuNetwork", lambda *chosen, device: made.append((*chosen, device))
    )
    monkeypatch.setenv("ENDFACE_ENGINE", "tensorrt_rtx")

    models.Segment(pb_utils, arguments(repository, "tensorrt_rtx"))

    assert made == [(repository / "segment" / "1" / "model.plan", "tensorrt_rtx", 1)]


@pytest.mark.parametrize(("configured", "told"), [("tensorrt_rtx", ""), ("onnxruntime", "tensorrt")])
def test_report_would_name_another_engine(
    pb_utils: Any, repository: Path, monkeypatch: pytest.MonkeyPatch, configured: str, told: str
) -> None:
    """A tritonserver that was started by hand with half of what it needs does not load."""
    monkeypatch.setenv("ENDFACE_ENGINE", told)

    with pytest.raises(EngineError, match=rf"'{configured}', but ENDFACE_ENGINE says .*endface serve --engine"):
        models.Segment(pb_utils, arguments(repository, configured))


def test_report_names_the_network(
    preprocess: models.Preprocess,
    segment: models.Segment,
    postprocess: models.Postprocess,
    png: bytes,
    repository: Path,
) -> None:
    """The three stages in a row give a report with the request's wishes and the network's sum."""
    parameters = MM | {"serial": "A123", "name": "face.png", "meta.line": "3", "cladding_um": "125"}
    (first,) = preprocess.execute([request(parameters, IMAGE=images(png))])
    (second,) = segment.execute([request(SQUARE=np.zeros_like(first.SQUARE))])
    (third,) = postprocess.execute([request(LABELS=second.LABELS, CONFIDENCE=second.CONFIDENCE, FRAME=first.FRAME)])

    report = Report.from_json(third.REPORT[0, 0])
    assert report.verdict == "pass"
    assert (report.serial, report.image.name, dict(report.meta)) == ("A123", "face.png", {"line": "3"})
    assert report.model == describe(repository / "segment", "onnxruntime")
    assert {"preprocess", "postprocess"} <= report.timings_ms.keys()


def test_report_names_what_triton_has_loaded(
    pb_utils: Any, png: bytes, repository: Path, write_network: Callable[..., Path]
) -> None:
    """A newer version in the repository is named when Triton says that it is ready, not before."""
    loaded: set[tuple[str, str]] = set()
    pb_utils.is_model_ready = lambda model_name, model_version: (model_name, model_version) in loaded
    preprocess = models.Preprocess(pb_utils, {"model_repository": str(repository / "preprocess")})
    postprocess = models.Postprocess(pb_utils, {"model_repository": str(repository / "postprocess")})
    (first,) = preprocess.execute([request(MM, IMAGE=images(png))])
    write_network(repository / "segment", version=2)

    def named() -> str:
        (answer,) = postprocess.execute([request(LABELS=BLANK, CONFIDENCE=BLANK, FRAME=first.FRAME)])
        model = Report.from_json(answer.REPORT[0, 0]).model
        assert model is not None
        return model.version

    assert named() == "1"
    loaded.add(("segment", "2"))
    assert named() == "2"


def test_broken_frame_harms_only_its_own_request(
    preprocess: models.Preprocess, postprocess: models.Postprocess, png: bytes
) -> None:
    """A frame that cannot be read is an internal error of one request."""
    (first,) = preprocess.execute([request(MM, IMAGE=images(png))])

    good, bad = postprocess.execute(
        [request(LABELS=BLANK, CONFIDENCE=BLANK, FRAME=frame) for frame in (first.FRAME, images(b"{}"))]
    )

    assert Report.from_json(good.REPORT[0, 0]).verdict == "pass"
    assert bad.error.args[1] == "INTERNAL"


def test_stage_that_was_not_warmed_up_does_not_load(
    pb_utils: Any, tmp_path: Path, encode: Callable[..., bytes]
) -> None:
    """The warm-up is a proof, too: a stage without its picture, or that finds no fiber in it, takes no requests."""
    (tmp_path / "warmup").mkdir()
    with pytest.raises(ConfigurationError, match=r"face\.png is missing"):
        models.Preprocess(pb_utils, {"model_repository": str(tmp_path)})

    (tmp_path / "warmup" / "face.png").write_bytes(encode(np.full((480, 640), 90, np.uint8)))

    with pytest.raises(ConfigurationError, match="cannot be inspected"):
        models.Preprocess(pb_utils, {"model_repository": str(tmp_path)})


def test_report_stage_without_a_manifest_does_not_load(pb_utils: Any, project: Path, tmp_path: Path) -> None:
    """A report must name its network, so the stage looks for the manifest before it takes requests."""
    (tmp_path / "postprocess").symlink_to(project / "model_repository" / "postprocess")

    with pytest.raises(ConfigurationError, match="no version of the network"):
        models.Postprocess(pb_utils, {"model_repository": str(tmp_path / "postprocess")})
