"""A network comes into the repository whole and proven or not at all, and leaves it at one stroke."""

from __future__ import annotations

import errno
import json
import os
import shutil
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import onnx
import pytest

from endface.engines.catalog import LITERT, OPENCV, VARIANTS, named, network_file
from endface.engines.manifest import describe
from endface.engines.onnx_network import Network
from endface.errors import ConfigurationError, RolloutError
from endface.files import sha256_of
from endface_build.data.drawn_pictures import labelled_of
from endface_build.data.labelled import Labelled
from endface_build.drawing.camera import Camera, photograph
from endface_build.drawing.faces import Face
from endface_build.drawing.marks import pit
from endface_build.evaluation.false_passes import JudgedSet
from endface_build.evaluation.golden import Golden, drawn, of_folder
from endface_build.export.quantize import FP32_FILE
from endface_build.manifest import MANIFEST_FILE, MODEL_FILE, read_manifest, write_manifest
from endface_build.rollout.promote import FlippedError, promote, rollback
from endface_build.rollout.servers import Servers, servers_of
from endface_build.rollout.versions import Versions

Write = Callable[..., Path]


@pytest.fixture
def blind(tmp_path: Path, write_steps: Write) -> Path:
    """A candidate that judges as version 1 does."""
    return write_steps(tmp_path / "blind", high=0) / MODEL_FILE


@pytest.fixture
def seeing(tmp_path: Path, write_steps: Write) -> Path:
    """A candidate that labels by brightness, and so fails every face."""
    return write_steps(tmp_path / "seeing") / MODEL_FILE


@pytest.fixture(scope="module")
def face(golden: list[Golden]) -> bytes:
    """An encoded face that is clean."""
    return golden[0].data


def contents(versions: Versions) -> dict[str, bytes]:
    """Every file of the model's folder with its bytes."""
    files = (path for path in versions.folder.rglob("*") if path.is_file())
    return {str(path.relative_to(versions.folder)): path.read_bytes() for path in files}


def test_candidate_becomes_the_newest_version(versions: Versions, blind: Path, face: bytes) -> None:
    """The new version is the candidate's file under the next number, names itself so, and has Triton's adapter."""
    promotion = promote(blind, versions, [Golden("a.png", face, "mm-pc", "pass")])

    assert (promotion.version, promotion.former) == (2, 1)
    assert versions.newest == 2
    assert Network(versions.path(2) / MODEL_FILE).info == describe(versions.folder, "onnxruntime")
    assert describe(versions.folder, "onnxruntime").version == "2"
    assert describe(versions.folder, "onnxruntime").sha256 == sha256_of(blind)
    assert (versions.path(2) / "model.py").read_text() == "the adapter"
    assert {path.name for path in versions.folder.iterdir()} == {"1", "2", "config.pbtxt"}


def test_quantized_candidate_brings_its_source(versions: Versions, blind: Path) -> None:
    """A candidate in eight bits comes with the network in float that it was made from, or not at all."""
    manifest = json.loads(blind.with_name(MANIFEST_FILE).read_text())
    manifest["quantization"] = {"from": FP32_FILE, "from_sha256": sha256_of(blind)}
    blind.with_name(MANIFEST_FILE).write_text(json.dumps(manifest))
    with pytest.raises(ConfigurationError, match=r"model\.fp32\.onnx is missing.*endface-build quantize"):
        promote(blind, versions, [])
    shutil.copyfile(blind, blind.with_name(FP32_FILE))
    promote(blind, versions, [])

    assert (versions.path(2) / FP32_FILE).read_bytes() == blind.read_bytes()


def test_rollback_returns_to_the_version_before(versions: Versions, blind: Path) -> None:
    """After a rollback the former version is the newest; the number of the withdrawn one is never used again."""
    promote(blind, versions, [])
    assert rollback(versions) == (1, 2)
    assert versions.newest == 1
    assert promote(blind, versions, []).version == 3
    assert versions.before == 1
    assert not [path for path in versions.folder.iterdir() if path.name[0] in "02"]


def test_nothing_to_return_to(versions: Versions) -> None:
    """The only version stays."""
    with pytest.raises(RolloutError, match="nothing to go back to"):
        rollback(versions)

    assert versions.newest == 1


def test_broken_version_is_not_returned_to(versions: Versions, blind: Path) -> None:
    """Where the version before is not the file of its manifest, the newest stays."""
    promote(blind, versions, [])
    (versions.path(1) / MODEL_FILE).write_bytes(b"rot")
    with pytest.raises(ConfigurationError, match="not the file that its manifest describes"):
        rollback(versions)

    assert versions.newest == 2


@pytest.mark.parametrize(
    "case",
    [
        ("pass", False, "misjudges golden pictures: a.png"),
        ("pass", True, "misjudges golden pictures: a.png"),  # a known verdict is not a matter of taste
        (None, False, "otherwise than the serving version: a.png"),
        (None, True, None),
        ("fail", False, None),  # the serving version was wrong
    ],
)
def test_verdict_flips(
    versions: Versions, seeing: Path, face: bytes, case: tuple[str | None, bool, str | None]
) -> None:
    """A known verdict must be met; where none is known the serving version's holds, unless a change is accepted."""
    expected, accept, refused = case
    before = contents(versions)
    pictures = [Golden("a.png", face, "mm-pc", expected)]
    if refused is None:
        (row,) = promote(seeing, versions, pictures, accept_flips=accept).judged
        assert (row.reference, row.candidate) == ("pass", "fail")
    else:
        with pytest.raises(FlippedError, match=refused) as caught:
            promote(seeing, versions, pictures, accept_flips=accept)
        assert [row.candidate for row in caught.value.judged] == ["fail"]
        assert contents(versions) == before


def test_more_false_passes_are_refused(versions: Versions, seeing: Path, blind: Path) -> None:
    """A network that lets a labelled part pass which the serving version fails stays a candidate."""
    promote(seeing, versions, [])
    before, face = contents(versions), Face(marks=(pit((54.0, -15.0), 12.0),))
    bad = labelled_of(photograph(face, Camera(300, 300, um_per_px=(0.9, 0.9)), seed=3), face, "bad.png")
    with pytest.raises(RolloutError, match="lets more bad parts pass: 1 of 1 on own parts"):
        promote(blind, versions, [], labelled={"own parts": JudgedSet([bad], "mm-pc")})

    assert contents(versions) == before


def test_more_unmarked_flips_are_refused(versions: Versions, seeing: Path) -> None:
    """A network whose verdict depends on the light, where the serving version's does not, stays a candidate."""
    before, face = contents(versions), Face()
    camera = Camera(300, 300, um_per_px=(0.9, 0.9), gain=0.23, noise=0.1)  # darker than what the network sees
    dark = labelled_of(photograph(face, camera, seed=3), face, "dark.png")
    with pytest.raises(RolloutError, match=r"More verdicts of the candidate change.* 1 on own parts"):
        promote(seeing, versions, [], changed={"own parts": JudgedSet([dark], "mm-pc")})

    assert contents(versions) == before


def test_picture_without_a_fiber_is_invalid_with_any_network(versions: Versions, seeing: Path, wall: Labelled) -> None:
    """What the stages refuse before the network sees it cannot flip."""
    (row,) = promote(seeing, versions, [Golden(wall.name, wall.data, "mm-pc", "invalid")]).judged

    assert row.reference == row.candidate == "invalid"


def promote_until(monkeypatch: pytest.MonkeyPatch, crash_at: int, promotion: Callable[[], object]) -> bool:
    """Promote on a system that dies at one of its calls; whether it did."""
    calls = 0

    def dying(call: Callable[..., Any]) -> Callable[..., Any]:
        def die_or_call(*args: Any, **kwargs: Any) -> Any:
            nonlocal calls
            calls += 1
            if calls == crash_at:
                raise SystemExit(9)
            return call(*args, **kwargs)

        return die_or_call

    clear = shutil.rmtree

    def clear_up(*args: Any, **kwargs: Any) -> None:
        if calls < crash_at:  # a crash clears nothing up
            clear(*args, **kwargs)

    with monkeypatch.context() as patch:
        for owner, call in ((shutil, "copyfile"), (os, "fsync"), (Path, "rename"), (Path, "replace"), (Path, "mkdir")):
            patch.setattr(owner, call, dying(getattr(owner, call)))
        patch.setattr(shutil, "rmtree", clear_up)
        try:
            promotion()
        except SystemExit:
            return True
    return False


def test_crash_leaves_old_or_new(versions: Versions, blind: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever call of the system a crash interrupts, the newest version is whole, and the next promotion works."""
    crash_at, newest = 1, 1
    while promote_until(monkeypatch, crash_at, lambda: promote(blind, versions, [])):
        assert versions.newest in (newest, newest + 1)
        newest = versions.newest
        Network(versions.path(newest) / MODEL_FILE)
        crash_at += 1

    assert crash_at > 8
    assert versions.newest == newest + 1
    assert not [path for path in versions.folder.iterdir() if path.name.startswith(".")]


def test_variants_come_along(versions: Versions, blind: Path) -> None:
    """What was made of the candidate for other engines is the version's too, what was made of another one is not."""
    for engine, made_from in ((OPENCV, sha256_of(blind)), (LITERT, "0" * 64)):
        path = blind.parent / named(engine, VARIANTS).file
        path.parent.mkdir()
        path.write_bytes(b"convolutions")
        manifest = {"name": "segment", "version": "1", "file": path.name, "sha256": sha256_of(path)}
        write_manifest(path.parent, manifest | {"from_sha256": made_from})
    promote(blind, versions, [])

    assert network_file(versions.path(2), OPENCV).read_bytes() == b"convolutions"
    assert read_manifest(versions.path(2) / "opencv")["version"] == "2"
    assert not (versions.path(2) / "litert").exists()


def test_full_disk(versions: Versions, blind: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A full disk is said, nothing is left behind, and the former version stays."""
    before = contents(versions)

    def full(*_: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(shutil, "copyfile", full)
    with pytest.raises(RolloutError, match=r"No space left on device\. Nothing was changed"):
        promote(blind, versions, [])

    assert contents(versions) == before


def test_one_at_a_time(versions: Versions, blind: Path) -> None:
    """While somebody promotes, nobody else promotes or rolls back."""
    with versions.locked():
        for attempt in (lambda: promote(blind, versions, []), lambda: rollback(versions)):
            with pytest.raises(RolloutError, match="under way"):
                attempt()
    promote(blind, versions, [])


def rename_output(model: onnx.ModelProto) -> None:
    """Another name for the label map."""
    model.graph.output[0].name = model.graph.node[-3].output[0] = "MASK"


def age(model: onnx.ModelProto) -> None:
    """A network whose outputs mean what they meant in an older release."""
    onnx.helper.set_model_props(model, {"contract": "endface.segment/1"})


@pytest.mark.parametrize(
    ("edit", "message"),
    [(rename_output, "the contract asks for"), (age, r"speaks the contract endface\.segment/1.*endface-build convert")],
    ids=["other tensors", "older contract"],
)
def test_candidate_of_another_contract(
    versions: Versions,
    write_steps: Write,
    tmp_path: Path,
    edit: Callable[[onnx.ModelProto], None],
    message: str,
) -> None:
    """A network with other tensors, or with tensors of another meaning, never becomes a version."""
    before = contents(versions)
    with pytest.raises(ConfigurationError, match=message):
        promote(write_steps(tmp_path / "other", edit=edit) / MODEL_FILE, versions, [])

    assert contents(versions) == before


def test_no_way_back_to_a_version_of_another_contract(versions: Versions, blind: Path, write_steps: Write) -> None:
    """The version before must be one that a server of this release runs; else nothing is changed."""
    promote(blind, versions, [])
    shutil.rmtree(versions.path(1))
    write_steps(versions.path(1), edit=age)
    with pytest.raises(ConfigurationError, match=rf"endface-build convert {versions.path(1)}"):
        rollback(versions)

    assert versions.newest == 2


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda path: path.unlink(), "No network in"),
        (lambda path: path.write_bytes(b"not a network"), "not the file that its manifest describes"),
        (lambda path: path.with_name(MANIFEST_FILE).unlink(), "manifest.json is missing"),
        (lambda path: shutil.copyfile(path, path.with_name("other.onnx")), r"describes model\.onnx"),
    ],
    ids=["missing", "changed", "no manifest", "another name"],
)
def test_unusable_candidate(versions: Versions, blind: Path, spoil: Callable[[Path], object], message: str) -> None:
    """A candidate that is missing, changed, without its manifest or not the one in it is refused in a sentence."""
    renamed = spoil(blind)
    with pytest.raises(ConfigurationError, match=message):
        promote(renamed if isinstance(renamed, Path) else blind, versions, [])

    assert versions.newest == 1


def test_no_repository(tmp_path: Path) -> None:
    """A folder that is no repository is named with its option."""
    with pytest.raises(ConfigurationError, match="--repository"):
        Versions(tmp_path)


class Always(BaseHTTPRequestHandler):
    """A server that is ready, with version 1 of the network for ever."""

    def do_GET(self) -> None:
        """Triton's answer to a question for readiness."""
        self.send_response(200 if self.path.endswith(("endface/ready", "versions/1/ready")) else 400)
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        """Be silent."""


@pytest.fixture
def stubborn() -> Iterator[str]:
    """The address of a server that never loads anything."""
    with HTTPServer(("127.0.0.1", 0), Always) as server:
        thread = Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield f"127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def test_version_that_a_server_does_not_load_is_withdrawn(versions: Versions, blind: Path, stubborn: str) -> None:
    """Where a named server does not load the version in time, the former one is the newest again."""
    with pytest.raises(RolloutError, match=r"did not load version 2.*withdrawn, 1 goes on serving"):
        promote(blind, versions, [], servers=Servers((stubborn,), loaded_within_s=0))

    assert versions.newest == 1


def test_rollback_waits_for_the_server(versions: Versions, blind: Path, stubborn: str) -> None:
    """A server that serves the former version confirms the rollback."""
    promote(blind, versions, [])

    assert rollback(versions, servers=servers_of(stubborn)) == (1, 2)


@pytest.mark.parametrize("address", ["127.0.0.1:1", "nowhere", ":8000", "host:http"])
def test_server_that_is_not_there(versions: Versions, blind: Path, address: str) -> None:
    """Nothing is changed where a named server cannot be asked."""
    before = contents(versions)
    with pytest.raises(RolloutError, match=r"nothing was changed|write host:port"):
        promote(blind, versions, [], servers=servers_of(address))

    assert contents(versions) == before


def test_drawn_pictures_know_their_verdicts() -> None:
    """The golden pictures that come with the project hold faces that pass and faces that fail."""
    verdicts = {golden.name: golden.expected for golden in drawn()}

    assert verdicts["multimode-clean.jpg"] == "pass"
    assert verdicts["chipped.jpg"] == "fail"
    assert "out-of-focus.jpg" not in verdicts


def test_golden_folder(tmp_path: Path, face: bytes) -> None:
    """A user's pictures are taken with the verdicts that golden.json gives."""
    for name in ("a.png", "b.png"):
        (tmp_path / name).write_bytes(face)
    (tmp_path / "golden.json").write_text('{"a.png": "fail"}')
    golden = of_folder(tmp_path, "sm-apc")

    assert [(picture.name, picture.expected) for picture in golden] == [("a.png", "fail"), ("b.png", None)]
    assert {picture.profile for picture in golden} == {"sm-apc"}


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("a.png", "{", "is not JSON"),
        ("a.png", "[]", "must be an object"),
        ("a.png", '{"a.png": "good"}', "must be an object of file names and verdicts"),
        ("a.png", '{"z.png": "pass"}', r"not there: z\.png"),
        ("notes.txt", "{}", "No pictures"),
    ],
)
def test_golden_folder_that_proves_nothing(tmp_path: Path, face: bytes, name: str, text: str, message: str) -> None:
    """Verdicts that cannot be read or belong to no picture are named; a folder without pictures is a mistake."""
    (tmp_path / name).write_bytes(face)
    (tmp_path / "golden.json").write_text(text)
    with pytest.raises(ConfigurationError, match=message):
        of_folder(tmp_path, "mm-pc")
