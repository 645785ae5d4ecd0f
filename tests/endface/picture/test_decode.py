from __future__ import annotations

import struct
import zlib
from collections.abc import Callable
from contextlib import suppress
from io import BytesIO
from typing import Any

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from pytest import approx

from endface import contract
from endface.errors import (
    EmptyImageError,
    OversizedImageError,
    PictureError,
    TooManyPixelsError,
    UndecodableError,
)
from endface.picture import decode as module
from endface.picture.decode import decode
from endface.picture.picture import Picture, Rect
from endface.picture.square import Placement, resample

GRAY = np.arange(48 * 64, dtype=np.uint32).reshape(48, 64) % 251


def encoded(values: np.ndarray[Any, Any], ending: str) -> bytes:
    """The picture in the format of that ending."""
    return cv2.imencode(ending, values)[1].tobytes()


def png_header(width: int, height: int) -> bytes:
    """A PNG that announces a size and holds next to nothing."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")


@pytest.mark.parametrize("ending", [".png", ".bmp", ".tiff"])
def test_8_bit_gray_comes_through_unchanged(ending: str) -> None:
    """Lossless formats give exactly the gray levels that went in."""
    gray = GRAY.astype(np.uint8)

    assert (decode(encoded(gray, ending)).gray == gray).all()


@pytest.mark.parametrize("ending", [".png", ".tiff"])
@pytest.mark.parametrize("bits", [10, 12, 14, 16])
def test_16_bit_file_is_scaled_by_the_cameras_depth(ending: str, bits: int) -> None:
    """A 10, 12 or 14 bit camera's picture is as bright as a 16 bit one, to one level."""
    values = (GRAY * ((1 << bits) - 1) // 250).astype(np.uint16)

    gray = decode(encoded(values, ending)).gray

    assert gray.dtype == np.uint8
    assert np.abs(gray.astype(int) - GRAY * 255 // 250).max() <= 1


@pytest.mark.parametrize("ending", [".png", ".bmp", ".tiff", ".jpg"])
def test_color_becomes_luma(ending: str) -> None:
    """Color is weighed as ITU-R 601 does: 0.299 red, 0.587 green, 0.114 blue."""
    color = np.full((32, 32, 3), (200, 100, 50), np.uint8)  # OpenCV's order: blue, green, red

    assert decode(encoded(color, ending)).gray == approx(0.299 * 50 + 0.587 * 100 + 0.114 * 200, abs=1.5)


@pytest.mark.parametrize("ending", [".png", ".tiff"])
def test_16_bit_color_is_read(ending: str) -> None:
    """A 16-bit color picture gives the gray of its upper 8 bits."""
    color = np.full((32, 32, 3), 200 << 8, np.uint16)

    assert decode(encoded(color, ending)).gray == approx(200, abs=1)


@pytest.mark.parametrize("mode", ["1", "P", "LA", "RGBA", "CMYK"])
def test_other_pixel_layouts_are_read(mode: str) -> None:
    """Black and white, palettes, transparency and print colors are pictures, too."""
    stream = BytesIO()
    Image.new("L", (40, 30), 255).convert(mode).save(stream, "TIFF" if mode == "CMYK" else "PNG")

    gray = decode(stream.getvalue()).gray

    assert gray.shape == (30, 40)
    assert gray == approx(255, abs=1)


def test_exif_orientation_is_ignored() -> None:
    """Pixels stay where the camera put them, whatever a viewer would turn."""
    stream, exif = BytesIO(), Image.Exif()
    exif[0x0112] = 6  # "turn by 90 degrees"
    Image.new("L", (64, 48), 90).save(stream, "JPEG", exif=exif)

    assert decode(stream.getvalue()).gray.shape == (48, 64)


def test_padding_behind_a_picture_is_allowed() -> None:
    """Some cameras fill their files up to a fixed size."""
    data = encoded(GRAY.astype(np.uint8), ".jpg")

    assert (decode(data + b"\xff\x00" * 500).gray == decode(data).gray).all()


@pytest.mark.parametrize("ending", [".png", ".jpg", ".bmp", ".tiff"])
@pytest.mark.parametrize("share", [0.3, 0.6, 0.95])
def test_truncated_picture_is_refused(ending: str, share: float) -> None:
    """Half a picture is no picture, whatever its format."""
    noise = np.random.default_rng(1).integers(0, 255, (120, 160), dtype=np.uint8)
    data = encoded(noise, ending)

    with pytest.raises(UndecodableError, match="cannot be decoded"):
        decode(data[: int(len(data) * share)])


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"just a text, no picture", id="text"),
        pytest.param(b"\x00" * 4096, id="zeros"),
        pytest.param(b"\xff\xd8\xff", id="three-bytes-of-jpeg"),
        pytest.param(b"GIF89a" + b"\x00" * 100, id="gif"),
        pytest.param(b"%PDF-1.7\n", id="pdf"),
    ],
)
def test_what_is_no_picture_is_refused(data: bytes) -> None:
    """Any other bytes give one clear error."""
    with pytest.raises(UndecodableError, match="cannot be decoded"):
        decode(data)


@pytest.mark.parametrize(("width", "height"), [(60_000, 60_000), (10_000, 5_001), (12_000, 9_000)])
def test_too_many_pixels_are_refused_before_decoding(width: int, height: int) -> None:
    """The header alone decides: nothing of that size is ever allocated."""
    with pytest.raises(TooManyPixelsError, match="pixels"):
        decode(png_header(width, height))


def test_floating_point_pixels_are_refused() -> None:
    """A picture of 32-bit floats has no gray scale that we know."""
    with pytest.raises(UndecodableError, match="8 or 16 bits"):
        decode(encoded(np.full((20, 20), 0.5, np.float32), ".tiff"))


def test_empty_and_oversized_bytes_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """No bytes, or more than the limit, are refused before anything reads them."""
    monkeypatch.setattr(module, "MAX_IMAGE_BYTES", 10)

    module.check_size(b"x" * 10)
    with pytest.raises(EmptyImageError):
        module.check_size(b"")
    with pytest.raises(OversizedImageError):
        module.check_size(b"x" * 11)


@given(
    st.binary(min_size=1, max_size=300),
    st.sampled_from([b"", b"\xff\xd8\xff\xe0", b"\x89PNG\r\n\x1a\n", b"BM", b"II*\x00"]),
)
def test_no_bytes_crash_the_decoder(data: bytes, magic: bytes) -> None:
    """Random bytes give a picture or a PictureError, nothing else."""
    with suppress(PictureError):
        assert decode(magic + data).gray.dtype == np.uint8


@given(st.data())
def test_no_mutation_crashes_the_decoder(data: st.DataObject) -> None:
    """Flipped bytes in real files give a picture or a PictureError, nothing else."""
    ending = data.draw(st.sampled_from([".png", ".jpg", ".bmp", ".tiff"]))
    mutated = bytearray(encoded(GRAY.astype(np.uint8), ending))
    for at, value in data.draw(st.lists(st.tuples(st.integers(0, len(mutated) - 1), st.integers(0, 255)), max_size=8)):
        mutated[at] = value
    with suppress(PictureError):
        assert decode(bytes(mutated)).gray.ndim == 2


def test_black_frame_is_left_out_of_the_field(draw_face: Callable[..., Any]) -> None:
    """Of a picture with a black frame the field holds what the camera saw, less its sharpened border."""
    assert Picture(draw_face(frame_px=10).gray).field == Rect(14, 14, 706, 562)


def test_dark_picture_without_a_frame_is_all_field(draw_face: Callable[..., Any]) -> None:
    """A dark ferrule is no frame."""
    assert Picture(draw_face(levels=(20, 60, 80)).gray).field == Rect(0, 0, 720, 576)


PLACEMENTS = st.builds(
    Placement,
    st.tuples(st.floats(-100, 2000), st.floats(-100, 2000)),
    st.tuples(st.floats(0.1, 1.0), st.floats(0.1, 1.0)),
)


@given(PLACEMENTS, st.lists(st.tuples(st.floats(-600, 1200), st.floats(-600, 1200)), min_size=1, max_size=5))
def test_square_and_camera_coordinates_are_inverse(placement: Placement, points: list[tuple[float, float]]) -> None:
    """There and back again is the same point."""
    square_xy = np.array(points)

    assert placement.to_square(placement.to_camera(square_xy)) == approx(square_xy, abs=1e-6)


@given(PLACEMENTS)
def test_fibers_center_lies_in_the_middle_of_the_square(placement: Placement) -> None:
    """The square is centered on the fiber, half a micrometer a pixel in both directions."""
    center = np.array([placement.center_px])
    step_px = np.array([[10 / placement.um_per_px[0], -20 / placement.um_per_px[1]]])

    assert placement.to_square(center) == approx(np.array([[255.5, 255.5]]))
    assert placement.to_square(center + step_px) == approx(np.array([[255.5 + 20, 255.5 - 40]]))


@pytest.mark.parametrize("um_per_px", [(0.6, 0.55), (0.43, 0.43), (0.2, 0.25), (0.15, 0.15)])
def test_resampled_fiber_is_round_and_centered(draw_face: Callable[..., Any], um_per_px: tuple[float, float]) -> None:
    """Non-square and fine pixels alike give a round fiber of 125 um in the middle of the square."""
    radii = (62.5 / um_per_px[0], 62.5 / um_per_px[1])
    shape = (int(radii[1] * 4.3), int(radii[0] * 4.3))
    drawn = draw_face(shape=shape, center=(shape[1] / 2 + 3.3, shape[0] / 2 - 2.7), radii=radii, core_share=0, noise=0)

    square = resample(Picture(drawn.gray), Placement(drawn.center_px, um_per_px))

    inside = square < 140
    y, x = np.nonzero(inside)
    assert square.shape == (512, 512)
    assert square.dtype == np.uint8
    assert (x.mean(), y.mean()) == approx((255.5, 255.5), abs=0.1)
    assert inside.sum() == approx(np.pi * 125**2, rel=0.005)


def test_unseen_parts_are_known_and_filled_from_the_border() -> None:
    """Where the camera did not look the square continues its border, and `seen` says so."""
    gray = np.full((300, 300), 77, np.uint8)
    placement = Placement((0.0, 150.0), (0.5, 0.5))

    square, seen = resample(Picture(gray), placement), placement.seen(Rect(0, 0, 300, 300))

    assert (square == 77).all()
    assert not seen[:, :255].any()
    assert seen[256, 256]
    assert seen.sum() == approx(256 * 300, rel=0.01)


def test_limits_allow_a_large_camera() -> None:
    """A 40-megapixel camera's 8-bit picture is within the limits."""
    assert contract.MAX_IMAGE_PIXELS >= 40_000_000
    assert contract.MAX_IMAGE_BYTES >= 40_000_000
