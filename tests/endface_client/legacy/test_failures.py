"""Every way in which an inspection can fail, seen through the eyes of the pipeline's last stage."""

from __future__ import annotations

import errno
import json
import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import grpc
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from endface.report import Report
from endface_client import DeadlineExceeded, Overloaded, ServerUnavailable
from endface_client.legacy import OmniConfig, OmniFiberAnalyzer, _analyzer, _files
from endface_client.testing import PASS, Failure, FakeServer, Received, made_out
from tests.endface_client.faces import FOUND, REFUSED
from tests.endface_client.faulty_server import FaultyServer

Read = Callable[..., Any]


@dataclass(frozen=True)
class Case:
    """One way to fail: what the report says of it, and what is wrong with files, server, settings or the program."""

    code: str
    answer: Report | Failure | bytes | Callable[[Received], bytes] = PASS
    settings: dict[str, Any] = field(default_factory=dict)
    error: Exception | None = None
    spoil: Callable[[Any], None] = lambda _: None


def _put_a_folder(run: Any) -> None:
    run.picture.unlink()
    run.picture.mkdir()


def _block_output(run: Any) -> None:
    """A file stands where the folder should be: it cannot be made, whoever asks."""
    shutil.rmtree(run.output_dir, ignore_errors=True)
    run.output_dir.parent.mkdir(parents=True, exist_ok=True)
    run.output_dir.write_text("in the way")


def _not_a_number(received: Received) -> bytes:
    return made_out(PASS, received).to_json().replace('"coverage":1.0', '"coverage":NaN').encode()


WITHOUT_BOUNDS = replace(
    FOUND,
    zones=tuple(
        replace(zone, limits=tuple(replace(row, lower_um=None, upper_um=None) for row in zone.limits))
        for zone in FOUND.zones
    ),
)
"""A server before 0.2 says which sizes a limit holds in words alone."""

HERE = {"endface_server": ""}
BREAKS = Failure(grpc.StatusCode.INTERNAL, "internal: its log says why")

FAILURES: dict[str, Case] = {
    "no file": Case("unreadable_picture", spoil=lambda run: run.picture.unlink()),
    "a folder": Case("unreadable_picture", spoil=_put_a_folder),
    "an empty file": Case("empty_image", spoil=lambda run: run.picture.write_bytes(b"")),
    "no picture, in process": Case(
        "undecodable", settings=HERE, spoil=lambda run: run.picture.write_text("no picture")
    ),
    "no fiber": Case("no_fiber", REFUSED),
    "nobody listens": Case("server_unavailable", error=ServerUnavailable("line-3:8001 takes no pictures")),
    "no such host": Case("server_unavailable", settings={"endface_server": "no.such.host.invalid:1,127.0.0.1:1"}),
    "a full queue": Case("overloaded", error=Overloaded("line-3:8001 has a full queue")),
    "a server that breaks": Case("server_error", BREAKS),
    "too late": Case("deadline_exceeded", error=DeadlineExceeded("line-3:8001 did not answer in time")),
    "no report": Case("protocol_error", b"{}"),
    "no text": Case("protocol_error", b"\xff\xfe"),
    "another picture's report": Case("protocol_error", PASS.to_json().encode()),
    "limits without numbers": Case("protocol_error", WITHOUT_BOUNDS),
    "a number that is none": Case("protocol_error", _not_a_number),
    "an unknown profile": Case("unknown_profile", settings={"endface_profile": "foo"}),
    "no profile, server": Case("unknown_profile", settings={"endface_profile": ""}),
    "no profile, in process": Case("unknown_profile", settings=HERE | {"endface_profile": ""}),
    "an unknown profile, in process": Case("unknown_profile", settings=HERE | {"endface_profile": "foo"}),
    "an unknown engine": Case("engine", settings=HERE | {"endface_engine": "abacus"}),
    "a scale that is no number": Case("configuration", settings={"endface_um_per_px": "wide"}),
    "a scale out of range": Case("bad_parameter", settings={"endface_um_per_px": 1e6}),
    "a misspelt keyword": Case("configuration", settings={"endface_profil": "mm-pc"}),
    "no output folder": Case("output_not_writable", spoil=_block_output),
    "no address": Case("configuration", settings={"endface_server": "http://line-3:8001"}),
    "a bug": Case("internal", error=RuntimeError("a bug")),
}


def assert_failed(run: Any, values: dict[str, Any], read_run: Read, code: str) -> None:
    """The report says what is wrong, the last stage fails the face, and no other file stays."""
    assert (values["success"], values["error_code"]) == (False, code)
    assert values["image_path"] == str(run.picture)
    assert len(values["error"]) > 10
    assert [(each["severity"], each["defect_type"]) for each in values["defects"]] == [("CRITICAL", "UNKNOWN")]
    assert read_run(run.folder, "face", (1200, 1000)).status == "FAIL"
    if run.output_dir.is_dir():
        assert run.names() == {"_report.json"}


@pytest.mark.parametrize("stale", [False, True], ids=["first run", "after a pass"])
@pytest.mark.parametrize("case", FAILURES.values(), ids=FAILURES)
def test_what_fails_never_passes(
    run: Any, ask: Any, fake_server: FakeServer, read_run: Read, *, case: Case, stale: bool
) -> None:
    """Whatever goes wrong, nothing is raised, a sentence says it, and the last stage fails the face."""
    if stale:
        assert run.analyze(ask(enable_visualization=False))["success"] is True
    fake_server.answer = case.answer
    case.spoil(run)
    settings = {"endface_server": fake_server.address, "endface_profile": "mm-pc"} | case.settings
    options = {"inspect": Mock(side_effect=case.error)} if case.error else {}

    assert_failed(run, run.analyze(OmniConfig(**settings), **options), read_run, case.code)


@pytest.mark.parametrize("stale", [False, True], ids=["first run", "after a pass"])
def test_a_full_disk_never_passes(
    run: Any, ask: Any, read_run: Read, monkeypatch: pytest.MonkeyPatch, *, stale: bool
) -> None:
    """The first file can be written, no further one."""
    if stale:
        assert run.analyze(ask(enable_visualization=False))["success"] is True
    written: list[Path] = []
    write_whole = _files.write_whole

    def write(path: Path, data: bytes) -> None:
        if written:
            raise OSError(errno.ENOSPC, "No space left on device")
        written.append(path)
        write_whole(path, data)

    monkeypatch.setattr(_files, "write_whole", write)

    assert_failed(run, run.analyze(ask()), read_run, "output_not_writable")


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
