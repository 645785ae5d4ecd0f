"""Objects that are no pictures among many that are."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from endface.report import Report
from endface_client import Client, InvalidRequest, Job, UnreadablePicture
from endface_client.testing import FakeServer


@pytest.fixture
def client(connect: Callable[..., Client], fake_server: FakeServer) -> Client:
    """Either client, on a server that passes every picture."""
    return connect(fake_server.address)


@pytest.mark.parametrize(
    ("odd", "error", "words"),
    [
        (Image.new("L", (8, 8)), UnreadablePicture, "is no picture: give a path, bytes, or a numpy array"),
        (bytearray(b"picture"), UnreadablePicture, "bytearray"),
        (None, UnreadablePicture, "NoneType"),
        ("null\0character.png", UnreadablePicture, "is no picture"),
        (Job(b"picture", meta={"lot": 5}), InvalidRequest, "meta.lot is 5; give a text"),  # type: ignore[dict-item] # the mistake
    ],
    ids=["Pillow image", "bytearray", "None", "path with a null character", "number as meta"],
)
def test_odd_object_is_an_error_of_its_own(
    client: Client, pictures: Path, odd: Any, error: type[Exception], words: str
) -> None:
    """The pictures before and after it are inspected."""
    first, second, third = client.inspect_many([pictures / "a.png", odd, pictures / "b.png"], return_errors=True)

    assert isinstance(first, Report)
    assert isinstance(second, error)
    assert words in str(second)
    assert isinstance(third, Report)
