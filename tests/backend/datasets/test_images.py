"""The decoder: every picture of the bad-input list, and that one picture gives one result."""

import contextlib
import io
import resource
import struct
import time
import zlib

import numpy as np
import pytest
from PIL import Image, ImageOps, PngImagePlugin

from backend.datasets.images import ORIENTATION, decode_image, encode_png
from backend.errors import DataError

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning", "ignore::RuntimeWarning")


def encoded(image: Image.Image, kind: str = "PNG", **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def noise(width: int, height: int, mode: str = "RGB") -> Image.Image:
    pixels = np.random.default_rng(0).integers(0, 256, (height, width, 4), np.uint8)
    return Image.fromarray(pixels, "RGBA").convert(mode)


def png_chunk(kind: bytes, data: bytes) -> bytes:
    check = struct.pack(">L", zlib.crc32(kind + data))
    return struct.pack(">L", len(data)) + kind + data + check


def png_claiming(width: int, height: int) -> bytes:
    """A PNG of a few bytes that says it is this large."""
    header = struct.pack(">LLBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + png_chunk(b"IHDR", header)
        + png_chunk(b"IDAT", zlib.compress(b"\0" * 100))
        + png_chunk(b"IEND", b"")
    )


@pytest.mark.parametrize(
    ("width", "height", "words"),
    [(20_000, 20_000, "178 million"), (12_000, 12_000, "12,000 x 12,000"), (7072, 7072, "7,072")],
)
def test_too_many_pixels_are_refused_before_decoding(width: int, height: int, words: str) -> None:
    start = time.perf_counter()
    with pytest.raises(DataError, match="at most 50 million pixels") as caught:
        decode_image(png_claiming(width, height))
    assert words in str(caught.value)
    assert time.perf_counter() - start < 1


BAD = {
    "empty": (b"", "empty"),
    "web page": (b"<!DOCTYPE html><html><body>Not found</body></html>", "web page"),
    "drawing": (b'<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg"/>', "SVG"),
    "drawing without head": (b'<svg xmlns="http://www.w3.org/2000/svg"/>', "SVG"),
    "PostScript": (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\nshowpage\n", "PostScript"),
    "text": (b"only words", "not a picture"),
    "HEIC": (b"\0\0\0\x18ftypheic" + b"\0" * 40, "HEIC"),
    "head of a PNG": (b"\x89PNG\r\n\x1a\n", "not a picture"),
    "icon": (b"\0\0\1\0\1\0\x10\x10\0\0\1\0\x20\0" + b"\0" * 60, "not a picture"),
}


@pytest.mark.parametrize("case", BAD)
def test_what_is_no_picture_is_refused(case: str) -> None:
    data, word = BAD[case]
    with pytest.raises(DataError, match=word):
        decode_image(data)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "BMP", "GIF", "TIFF"])
@pytest.mark.parametrize("share", [0.3, 0.9])
def test_a_truncated_picture_is_refused(kind: str, share: float) -> None:
    data = encoded(noise(64, 48), kind)
    with pytest.raises(DataError, match=r"cut off|damaged|not a picture"):
        decode_image(data[: int(len(data) * share)])


@pytest.mark.parametrize("seed", range(8))
def test_any_damage_gives_a_sentence_or_a_picture(seed: int) -> None:
    rng = np.random.default_rng(seed)
    for kind in ("PNG", "JPEG", "WEBP", "GIF", "TIFF"):
        data = bytearray(encoded(noise(40, 30), kind))
        for place in rng.integers(0, len(data), 12):
            data[place] = int(rng.integers(0, 256))
        with contextlib.suppress(DataError):
            assert decode_image(bytes(data)).dtype == np.uint8


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "TIFF", "WEBP"])
def test_pictures_are_turned_upright(orientation: int, kind: str) -> None:
    image = Image.fromarray(np.arange(12 * 20, dtype=np.uint8).reshape(12, 20) // 2).convert("RGB")
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    options = {"quality": 100} if kind == "JPEG" else {"lossless": True} if kind == "WEBP" else {}
    data = encoded(image, kind, exif=exif, **options)
    right = np.asarray(ImageOps.exif_transpose(Image.open(io.BytesIO(data))))
    assert np.abs(decode_image(data).astype(int) - right).max() <= 1


def test_metadata_is_dropped() -> None:
    exif = Image.Exif()
    exif[0x013B] = "Jane Doe"
    exif.get_ifd(0x8825)[2] = (52.0, 31.0, 12.0)
    data = encoded(noise(20, 20), "JPEG", exif=exif, comment=b"made by Jane Doe")
    assert b"Jane Doe" in data
    served = encode_png(decode_image(data))
    assert b"Jane Doe" not in served
    assert b"eXIf" not in served
    assert not Image.open(io.BytesIO(served)).getexif()


def test_huge_metadata_does_no_harm() -> None:
    info = PngImagePlugin.PngInfo()
    info.add_text("Comment", "x" * 60_000_000, zip=True)
    data = encoded(noise(8, 8), pnginfo=info)
    assert len(data) < 100_000
    with contextlib.suppress(DataError):
        assert decode_image(data).shape == (8, 8, 3)
    profile = encoded(noise(8, 8), "JPEG", icc_profile=b"i" * 5_000_000)
    assert decode_image(profile).shape == (8, 8, 3)


@pytest.mark.parametrize(
    ("mode", "kind", "channels"),
    [
        ("1", "PNG", 1),
        ("L", "PNG", 1),
        ("LA", "PNG", 3),
        ("P", "PNG", 3),
        ("P", "GIF", 3),
        ("RGB", "PNG", 3),
        ("RGBA", "PNG", 3),
        ("CMYK", "JPEG", 3),
        ("CMYK", "TIFF", 3),
        ("YCbCr", "JPEG", 3),
        ("LAB", "TIFF", 3),
    ],
)
def test_every_kind_of_pixel(mode: str, kind: str, channels: int) -> None:
    pixels = decode_image(encoded(noise(30, 20, mode), kind))
    assert pixels.shape == (20, 30, channels)
    assert pixels.dtype == np.uint8
    assert pixels.std() > 10


def test_sixteen_bits_keep_their_range() -> None:
    values = np.linspace(0, 65535, 200).astype(np.uint16).reshape(10, 20)
    for kind in ("PNG", "TIFF"):
        pixels = decode_image(encoded(Image.fromarray(values), kind))
        assert pixels.shape == (10, 20, 1)
        assert np.abs(pixels[:, :, 0] - values / 257).max() <= 1


def test_transparent_parts_are_white() -> None:
    image = Image.new("RGBA", (10, 10), (255, 0, 0, 0))
    image.putpixel((5, 5), (255, 0, 0, 255))
    pixels = decode_image(encoded(image))
    assert pixels[0, 0].tolist() == [255, 255, 255]
    assert pixels[5, 5].tolist() == [255, 0, 0]


def test_transparent_palette_is_white() -> None:
    image = Image.new("P", (6, 6), 0)
    image.putpalette([0, 0, 0, 0, 0, 255])
    image.putpixel((2, 2), 1)
    pixels = decode_image(encoded(image, "GIF", transparency=0))
    assert pixels[0, 0].tolist() == [255, 255, 255]
    assert pixels[2, 2].tolist() == [0, 0, 255]


@pytest.mark.parametrize(
    ("size", "expected"),
    [
        ((1, 1), (1, 1)),
        ((1, 20_000), (1, 1024)),
        ((20_000, 1), (1024, 1)),
        ((256, 256), (256, 256)),
        ((300, 200), (300, 200)),
        ((2000, 1000), (512, 256)),
        ((4000, 500), (1024, 128)),
        ((257, 1024), (256, 1020)),
    ],
)
def test_large_pictures_shrink(size: tuple[int, int], expected: tuple[int, int]) -> None:
    image = Image.new("L", size, 130)
    pixels = decode_image(encoded(image))
    assert pixels.shape == (expected[1], expected[0], 1)
    assert set(np.unique(pixels)) == {130}


def test_shrinking_keeps_the_mean_and_no_moire() -> None:
    stripes = np.zeros((2000, 2000), np.uint8)
    stripes[:, ::2] = 255
    for kind in ("PNG", "JPEG"):
        pixels = decode_image(encoded(Image.fromarray(stripes), kind))
        assert abs(float(pixels.mean()) - 127.5) < 2
        assert pixels.std() < 10


def test_the_first_frame_is_taken() -> None:
    frames = [Image.new("RGB", (8, 8), colour) for colour in ("red", "lime")]
    data = encoded(frames[0], "GIF", save_all=True, append_images=frames[1:])
    assert decode_image(data)[0, 0].tolist() == [255, 0, 0]


@pytest.mark.parametrize("shape", [(3, 5, 1), (3, 5, 3)])
def test_png_round_trip(shape: tuple[int, ...]) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, shape, np.uint8)
    assert (decode_image(encode_png(pixels)) == pixels).all()


def test_the_largest_picture_allowed_needs_little_memory() -> None:
    data = encoded(Image.new("RGBA", (7000, 7000), (10, 20, 30, 40)), compress_level=1)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert decode_image(data).shape == (256, 256, 3)
    # Kilobytes; making the picture above needed as much as decoding may.
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 512_000
