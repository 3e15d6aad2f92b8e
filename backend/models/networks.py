"""Networks of our own, from the smallest up; the task files build them by name."""

import torch
from torch import Tensor, nn


class MLP(nn.Module):
    """Two linear layers with a ReLU between: 784-128-10 on MNIST, the classic first network."""

    def __init__(self, channels: int, size: int, classes: int, hidden: int = 128) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Flatten(),
            nn.Linear(channels * size * size, hidden),
            nn.ReLU(),
            nn.Linear(hidden, classes),
        )

    def forward(self, images: Tensor) -> Tensor:
        """Scores [b, classes] of images [b, channels, size, size]."""
        return self.layers(images)


def _convolutions(channels: int, width: int) -> nn.Sequential:
    """Two 3x3 convolutions with batch norm, then half the height and width."""
    layers: list[nn.Module] = []
    for inputs in (channels, width):
        # The batch norm that follows has a bias of its own.
        layers += [nn.Conv2d(inputs, width, 3, padding=1, bias=False), nn.BatchNorm2d(width)]
        layers += [nn.ReLU(inplace=True)]
    return nn.Sequential(*layers, nn.MaxPool2d(2, ceil_mode=True))


class CNN(nn.Module):
    """Three blocks of convolutions and an average over the picture: any size from 8 x 8."""

    def __init__(self, channels: int, classes: int, width: int = 16, bands: int = 1) -> None:
        """bands: how many heights are told apart; one where a thing may be anywhere."""
        super().__init__()
        self.features = nn.Sequential(
            _convolutions(channels, width),
            _convolutions(width, 2 * width),
            _convolutions(2 * width, 4 * width),
            nn.AdaptiveAvgPool2d((bands, 1)),
            nn.Flatten(),
        )
        self.head = nn.Sequential(nn.Dropout(0.2), nn.Linear(4 * width * bands, classes))

    def forward(self, images: Tensor) -> Tensor:
        """Scores [b, classes] of images [b, channels, height, width]."""
        return self.head(self.features(images))


class EmbeddingBagClassifier(nn.Module):
    """The mean of the tokens' vectors, then one linear layer; word order does not matter.

    Method: fastText (Joulin et al., 2016). Id 0 is padding and has no part in the mean.
    """

    def __init__(self, vocabulary: int, classes: int, width: int = 64) -> None:
        super().__init__()
        self.embedding = nn.EmbeddingBag(vocabulary, width, mode="mean", padding_idx=0)
        self.head = nn.Linear(width, classes)

    def forward(self, input_ids: Tensor, attention_mask: Tensor) -> Tensor:
        """Scores [b, classes] of token ids [b, length]; padding is told by its id, not the mask."""
        return self.head(self.embedding(input_ids))


class RecurrentClassifier(nn.Module):
    """An LSTM or GRU that reads the text in both directions, and the mean of its states.

    Two one-way layers instead of a bidirectional one: the second reads each text turned round
    within its own length, so padding never enters a state and nothing has to be packed.
    """

    def __init__(
        self,
        cell: type[nn.LSTM] | type[nn.GRU],
        vocabulary: int,
        classes: int,
        width: int = 96,
        hidden: int = 96,
    ) -> None:
        super().__init__()
        self.embedding = nn.Embedding(vocabulary, width, padding_idx=0)
        self.forwards = cell(width, hidden, batch_first=True)
        self.backwards = cell(width, hidden, batch_first=True)
        self.dropout = nn.Dropout(0.3)
        self.head = nn.Linear(2 * hidden, classes)

    def forward(self, input_ids: Tensor, attention_mask: Tensor) -> Tensor:
        """Scores [b, classes] of token ids [b, length] and their mask (1 = token)."""
        turn = turned(attention_mask)
        states = torch.cat(
            [
                self.forwards(self.dropout(self.embedding(input_ids)))[0],
                self.backwards(self.dropout(self.embedding(input_ids.gather(1, turn))))[0],
            ],
            dim=2,
        )
        return self.head(self.dropout(masked_mean(states, attention_mask)))


class TransformerClassifier(nn.Module):
    """A small Transformer encoder (Vaswani et al., 2017; norm first) with learned positions."""

    def __init__(
        self,
        vocabulary: int,
        classes: int,
        max_length: int,
        width: int = 128,
        heads: int = 4,
        layers: int = 2,
    ) -> None:
        super().__init__()
        self.embedding = nn.Embedding(vocabulary, width, padding_idx=0)
        self.positions = nn.Parameter(torch.randn(max_length, width) * 0.02)
        nn.init.normal_(self.embedding.weight, std=0.02)
        layer = nn.TransformerEncoderLayer(
            width, heads, 2 * width, dropout=0.1, batch_first=True, norm_first=True
        )
        # Nested tensors need norm_first=False; without them eval and train compute alike.
        self.encoder = nn.TransformerEncoder(
            layer, layers, norm=nn.LayerNorm(width), enable_nested_tensor=False
        )
        self.head = nn.Sequential(nn.Dropout(0.1), nn.Linear(width, classes))

    def forward(self, input_ids: Tensor, attention_mask: Tensor) -> Tensor:
        """Scores [b, classes] of token ids [b, length <= max_length] and their mask (1 = token)."""
        states = self.embedding(input_ids) + self.positions[: input_ids.shape[1]]
        states = self.encoder(states, src_key_padding_mask=attention_mask == 0)
        return self.head(masked_mean(states, attention_mask))


class MeanPoolingClassifier(nn.Module):
    """A text encoder, the mean of its tokens' vectors, and one linear layer.

    As sentence encoders are trained (Sentence-BERT: Reimers and Gurevych, 2019).
    """

    def __init__(self, encoder: nn.Module, width: int, classes: int) -> None:
        super().__init__()
        self.encoder = encoder
        self.head = nn.Sequential(nn.Dropout(0.1), nn.Linear(width, classes))

    def forward(self, input_ids: Tensor, attention_mask: Tensor) -> Tensor:
        """Scores [b, classes] of token ids [b, length] and their mask (1 = token)."""
        states = self.encoder(input_ids=input_ids, attention_mask=attention_mask)[0]
        return self.head(masked_mean(states, attention_mask))


def masked_mean(states: Tensor, attention_mask: Tensor) -> Tensor:
    """The mean over the tokens [b, width] of states [b, length, width], padding left out."""
    mask = attention_mask.unsqueeze(2).to(states.dtype)
    return (states * mask).sum(dim=1) / mask.sum(dim=1).clamp(min=1)


def turned(attention_mask: Tensor) -> Tensor:
    """Places [b, length] that turn each text round within its own length; padding stays behind."""
    lengths = attention_mask.sum(dim=1, keepdim=True)
    places = torch.arange(attention_mask.shape[1], device=attention_mask.device)
    return torch.where(places < lengths, lengths - 1 - places, places)
