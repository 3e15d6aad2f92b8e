"""A picture in cells, and covering some of them: explanations of pictures are measured so."""

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812 - its name everywhere


@dataclass(frozen=True)
class Cells:
    """A grid over pictures of height x width pixels; a cell is at least a pixel."""

    height: int
    width: int
    rows: int
    columns: int

    @classmethod
    def over(cls, height: int, width: int, most: int) -> "Cells":
        """As square as possible, with `most` cells along the longer side."""
        longer = max(height, width)
        count = min(most, longer)
        return cls(
            height, width, max(1, round(count * height / longer)),
            max(1, round(count * width / longer)),
        )  # fmt: skip

    @property
    def count(self) -> int:
        return self.rows * self.columns

    def masks(self, chosen: Tensor) -> Tensor:
        """Cells as pixels: bool [b, rows, columns] in, bool [b, height, width] out."""
        row = torch.arange(self.height, device=chosen.device) * self.rows // self.height
        column = torch.arange(self.width, device=chosen.device) * self.columns // self.width
        return chosen[:, row][:, :, column]

    def of_numbers(self, numbers: Tensor) -> Tensor:
        """The given cells (numbers below count) as a choice, bool [rows, columns]."""
        chosen = torch.zeros(self.count, dtype=torch.bool)
        chosen[numbers] = True
        return chosen.view(self.rows, self.columns)

    def means(self, values: Tensor) -> Tensor:
        """A map of any size [h, w] as one mean per cell, [rows, columns]."""
        enlarged = F.interpolate(
            values[None, None], size=(self.height, self.width), mode="bilinear", align_corners=False
        )[0, 0]
        masks = self.masks(
            torch.eye(self.count, dtype=torch.bool).view(-1, self.rows, self.columns)
        )
        flat = masks.flatten(1).float()
        return (flat @ enlarged.flatten().cpu() / flat.sum(dim=1)).view(self.rows, self.columns)

    def corners(self, chosen: Tensor) -> list[float]:
        """The smallest box around a choice: x1, y1, x2, y2 as shares of width and height."""
        rows, columns = chosen.any(dim=1).nonzero()[:, 0], chosen.any(dim=0).nonzero()[:, 0]
        return [
            round(int(columns[0]) / self.columns, 4), round(int(rows[0]) / self.rows, 4),
            round((int(columns[-1]) + 1) / self.columns, 4),
            round((int(rows[-1]) + 1) / self.rows, 4),
        ]  # fmt: skip

    def windows(self, side: int, step: int = 1, beyond: int = 0) -> Tensor:
        """All squares of side x side cells, bool [n, rows, columns]; beyond: over the edge."""
        found = []
        for top in range(-beyond, self.rows - side + beyond + 1, step):
            for left in range(-beyond, self.columns - side + beyond + 1, step):
                chosen = torch.zeros(self.rows, self.columns, dtype=torch.bool)
                chosen[max(0, top) : top + side, max(0, left) : left + side] = True
                found.append(chosen)
        return torch.stack(found)


def border_colour(image: Tensor) -> Tensor:
    """What stands for "nothing there": the mean of a picture's outermost pixels, [c, 1, 1]."""
    edge = torch.cat([image[:, 0], image[:, -1], image[:, :, 0], image[:, :, -1]], dim=1)
    return edge.mean(dim=1)[:, None, None]


def cover(image: Tensor, masks: Tensor, colour: Tensor) -> Tensor:
    """Copies of a picture [c, h, w] with what masks [b, h, w] name in one colour, [b, c, h, w]."""
    return torch.where(masks[:, None].to(image.device), colour, image[None])
