"""Two photographs of people for the face check: both by US authorities, in the public domain."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

FOLDER = Path(__file__).parent / "people"
"""grace_hopper.jpg: US Navy, 1984. eileen_collins.jpg: NASA, 1999."""


def photographs() -> list[NDArray[np.uint8]]:
    """Pictures, uint8 [h, w, 3]."""
    return [np.asarray(Image.open(path)) for path in sorted(FOLDER.glob("*.jpg"))]
