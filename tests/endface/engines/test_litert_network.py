from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from endface.engines.litert_network import LiteRTNetwork
from endface.engines.load import load
from endface.errors import ConfigurationError, EngineError

Write = Callable[..., Path]

PROGRAM = """
import sys
from pathlib import Path
from endface import offline
from endface.options import Options
offline.inspect(Path(sys.argv[1]).read_bytes(), Options("mm-pc"), engine=sys.argv[2])
print(sorted({"ai_edge_litert", "onnxruntime"} & set(sys.modules)))
"""


def test_refuses_a_network_with_other_tensors(tmp_path: Path, write_described: Write) -> None:
    """A file that quantizes sixteen numbers is no network of ours."""
    pytest.importorskip("ai_edge_litert")
    from ai_edge_litert.schema_py_generated import BuiltinOperator

    from endface_build.export.tflite_file import FLOAT, INT8, File, Scale

    file = File()
    numbers = file.tensor("numbers", (1, 4, 4, 1), FLOAT)
    integers = file.tensor("integers", (1, 4, 4, 1), INT8, Scale.of_range(-1, 1))
    file.operator(BuiltinOperator.QUANTIZE, [numbers], integers)
    path = write_described(tmp_path / "model.tflite", file.to_bytes([numbers], [integers], "sixteen numbers"))

    with pytest.raises(ConfigurationError, match=r"has tensors .*int8.*export --format tflite"):
        LiteRTNetwork(path)


def test_without_its_package_says_what_to_install(
    tmp_path: Path, write_described: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    """LiteRT is an extra; who lacks it reads how to get it."""
    for module in ("ai_edge_litert", "ai_edge_litert.interpreter"):
        monkeypatch.setitem(sys.modules, module, None)

    with pytest.raises(EngineError, match=r"needs the package ai_edge_litert.*pip install '\.\[litert\]'"):
        load("litert", write_described(tmp_path / "model.tflite", b"any"))


@pytest.mark.parametrize(
    ("engine", "imported"), [("onnxruntime", ["onnxruntime"]), ("opencv", []), ("litert", ["ai_edge_litert"])]
)
def test_only_the_chosen_engine_is_imported(
    engine: str, imported: list[str], samples: list[Path], offline_repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An inspection in one engine imports no other one's package."""
    monkeypatch.setenv("ENDFACE_REPOSITORY", str(offline_repository))
    command = [sys.executable, "-c", PROGRAM, str(samples[0]), engine]
    process = subprocess.run(command, capture_output=True, text=True, check=True)

    assert process.stdout.strip() == str(imported)
