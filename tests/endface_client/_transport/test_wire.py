"""Pictures to requests and answers to reports, without a network."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from numpy.typing import NDArray
from tritonclient.grpc import service_pb2
from tritonclient.utils import deserialize_bytes_tensor

from endface import contract
from endface.picture.decode import decode
from endface_client import InvalidRequest, Job, ProtocolError
from endface_client._transport.wire import encode, pack, parameters, unpack

names = st.text(min_size=1, max_size=20)


@given(st.binary(min_size=1, max_size=64))
def test_bytes_arrive_as_they_are(data: bytes) -> None:
    """Zeros at the end included, which numpy's own byte strings drop."""
    (content,) = pack(Job(data)).request(1.0).raw_input_contents

    assert deserialize_bytes_tensor(content).tolist() == [data]


@given(arrays.arrays(np.uint8, st.tuples(st.integers(1, 20), st.integers(1, 20))))
def test_an_array_decodes_to_itself(levels: NDArray[np.uint8]) -> None:
    """What the server's decoder sees of an 8-bit gray array is the array."""
    np.testing.assert_array_equal(decode(encode(levels)).gray, levels)


@given(names, st.dictionaries(names, names, max_size=3))
def test_texts_survive_the_protocol(serial: str, meta: dict[str, str]) -> None:
    """A serial number and meta of any script come out of the message as they went in."""
    request = pack(Job(b"x", serial=serial, meta=meta)).request(1.0)
    received = service_pb2.ModelInferRequest.FromString(request.SerializeToString()).parameters

    assert received["serial"].string_param == serial
    assert {key: received[contract.META_PREFIX + key].string_param for key in meta} == meta


@given(st.floats(1e-3, 1e3))
def test_a_scale_keeps_every_digit(um_per_px: float) -> None:
    """Numbers travel as text and lose nothing."""
    assert float(parameters(Job(b"x", um_per_px=um_per_px))["um_per_px"]) == um_per_px


def test_an_oversized_picture_is_not_sent() -> None:
    """The server's limit holds here already, with the server's code."""
    with pytest.raises(InvalidRequest) as caught:
        pack(Job(bytes(contract.MAX_IMAGE_BYTES + 1)))

    assert caught.value.code == "oversized_image"


@pytest.mark.parametrize("contents", [[], [b""], [b"\xff"], [b"\xff\xff\xff\xffabc"]], ids=str)
def test_an_answer_without_a_report_is_told(contents: list[bytes]) -> None:
    """Another service's answer is no report, nor is a damaged one."""
    response = service_pb2.ModelInferResponse(raw_output_contents=contents)
    if contents:
        response.outputs.add(name=contract.REPORT.name)
    with pytest.raises(ProtocolError):
        unpack(pack(Job(b"x")), response)


@pytest.mark.parametrize(
    ("waits_s", "queue_us"), [(10.0, 9_500_000), (1.0, 500_000), (0.2, 100_000), (0.0, 1)], ids=str
)
def test_the_queue_gets_what_the_work_leaves(waits_s: float, queue_us: int) -> None:
    """Half a second is kept for the work, or half of a short wait; never zero, which would mean for ever."""
    assert pack(Job(b"x")).request(waits_s).parameters["timeout"].int64_param == queue_us
