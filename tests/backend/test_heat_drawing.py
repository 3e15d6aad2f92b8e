"""Heat maps and covered parts: what is bright where the values are high, what is hidden."""

import base64
import io

import numpy as np
from PIL import Image

from backend.heat_drawing import SIDE, covered_picture, heat_picture


def grey(height: int, width: int) -> str:
    buffer = io.BytesIO()
    Image.new("L", (width, height), 100).save(buffer, "PNG")
    return base64.b64encode(buffer.getvalue()).decode()


def pixels(data: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(data)).convert("RGB")).astype(int)


def test_only_where_the_values_are_high_there_is_colour() -> None:
    shown = pixels(heat_picture(grey(8, 16), [[0.0, 0.0, 0.0, 1.0]]))
    assert shown.shape == (SIDE // 2, SIDE, 3)
    assert shown[:, 0].tolist() == [[100, 100, 100]] * (SIDE // 2)
    red, _, blue = shown[0, -1]
    assert red > blue + 80


def test_the_covered_part_is_hidden_and_the_rest_stays() -> None:
    shown = pixels(covered_picture(grey(10, 10), [0.5, 0.0, 1.0, 0.5]))
    assert shown[SIDE - 5, 5].tolist() == [100, 100, 100]
    assert shown[SIDE // 4, SIDE * 3 // 4].tolist() != [100, 100, 100]
