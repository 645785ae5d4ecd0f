"""The segmentation network: a compact encoder-decoder of plain 3x3 convolutions that stays integer-friendly.

    square 512 --planes--> 3 x 512 --unshuffle--> 12 x 256 -> 16 -> 32 x 128 -> 48 x 64 -> 64 x 32 -> 96 x 16
                                                               |        |          |          |         |
    logits 5 x 512 <--shuffle-- 20 x 256 <---------------------16 <---- 32 <------- 48 <------ 64 <-----+

Space-to-depth at the entrance and depth-to-space at the exit keep every pixel (a scratch may be one pixel wide) while
no convolution runs at full resolution.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from endface.contract import CANDIDATE, SQUARE_CENTER_PX, SQUARE_PX, Label

CLASSES = len(Label)
BLOCK = 2
"""Side of the pixel block that becomes channels."""

LOCAL_BLOCKS = 9
"""Side of the box whose mean is the local background, in blocks (9 um): wider than most marks, narrower than the
zones."""

LARGEST_LEAD = 9.0
"""Lead of a mark over the background beyond which a byte shows no difference; four exponentials of it are finite in
half precision."""

LOCAL_SPAN = 6.0
"""The local contrast saturates softly around this many noise deviations."""


def planes(squares: Tensor) -> Tensor:
    """Input planes of the network, independent of the camera's gain and offset.

    Args:
        squares: Gray levels (N, 1, 512, 512), uint8 or float32.

    Returns:
        float32 (N, 3, 512, 512): gray level over the picture's deviation; local contrast over the picture's noise,
        softly limited; distance from the fiber's center, 0 to about 1.4.
    """
    gray = squares.float()
    centered = gray - gray.mean(dim=(2, 3), keepdim=True)
    deviation = (centered * centered).mean(dim=(2, 3), keepdim=True).sqrt() + 1.0
    smooth = functional.avg_pool2d(gray, 3, stride=1, padding=1, count_include_pad=False)
    noise = (gray - smooth).abs().mean(dim=(2, 3), keepdim=True) + 0.3
    halved = functional.avg_pool2d(gray, BLOCK)
    local = functional.avg_pool2d(halved, LOCAL_BLOCKS, stride=1, padding=LOCAL_BLOCKS // 2, count_include_pad=False)
    background = functional.interpolate(local, scale_factor=float(BLOCK), mode="nearest")
    contrast = (gray - background) / (noise * LOCAL_SPAN)
    contrast = 2 * contrast / (1 + contrast.abs())
    return torch.cat((centered / deviation, contrast, radius().expand_as(gray)), dim=1)


def radius() -> Tensor:
    """Distance of each pixel from the fiber's center in half sides of the square, float32 (1, 1, 512, 512)."""
    axis = (torch.arange(SQUARE_PX, dtype=torch.float32) - SQUARE_CENTER_PX) / (SQUARE_PX / 2)
    squared = axis.square()
    return (squared[None, :] + squared[:, None]).sqrt()[None, None]


def to_blocks(inputs: Tensor) -> Tensor:
    """``torch.pixel_unshuffle`` by strided slices, which ONNX Runtime copies four times as fast as its transpose."""
    corners = [inputs[:, :, row::BLOCK, column::BLOCK] for row in range(BLOCK) for column in range(BLOCK)]
    return torch.stack(corners, dim=2).flatten(1, 2)


class Conv(nn.Sequential):
    """3x3 convolution, batch normalization, ReLU."""

    def __init__(self, channels_in: int, channels_out: int, *, stride: int = 1, dilation: int = 1):
        super().__init__(
            nn.Conv2d(channels_in, channels_out, 3, stride, padding=dilation, dilation=dilation, bias=False),
            nn.BatchNorm2d(channels_out),
            nn.ReLU(inplace=True),
        )


class Residual(nn.Module):
    """Two convolutions around which the input is added."""

    def __init__(self, channels: int, *, dilation: int = 1):
        super().__init__()
        self.first = Conv(channels, channels, dilation=dilation)
        self.second = nn.Sequential(
            nn.Conv2d(channels, channels, 3, padding=dilation, dilation=dilation, bias=False), nn.BatchNorm2d(channels)
        )

    def forward(self, features: Tensor) -> Tensor:
        """Features (N, C, H, W) to the same shape."""
        return functional.relu(features + self.second(self.first(features)))


class Up(nn.Module):
    """Widen the coarse features, add the skip, convolve once."""

    def __init__(self, coarse: int, fine: int):
        super().__init__()
        self.narrow = nn.Sequential(nn.Conv2d(coarse, fine, 1, bias=False), nn.BatchNorm2d(fine))
        self.merge = Conv(fine, fine)

    def forward(self, coarse: Tensor, skip: Tensor) -> Tensor:
        """Coarse (N, C, H, W) and skip (N, F, 2H, 2W) to (N, F, 2H, 2W)."""
        widened = functional.interpolate(self.narrow(coarse), scale_factor=2.0, mode="nearest")
        merged: Tensor = self.merge(functional.relu(widened + skip))
        return merged


class SegmentationNetwork(nn.Module):
    """Planes (N, 3, H, W) to logits in blocks (N, 5 x 4, H/2, W/2); H and W are multiples of 32.

    The logits' channel is ``class * 4 + place in the 2x2 block``: ``torch.pixel_shuffle`` makes them (N, 5, H, W).

    Args:
        widths: Channels of the levels, finest first.
    """

    def __init__(self, widths: tuple[int, ...]):
        super().__init__()
        finest, *coarser = widths
        self.stem = Conv(3 * BLOCK**2, finest)
        self.downs = nn.ModuleList(
            nn.Sequential(Conv(fine, coarse, stride=2), Residual(coarse) if level else Conv(coarse, coarse))
            for level, (fine, coarse) in enumerate(zip(widths[:-1], coarser, strict=True))
        )
        self.ups = nn.ModuleList(Up(coarse, fine) for coarse, fine in zip(coarser[::-1], widths[-2::-1], strict=True))
        self.head = nn.Conv2d(finest, CLASSES * BLOCK**2, 1)
        with torch.no_grad():  # nearly everything is background: start there
            self.head_bias.view(CLASSES, -1)[Label.BACKGROUND] = 3.0

    @property
    def head_bias(self) -> Tensor:
        """Bias of the logits, (20,): what the network says where it sees nothing."""
        assert self.head.bias is not None
        return self.head.bias

    def forward(self, inputs: Tensor) -> Tensor:
        """Planes (N, 3, H, W) to block logits (N, 20, H/2, W/2)."""
        features = self.stem(to_blocks(inputs))
        skips = []
        for down in self.downs:
            skips.append(features)
            features = down(features)
        for up in self.ups:
            features = up(features, skips.pop())
        logits: Tensor = self.head(features)
        return logits


class SegmentGraph(nn.Module):
    """The whole graph of the model ``segment``: squares in, label map and the probability of a mark out.

    Both are computed on the block logits, before depth-to-space, so that only bytes are moved at full resolution.
    """

    def __init__(self, network: SegmentationNetwork):
        super().__init__()
        self.network = network

    def forward(self, squares: Tensor) -> tuple[Tensor, Tensor]:
        """Squares uint8 (N, 1, 512, 512) to labels and confidence, both uint8 (N, 512, 512), as the contract says."""
        background, *marks = self.network(planes(squares)).split(BLOCK**2, dim=1)
        best, label = marks[0], torch.ones_like(marks[0])
        odds = torch.zeros_like(background)
        for code, logit in enumerate(marks, start=1):
            label = torch.where(logit > best, float(code), label)
            best = torch.maximum(best, logit)
            odds = odds + torch.exp((logit - background).clamp(max=LARGEST_LEAD))
        confidence = torch.round(255 * odds / (1 + odds))
        label = torch.where(confidence >= float(CANDIDATE), label, 0.0)
        both = torch.cat((label, confidence), dim=1)
        labels, confidences = functional.pixel_shuffle(both.to(torch.uint8), BLOCK).unbind(dim=1)
        return labels, confidences
