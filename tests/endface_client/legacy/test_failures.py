"""Every way in which an inspection can fail, seen through the eyes of the pipeline's last stage."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import grpc
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from endface.report import Report
from endface_client import DeadlineExceeded, Overloaded, ServerUnavailable
from endface_client.legacy import OmniConfig, OmniFiberAnalyzer, _analyzer, _files
from endface_client.testing import PASS, Failure, FakeServer, Received, made_out
from tests.endface_client.faulty_server import FaultyServer

Read = Callable[..., Any]


@dataclass(frozen=True)
class Scene:
    """What a failure has to work with."""

    run: Any
    server: FakeServer
    refused: Report
    found: Report
    monkeypatch: pytest.MonkeyPatch


@pytest.fixture
def scene(
    run: Any,
    fake_server: FakeServer,
    *,
    refused: Report,
    found: Report,
    monkeypatch: pytest.MonkeyPatch,
) -> Scene:
    """A run, a server that passes everything, and what it takes to break them."""
    return Scene(run, fake_server, refused, found, monkeypatch)


def _answer(answer: Any) -> Callable[[Scene], dict[str, Any]]:
    def play(scene: Scene) -> dict[str, Any]:
        scene.server.answer = answer
        return {}

    return play


def _raises(error: BaseException) -> Callable[[Scene], dict[str, Any]]:
    def inspect(*_: Any) -> None:
        raise error

    return lambda _: {"inspect": inspect}


def _no_fiber(scene: Scene) -> dict[str, Any]:
    scene.server.answer = scene.refused
    return {}


def _no_file(scene: Scene) -> dict[str, Any]:
    scene.run.picture.unlink()
    return {}


def _empty_file(scene: Scene) -> dict[str, Any]:
    scene.run.picture.write_bytes(b"")
    return {}


def _folder(scene: Scene) -> dict[str, Any]:
    scene.run.picture.unlink()
    scene.run.picture.mkdir()
    return {}


def _text_in_process(scene: Scene) -> dict[str, Any]:
    scene.run.picture.write_text("no picture")
    return {"endface_server": ""}


def _blocked_output(scene: Scene) -> dict[str, Any]:
    """A file stands where the folder should be: it cannot be made, whoever asks."""
    output_dir = scene.run.output_dir
    if output_dir.exists():
        for path in output_dir.iterdir():
            path.unlink()
        output_dir.rmdir()
    output_dir.parent.mkdir(parents=True, exist_ok=True)
    output_dir.write_text("in the way")
    return {}


def _full_disk(scene: Scene) -> dict[str, Any]:
    """The first file can be written, no further one."""
    written: list[Path] = []
    write_whole = _files.write_whole

    def write(path: Path, data: bytes) -> None:
        if written:
            raise OSError(28, "No space left on device")
        written.append(path)
        write_whole(path, data)

    scene.monkeypatch.setattr(_files, "write_whole", write)
    return {}


def _settings(**keywords: Any) -> Callable[[Scene], dict[str, Any]]:
    return lambda _: keywords


def _other_picture(_: Received) -> bytes:
    return PASS.to_json().encode()


def _without_bounds(scene: Scene) -> dict[str, Any]:
    """A server before 0.2 says which sizes a limit holds in words alone."""
    zones = tuple(
        replace(zone, limits=tuple(replace(row, lower_um=None, upper_um=None) for row in zone.limits))
        for zone in scene.found.zones
    )
    scene.server.answer = replace(scene.found, zones=zones)
    return {}


def _not_a_number(received: Received) -> bytes:
    return made_out(PASS, received).to_json().replace('"coverage":1.0', '"coverage":NaN').encode()


FAILURES: dict[str, tuple[Callable[[Scene], dict[str, Any]], str]] = {
    "no file": (_no_file, "unreadable_picture"),
    "a folder": (_folder, "unreadable_picture"),
    "an empty file": (_empty_file, "empty_image"),
    "no picture, in process": (_text_in_process, "undecodable"),
    "no fiber": (_no_fiber, "no_fiber"),
    "nobody listens": (_raises(ServerUnavailable("line-3:8001 takes no pictures")), "server_unavailable"),
    "no such host": (_settings(endface_server="no.such.host.invalid:1,127.0.0.1:1"), "server_unavailable"),
    "a full queue": (_raises(Overloaded("line-3:8001 has a full queue")), "overloaded"),
    "a server that breaks": (_answer(Failure(grpc.StatusCode.INTERNAL, "internal: its log says why")), "server_error"),
    "too late": (_raises(DeadlineExceeded("line-3:8001 did not answer in time")), "deadline_exceeded"),
    "no report": (_answer(b"{}"), "protocol_error"),
    "no text": (_answer(b"\xff\xfe"), "protocol_error"),
    "another picture's report": (_answer(_other_picture), "protocol_error"),
    "limits without numbers": (_without_bounds, "protocol_error"),
    "a number that is none": (_answer(_not_a_number), "internal"),
    "an unknown profile": (_settings(endface_profile="foo"), "unknown_profile"),
    "no profile, server": (_settings(endface_profile=""), "unknown_profile"),
    "no profile, in process": (_settings(endface_profile="", endface_server=""), "unknown_profile"),
    "an unknown profile, in process": (_settings(endface_profile="foo", endface_server=""), "unknown_profile"),
    "an unknown engine": (_settings(endface_server="", endface_engine="abacus"), "engine"),
    "a scale that is no number": (_settings(endface_um_per_px="wide"), "configuration"),
    "a scale out of range": (_settings(endface_um_per_px=1e6), "bad_parameter"),
    "a misspelt keyword": (_settings(endface_profil="mm-pc"), "configuration"),
    "no output folder": (_blocked_output, "output_not_writable"),
    "a full disk": (_full_disk, "output_not_writable"),
    "no address": (_settings(endface_server="http://line-3:8001"), "configuration"),
    "a bug": (_raises(RuntimeError("a bug")), "internal"),
}


@pytest.mark.parametrize("stale", [False, True], ids=["first run", "after a pass"])
@pytest.mark.parametrize("name", FAILURES)
def test_what_fails_never_passes(
    scene: Scene,
    ask: Any,
    read_run: Read,
    name: str,
    stale: bool,
) -> None:
    """Whatever goes wrong, nothing is raised, a sentence says it, and the last stage fails the face."""
    run = scene.run
    if stale:
        assert run.analyze(ask(enable_visualization=False))["success"] is True
    play, code = FAILURES[name]
    keywords = {"endface_server": scene.server.address, "endface_profile": "mm-pc"} | play(scene)
    options = {"inspect": keywords.pop("inspect")} if "inspect" in keywords else {}

    values = run.analyze(OmniConfig(**keywords), **options)

    assert (values["success"], values["error_code"]) == (False, code)
    assert values["image_path"] == str(run.picture)
    assert len(values["error"]) > 10
    assert [defect["severity"] for defect in values["defects"]] == ["CRITICAL"]
    assert read_run(run.folder, "face", (1200, 1000)).status == "FAIL"
    if run.output_dir.is_dir():
        assert run.names() == {"_report.json"}


def test_all_pictures_share_a_connection(run: Any, fake_server: FakeServer) -> None:
    """Neither the name service nor TLS is asked for each picture, and a dead server is waited for once."""
    with FaultyServer(fake_server.address) as relay:
        for _ in range(3):
            config = OmniConfig(endface_server=relay.address, endface_profile="mm-pc", enable_visualization=False)
            assert run.analyze(config)["success"] is True

        assert relay.connections == 1


def test_a_killed_run_fails(run: Any, ask: Any, read_run: Read) -> None:
    """Whatever ends the process in between, a report is there already, and it fails."""
    run.analyze(ask())

    def killed(*_: Any) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run.analyze(ask(), inspect=killed)

    assert json.loads(run.report.read_text(encoding="ascii"))["error_code"] == "unfinished"
    assert read_run(run.folder, "face", (1200, 1000)).status == "FAIL"
    assert run.names() == {"_report.json"}


def test_the_marker_stands_in_the_middle(run: Any) -> None:
    """Where nothing is listed the marker is at the picture's middle, whoever failed."""
    (marker,) = run.analyze(OmniConfig(endface_server="line-3"))["defects"]

    assert (marker["defect_type"], marker["location_xy"]) == ("UNKNOWN", [600, 500])


def test_side_files_do_not_change_the_verdict(
    run: Any, ask: Any, fake_server: FakeServer, found: Report, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The report stands although a picture could not be drawn, and the log says it."""

    def broken(*_: Any, **__: Any) -> None:
        raise MemoryError

    monkeypatch.setattr(_analyzer, "write_side_files", broken)
    fake_server.answer = found

    assert run.analyze(ask())["verdict"] == "fail"
    assert run.names() == {"_report.json"}


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(
    image_path=st.one_of(st.none(), st.integers(), st.text(), st.binary(), st.just("a\0b")),
    output=st.sampled_from(("out", "out/3_detected/x")),
)
def test_nothing_is_ever_raised(tmp_path: Path, image_path: Any, output: str) -> None:
    """Not even for what is no path at all: the pipeline would skip every picture that follows."""
    values = OmniFiberAnalyzer(OmniConfig(endface_profile="mm-pc")).analyze_end_face(image_path, tmp_path / output)

    assert values["success"] is False
    assert [defect["severity"] for defect in values["defects"]] == ["CRITICAL"]


def test_a_name_that_is_no_text(run: Any, ask: Any, gray_png: bytes) -> None:
    """Linux takes any bytes for a file's name; the report spells them out."""
    picture = os.fsencode(run.picture.parent) + b"/f\xffce.png"
    Path(os.fsdecode(picture)).write_bytes(gray_png)

    values = OmniFiberAnalyzer(ask()).analyze_end_face(os.fsdecode(picture), str(run.output_dir))

    assert values["success"] is True
    assert (run.output_dir / os.fsdecode(b"f\xffce_detailed.txt")).exists()


@pytest.mark.parametrize("server", [True, False], ids=["server", "in process"])
def test_without_limits_the_variable_is_named(run: Any, fake_server: FakeServer, server: bool) -> None:
    """Who has named no limits is told where to name them."""
    values = run.analyze(OmniConfig(endface_server=fake_server.address if server else ""))

    assert values["error"].endswith("name the limits in ENDFACE_PROFILE, such as ENDFACE_PROFILE=mm-pc")
