"""The safe decoder of pictures, used by imports and by the playground alike, and PNG encoding."""

import io
import threading
import warnings
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from backend import settings
from backend.errors import DataError

if TYPE_CHECKING:
    from PIL import Image

FORMATS = ("PNG", "JPEG", "WEBP", "BMP", "DIB", "GIF", "TIFF")
"""An allow-list: Pillow would call Ghostscript for EPS."""
NAMES = "PNG, JPEG, WebP, BMP, GIF or TIFF"
SHORTER, LONGER = 256, 1024
"""Pictures are shrunk until their sides are at most this long, in pixels."""
LARGE = 4_000_000
"""Pictures with more pixels are decoded one at a time, to bound the memory of several threads."""
ORIENTATION = 0x0112

_large_picture = threading.Lock()


@dataclass(frozen=True, slots=True)
class Picture:
    """A decoded picture, and how it lay in its file: pixels, EXIF orientation (1 to 8)."""

    pixels: NDArray[np.uint8]
    width: int
    height: int
    orientation: int


def decode_image(data: bytes) -> NDArray[np.uint8]:
    """The picture in a file's bytes as uint8 [height, width, channels], channels 1 or 3.

    Upright as its EXIF orientation says, transparent parts white, shrunk to at most 256 pixels on
    the shorter and 1024 on the longer side (smaller ones unchanged), first frame of several. No
    metadata is kept. Raises DataError with a sentence that names the rule; callers add the file.
    """
    return decode_picture(data).pixels


def decode_picture(data: bytes) -> Picture:
    """What decode_image gives, with what boxes in it must be turned and scaled by."""
    from PIL import Image, UnidentifiedImageError

    if not data:
        raise DataError("The picture is empty (0 bytes).")
    _quieten()
    try:
        image = Image.open(io.BytesIO(data), formats=FORMATS)
    except UnidentifiedImageError:
        raise DataError(_not_a_picture(data)) from None
    except Image.DecompressionBombError:
        raise DataError(_too_large("more than 178 million pixels")) from None
    except Exception as error:
        raise DataError(_damaged(error)) from None
    with image:
        width, height = image.size
        if width * height > settings.MAX_IMAGE_PIXELS.value():
            raise DataError(_too_large(f"{width:,} x {height:,} pixels"))
        try:
            before = 1
            if image.format == "TIFF":
                # Pillow turns TIFF while it loads, forgets that it did, and says the size after it.
                before = _orientation(image)
                width, height = (height, width) if before >= 5 else (width, height)
            if width * height > LARGE:
                with _large_picture:
                    pixels, turned = _upright(image)
            else:
                pixels, turned = _upright(image)
            return Picture(pixels, width, height, max(before, turned))
        except MemoryError:
            raise
        # Pillow's decoders raise whatever they meet: OSError, SyntaxError, struct.error, ...
        except Exception as error:
            raise DataError(_damaged(error)) from None


@cache
def _quieten() -> None:
    """Our own limit on pixels is far below the one that Pillow only warns at."""
    from PIL import Image

    warnings.filterwarnings("ignore", category=Image.DecompressionBombWarning)


def encode_png(array: NDArray[np.uint8]) -> bytes:
    """A PNG file without metadata from uint8 [height, width, channels], channels 1 or 3."""
    from PIL import Image

    pixels = array[:, :, 0] if array.shape[2] == 1 else array
    buffer = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(pixels)).save(buffer, "PNG", compress_level=1)
    return buffer.getvalue()


def picture_array(image: "Image.Image") -> NDArray[np.uint8]:
    """What decode_image gives, from a picture that Pillow has opened from a trusted place."""
    return _upright(image)[0]


def _orientation(image: "Image.Image") -> int:
    value = image.getexif().get(ORIENTATION, 1)
    return value if isinstance(value, int) and value in _TURNS else 1


def _upright(image: "Image.Image") -> tuple[NDArray[np.uint8], int]:
    """The pixels, and the orientation that they were turned by."""
    # Decode, shrink, turn upright: in this order, so that little memory is needed.
    from PIL import Image

    scale = min(1.0, SHORTER / min(image.size), LONGER / max(image.size))
    width, height = image.size
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    if image.format == "JPEG" and image.mode in ("L", "RGB", "YCbCr"):
        # Lets the decoder skip detail that shrinking would throw away; 2 x keeps it smooth.
        image.draft(None, (2 * size[0], 2 * size[1]))
    image.load()
    # Asked for after loading: some formats hold it behind the pixels, and Pillow turns TIFF itself.
    orientation = _orientation(image)
    picture = _eight_bit(image)
    if picture.size != size:
        picture = picture.resize(size, Image.Resampling.BICUBIC, reducing_gap=3.0)
    picture = _opaque(picture)
    if orientation != 1:
        picture = picture.transpose(Image.Transpose[_TURNS[orientation]])
    pixels = np.asarray(picture)
    return pixels[:, :, None] if pixels.ndim == 2 else pixels, orientation


_TURNS = {
    2: "FLIP_LEFT_RIGHT",
    3: "ROTATE_180",
    4: "FLIP_TOP_BOTTOM",
    5: "TRANSPOSE",
    6: "ROTATE_270",
    7: "TRANSVERSE",
    8: "ROTATE_90",
}


def _eight_bit(image: "Image.Image") -> "Image.Image":
    """L, LA, RGB, RGBA or CMYK: the modes that can be resized well."""
    from PIL import Image

    if image.mode.startswith(("I", "F")):
        values = np.asarray(image)
        high = float(values.max()) if image.mode in ("I", "F") else 65535.0
        # 32-bit files have no fixed range: 16 bits where that is enough, else their own maximum.
        top = 255.0 if high <= 255 else max(65535.0, high)
        top = 1.0 if image.mode == "F" and high <= 1 else top
        scaled = np.empty(values.shape, np.uint8)
        for row in range(0, len(values), 256):  # in stripes: a float copy is four times as large
            stripe = values[row : row + 256].astype(np.float32) * (255.0 / top)
            scaled[row : row + 256] = np.nan_to_num(stripe).clip(0, 255).round()
        return Image.fromarray(scaled)
    # No conversion where none is needed: each copies all pixels.
    if image.mode in ("LA", "RGBA"):
        return image  # resize() premultiplies: the colour of invisible pixels does not bleed
    if image.mode in ("La", "PA", "RGBa") or "transparency" in image.info:
        return image.convert("RGBA")
    if image.mode == "L":
        return image
    if image.mode == "1":
        return image.convert("L")
    return image if image.mode in ("RGB", "CMYK") else image.convert("RGB")


def _opaque(image: "Image.Image") -> "Image.Image":
    """L or RGB; transparent parts over white."""
    from PIL import Image

    if image.mode in ("LA", "RGBA"):
        image = image.convert("RGBA")
        white = Image.new("RGBA", image.size, "white")
        return Image.alpha_composite(white, image).convert("RGB")
    return image if image.mode in ("L", "RGB") else image.convert("RGB")


def _too_large(size: str) -> str:
    limit = settings.MAX_IMAGE_PIXELS.value() / 1e6
    return f"The picture has {size}; at most {limit:g} million pixels are allowed. Make it smaller."


def _damaged(error: Exception) -> str:
    if "truncated" in str(error):
        return "The picture is cut off: the end of the file is missing."
    return "The picture is damaged and cannot be read."


def _not_a_picture(data: bytes) -> str:
    """Say what the bytes look like instead."""
    start = data[:1024].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    kinds = {
        b"<svg": "an SVG drawing",
        b"<!doctype html": "a web page",
        b"<html": "a web page",
        b"%!ps": "a PostScript file",
        b"\xc5\xd0\xd3\xc6": "a PostScript file",
        b"%pdf": "a PDF file",
        b"pk\x03\x04": "a zip archive",
    }
    kind = next((name for sign, name in kinds.items() if start.startswith(sign)), "")
    if start.startswith(b"<?xml"):
        kind = "an SVG drawing" if b"<svg" in start else "an XML file"
    if data[4:8] == b"ftyp":
        kind = "a HEIC or AVIF picture or a video"
    rule = f"use {NAMES}"
    return (
        f"This is {kind}; {rule}." if kind else f"This is not a picture that can be read; {rule}."
    )
