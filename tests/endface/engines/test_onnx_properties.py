from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from onnx import TensorProto, helper

from endface.engines.onnx_properties import properties


@given(st.dictionaries(st.text(min_size=1), st.text(max_size=300)))
def test_reads_what_onnx_writes(entries: dict[str, str]) -> None:
    """Whatever the text, and whatever else is in the file."""
    weights = helper.make_tensor("w", TensorProto.FLOAT, [200], [1.5] * 200)
    graph = helper.make_graph([], "empty", [], [], [weights])
    model = helper.make_model(graph, producer_name="a tool", model_version=2**40, doc_string="words")
    helper.set_model_props(model, entries)

    assert properties(model.SerializeToString()) == entries


@pytest.mark.parametrize("content", [b"", b"no network", b"\xff" * 40, b"\x72\x7f\x0a"])
def test_other_files_have_none(content: bytes) -> None:
    """Empty, text, damaged or cut short: the engine that loads the file says what is wrong with it."""
    assert properties(content) == {}


@given(st.binary(max_size=60))
def test_never_fails(content: bytes) -> None:
    """No bytes make the reader fail."""
    assert isinstance(properties(content), dict)
