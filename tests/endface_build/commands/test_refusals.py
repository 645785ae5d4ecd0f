"""What cannot be done ends with status 2 and a sentence that says what comes first."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.endface_build.commands.command_line import Run


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("train --run nothing", "endface-build synth"),
        ("train --run nothing --finetune labelled", r"endface-build synth --run nothing.*about an hour"),
        ("train --run nothing --recipe missing.json", "No recipe in missing.json"),
        ("gage .", "No pictures"),
        ("page none.json", "endface-build accuracy"),
        ("promote candidate/model.onnx --no-drawn", "--golden"),
        ("plan --runtime tensorrt_rtx --batch 1;8", "--batch 1,8,32"),
        ("plan --runtime tensorrt_lite", "tensorrt_rtx"),
        ("plan --runtime tensorrt_rtx --precision fp8", "int8"),
        ("export --model model_repository/segment/1", "endface-build promote"),
        ("quantize --out model_repository/segment/2", "endface-build promote"),
    ],
)
@pytest.mark.usefixtures("own_repository")
def test_refusal_is_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, run: Run, line: str, message: str
) -> None:
    """A command that cannot run names the file, the option or the command that it lacks; what serves is not written."""
    monkeypatch.chdir(tmp_path)
    answer = run(line)

    assert answer.status == 2
    assert re.search(message, answer.err), answer.err
