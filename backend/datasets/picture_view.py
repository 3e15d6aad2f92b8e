"""A user's picture as people look at it: its full size, and a copy that a page can show."""

import io

from backend.datasets.images import FORMATS, decode_image

LONGEST = 1280
"""Pixels of the longer side of a copy to look at."""
QUALITY = 88


def upright_size(data: bytes, height: int, width: int) -> tuple[int, int]:
    """Height and width of a picture file's upright picture, before decode_image shrank it.

    height, width: what decode_image gave, which is upright; the file's own may lie on its side.
    """
    from PIL import Image

    with Image.open(io.BytesIO(data), formats=FORMATS) as image:
        across, down = image.size
    lying = abs(width * across - height * down) < abs(width * down - height * across)
    return (across, down) if lying else (down, across)


def shown_picture(data: bytes) -> tuple[bytes, int, int]:
    """An upright JPEG copy without metadata, and height and width that the full picture has.

    Raises DataError where the file is no picture that can be read.
    """
    from PIL import Image, ImageOps

    decoded = decode_image(data)  # all checks are there: nothing else is opened
    height, width = upright_size(data, *decoded.shape[:2])
    with Image.open(io.BytesIO(data), formats=FORMATS) as image:
        upright = ImageOps.exif_transpose(image).convert("RGBA")
    upright.thumbnail((LONGEST, LONGEST), Image.Resampling.LANCZOS)
    white = Image.new("RGBA", upright.size, "white")
    buffer = io.BytesIO()
    Image.alpha_composite(white, upright).convert("RGB").save(buffer, "JPEG", quality=QUALITY)
    return buffer.getvalue(), height, width
