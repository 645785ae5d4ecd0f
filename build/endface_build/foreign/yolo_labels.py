"""What a YOLO network's outputs mean, as a graph: boxes, classes and mask coefficients beside prototypes to label maps.

A candidate speaks for its best class alone.  Those below the threshold, and those that lie too much on a better one of
their class, are left out; of the rest the most certain lies on top.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from endface.contract import SQUARE_PX
from endface_build.foreign.read_network import Foreign
from endface_build.foreign.wrap import letterboxed, numbers
from endface_build.foreign.yolo_heads import STRIDE, Heads

MOST_OBJECTS: Final = 300
"""The most certain objects of a face that are painted: the bound of YOLO's own predictor."""


@dataclass(frozen=True)
class Settings:
    """Which candidates count; the defaults are those of YOLO's own predictor.

    Attributes:
        confidence: The least score.
        overlap: Intersection over union from which on the weaker of two boxes of a class is dropped.
    """

    confidence: float = 0.25
    overlap: float = 0.7


def to_labels(network: Foreign, heads: Heads, codes: tuple[int, ...], settings: Settings) -> str:
    """ONNX text of the way from the two outputs to ``labels`` and ``confidence``.

    Args:
        network: The network.
        heads: Its outputs; they go into ``candidates`` and ``prototypes``.
        codes: Our label for each class; 0 for those that are not painted.
        settings: Which candidates count.
    """
    inner = letterboxed(network.image)
    return _DECODER.format(
        side=SQUARE_PX,
        end=SQUARE_PX + 0.5,
        classes=heads.classes,
        masks=heads.masks,
        parts=numbers(4, heads.classes, heads.masks),
        wanted=numbers(*(float(code > 0) for code in codes)),
        codes=numbers(*codes),
        most=MOST_OBJECTS,
        confidence=settings.confidence,
        overlap=settings.overlap,
        corner=numbers(float(inner.left), float(inner.top)),
        enlarged=SQUARE_PX / inner.width,
        begin=numbers(inner.top // STRIDE, inner.left // STRIDE),
        stop=numbers((inner.top + inner.height) // STRIDE, (inner.left + inner.width) // STRIDE),
        grid=numbers(1, 1, inner.height // STRIDE, inner.width // STRIDE),
    )


_DECODER: Final = """
after (float[1,rows,count] candidates, float[1,{masks},height,width] prototypes)
    => (uint8[{side},{side}] labels, uint8[{side},{side}] confidence)
<int64[1] zero = {{0}}, int64[1] one = {{1}}, int64[1] two = {{2}}, int64[2] image_axes = {{2, 3}},
 int64[3] parts = {parts}, int64[1] classes = {{{classes}}}, float[2] off_on = {{0.0, 1.0}},
 float[1,{classes},1] wanted = {wanted}, uint8[{classes}] codes = {codes},
 int64[1] most = {{{most}}}, float[1] overlap = {{{overlap}}}, float[1] threshold = {{{confidence}}},
 float[1] half = {{0.5}}, float[2] corner = {corner}, float[1] enlarged = {{{enlarged}}}, float[1] byte = {{255.0}},
 int64[2] begin = {begin}, int64[2] stop = {stop}, int64[2] flat = {{{masks}, -1}}, int64[4] grid = {grid},
 int64[4] wide = {{1, 1, {side}, {side}}}, int64[2] square = {{{side}, {side}}},
 int64[2] column = {{-1, 1}}, int32[1] nothing = {{0}}, uint8[1] background = {{0}}, uint8[1] certain = {{255}},
 bool[1] yes = {{1}}>
{{
    # A candidate speaks for its best class alone, and only where that means something to us.
    every = Cast <to = 1> (candidates)
    boxes, scores, coefficients = Split <axis = 1> (every, parts)
    best = ArgMax <axis = 1, keepdims = 0> (scores)
    chosen = OneHot <axis = 1> (best, classes, off_on)
    speaking = Mul (chosen, wanted)
    spoken = Mul (scores, speaking)

    # The objects, the most certain first.
    places = Transpose <perm = [0, 2, 1]> (boxes)
    picked = NonMaxSuppression <center_point_box = 1> (places, spoken, most, overlap, threshold)
    found = GatherND (spoken, picked)
    number = Shape (found)
    count = Min (number, most)
    score, order = TopK <axis = 0> (found, count)
    of_class = Gather <axis = 1> (picked, one)
    of_candidate = Gather <axis = 1> (picked, two)
    classes_flat = Squeeze (of_class, one)
    candidates_flat = Squeeze (of_candidate, one)
    class = Gather (classes_flat, order)
    candidate = Gather (candidates_flat, order)
    code = Gather (codes, class)
    full = Mul (score, byte)
    rounded = Round (full)
    certainty = Cast <to = 2> (rounded)

    # Their boxes in pixels of the square, and their coefficients.
    all_places = Squeeze (places, zero)
    place = Gather (all_places, candidate)
    two_two = Concat <axis = 0> (two, two)
    centre, size = Split <axis = 1> (place, two_two)
    reach = Mul (size, half)
    low = Sub (centre, reach)
    high = Add (centre, reach)
    low_inside = Sub (low, corner)
    high_inside = Sub (high, corner)
    low_px = Mul (low_inside, enlarged)
    high_px = Mul (high_inside, enlarged)
    box = Concat <axis = 1> (low_px, high_px)
    turned = Transpose <perm = [0, 2, 1]> (coefficients)
    all_weights = Squeeze (turned, zero)
    weight = Gather (all_weights, candidate)

    # The prototypes where the square lies, and the middles of its pixels.
    exact = Cast <to = 1> (prototypes)
    inner = Slice (exact, begin, stop, image_axes)
    basis = Reshape (inner, flat)
    first = Constant <value_float = 0.5> ()
    last = Constant <value_float = {end}> ()
    step = Constant <value_float = 1.0> ()
    across = Range (first, last, step)
    down = Reshape (across, column)

    # One object after the other takes the pixels that none has taken yet: owners count from 1, 0 is nobody.
    ones = Constant <value_ints = [1, 1, 1, 1]> ()
    nobody = Expand (nothing, square)
    trips = Squeeze (count, zero)
    go = Squeeze (yes, zero)
    owners = Loop (trips, go, nobody) <body =
        take (int64 index, bool going, int32[{side},{side}] taken) => (bool still, int32[{side},{side}] taken_after)
        {{
            still = Identity (going)
            row = Unsqueeze (index, zero)
            own_weight = Gather (weight, row)
            mixed = MatMul (own_weight, basis)
            likely = Sigmoid (mixed)
            small = Reshape (likely, grid)
            large = Resize <mode = "linear", coordinate_transformation_mode = "half_pixel"> (small, , , wide)
            mask = Reshape (large, square)
            in_mask = Greater (mask, half)
            own_box = Gather (box, row)
            edges = Squeeze (own_box, zero)
            left, top, right, bottom = Split <axis = 0> (edges, ones)
            from_left = GreaterOrEqual (across, left)
            to_right = Less (across, right)
            in_columns = And (from_left, to_right)
            from_top = GreaterOrEqual (down, top)
            to_bottom = Less (down, bottom)
            in_rows = And (from_top, to_bottom)
            in_box = And (in_columns, in_rows)
            in_object = And (in_mask, in_box)
            free = Equal (taken, nothing)
            here = And (in_object, free)
            following = Add (row, one)
            owner = Cast <to = 6> (following)
            taken_after = Where (here, owner, taken)
        }}>
    codes_of_owners = Concat <axis = 0> (background, code)
    certainties_of_owners = Concat <axis = 0> (certain, certainty)
    labels = Gather (codes_of_owners, owners)
    confidence = Gather (certainties_of_owners, owners)
}}"""
