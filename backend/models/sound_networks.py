"""Networks for recordings as log-mel pictures; the task files build them by name."""

import torch
from torch import Tensor, nn


class SoundGRU(nn.Module):
    """Reads the spectrogram from its beginning to its end and back, and averages what it noted.

    Two convolutions first halve time and shorten the frequencies, so that the GRU (Cho et al.,
    2014) has few steps to take: the convolutional recurrent network of Arik et al. (2017).
    """

    def __init__(self, mels: int, classes: int, width: int = 24, hidden: int = 64) -> None:
        super().__init__()
        self.look = nn.Sequential(
            nn.Conv2d(1, width, 5, stride=(2, 2), padding=2, bias=False),
            nn.BatchNorm2d(width),
            nn.ReLU(inplace=True),
            nn.Conv2d(width, width, 3, stride=(2, 1), padding=1, bias=False),
            nn.BatchNorm2d(width),
            nn.ReLU(inplace=True),
        )
        bands = (mels + 3) // 4  # halved twice, rounded up
        self.read = nn.GRU(width * bands, hidden, batch_first=True, bidirectional=True)
        self.head = nn.Sequential(nn.Dropout(0.3), nn.Linear(2 * hidden, classes))

    def forward(self, features: Tensor) -> Tensor:
        """Scores [b, classes] of features [b, 1, mels, frames]."""
        seen: Tensor = self.look(features)
        frames = seen.permute(0, 3, 1, 2).flatten(2)
        states: Tensor = self.read(frames)[0]
        return self.head(torch.mean(states, dim=1))
