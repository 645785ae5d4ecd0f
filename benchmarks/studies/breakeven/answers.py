"""What the study says, in sentences made from its figures: nothing in them is decided before they are known."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from benchmarks.common.origin import Json
from benchmarks.studies.breakeven.arrangements import (
    ALONE,
    CLIENT,
    CLIENT_FLOAT32,
    CLIENT_SHARED,
    ENSEMBLE,
    ENSEMBLE_BMP,
    ENSEMBLE_PNG,
    ENSEMBLE_SHARED,
    FUSED_MODEL,
    Arrangement,
)
from benchmarks.studies.breakeven.figures import (
    BETWEEN_BYTES,
    MIB,
    Ratio,
    break_even_ms,
    hop_figures,
    median,
    phases,
    throughput_ratio,
    time_ratio,
)
from endface.contract import SQUARE_PX, Label

_KIB: Final = 1024
_MAP_BYTES: Final = 4 * SQUARE_PX**2
"""A map of the square in float32."""

_GIGABIT: Final = 125_000_000
"""Bytes a second each way on the network that most lines have."""


def answers(record: Json) -> list[str]:
    """A paragraph on each question, in Markdown; those whose figures are missing are left out."""
    return [*_server_or_client(record), *_hop(record), *_shared(record), *_float32(record), *_upload(record)]


def _server_or_client(record: Json) -> Iterator[str]:
    """Is it right to put pre- and post-processing in the server?"""
    there, here = (_one(record, each) for each in (ENSEMBLE, CLIENT))
    if not there or not here:
        return
    relief = there["server_ms"] / here["server_ms"]
    both = (here["client_ms"] + here["server_ms"]) / (there["client_ms"] + there["server_ms"])
    cores = record["machine"]["cores"]
    yield (
        f"**Server or client?** With pre- and post-processing in the client a picture costs the server "
        f"{here['server_ms']:.1f} ms of its processor instead of {there['server_ms']:.1f}, the client "
        f"{here['client_ms']:.1f} ms instead of {there['client_ms']:.1f}, both together {both:.2f} times as much. "
        f"{_compare('With server and client on one machine', record, CLIENT, ENSEMBLE)} "
        f"A server whose stations have processors of their own could answer {relief:.2f} times as many pictures: with "
        f"these {cores} cores at most {cores * 1000 / here['server_ms']:.0f} instead of "
        f"{cores * 1000 / there['server_ms']:.0f} a second. "
        f"The line carries {_traffic(here) / _KIB:.0f} KiB a picture instead of {_traffic(there) / _KIB:.0f}, so a "
        f"gigabit of it is full at {_line_rate(here):.0f} pictures a second instead of {_line_rate(there):.0f}. "
        + (
            "Moving them pays where the server is full, the stations' processors are idle, and the line is not."
            if relief > 1
            else "Moving them does not relieve the server: they belong in it."
        )
    )


def _hop(record: Json) -> Iterator[str]:
    """What does the hop of an ensemble cost, and when does that not matter?"""
    hop, alone = hop_figures(record), _one(record, ALONE)
    if not hop or not alone:
        return
    rest_ms = alone["p50_ms"] - alone["network_ms"]
    limits = " and ".join(_limit(share, break_even_ms(hop["measured_ms"], rest_ms, share)) for share in (0.1, 0.05))
    yield (
        f"**The hop of an ensemble.** A Python step that does nothing takes {hop['step_ms']:.2f} ms, and "
        f"{hop['mib_ms']:.2f} ms more for a MiB into it and out of it. That predicts {hop['predicted_ms']:.1f} ms for "
        f"the two steps and {BETWEEN_BYTES // _KIB} KiB that the ensemble has more than one fused model. Steps that do "
        f"nothing took {hop['measured_ms']:.1f} ms for them, with {hop['processor_ms']:.1f} ms of the server's "
        f"processor. {_compare('The fused model', record, FUSED_MODEL, ENSEMBLE)} "
        f"Without a server, pre- and post-processing take {rest_ms:.1f} ms here and the network "
        f"{alone['network_ms']:.1f} ms; the hops add less than {limits}."
    )


def _limit(share: float, network_ms: float) -> str:
    """From which network on the hops are less than a share."""
    where = f"where the network takes {network_ms:.0f} ms or more" if network_ms else "whatever the network takes"
    return f"{share:.0%} {where}"


def _shared(record: Json) -> Iterator[str]:
    """Does shared memory pay for clients on the same machine?"""
    lines = [
        _compare(what, record, shared, plain)
        for what, shared, plain in (
            ("An encoded picture", ENSEMBLE_SHARED, ENSEMBLE),
            ("Square and label map", CLIENT_SHARED, CLIENT),
        )
    ]
    yield (
        f"**Shared memory instead of gRPC.** {' '.join(lines)} "
        "A report comes through gRPC in either case: its length is not known beforehand."
    )


def _float32(record: Json) -> Iterator[str]:
    """What does float32 on the wire cost?"""
    wide, narrow = (_one(record, each) for each in (CLIENT_FLOAT32, CLIENT))
    if not wide or not narrow:
        return
    added = {key: wide[key] - narrow[key] for key in ("p50_ms", "client_ms", "server_ms")}
    yield (
        f"**float32 on the wire.** The same three tensors in four bytes, {_traffic(wide) / _KIB:.0f} KiB instead of "
        f"{_traffic(narrow) / _KIB:.0f}: {added['p50_ms']:+.1f} ms a picture, {added['client_ms']:+.1f} ms of the "
        f"client's processor and {added['server_ms']:+.1f} ms of the server's. "
        f"{_compare('Against bytes', record, CLIENT_FLOAT32, CLIENT)} "
        f"Scores of all classes, which many send, would be {len(Label) * _MAP_BYTES / MIB:.0f} MiB back instead of "
        f"{wide['received'] / MIB:.0f}."
    )


def _upload(record: Json) -> Iterator[str]:
    """Which encoding should a picture come in?"""
    jpeg = _one(record, ENSEMBLE)
    if not jpeg:
        return
    lines = [
        f"{name} ({each['sent'] / _KIB:.0f} KiB) takes {each['p50_ms'] - jpeg['p50_ms']:+.1f} ms a picture and "
        f"{each['server_ms'] - jpeg['server_ms']:+.1f} ms of the server's processor"
        for name, arrangement in (("PNG", ENSEMBLE_PNG), ("raw gray", ENSEMBLE_BMP))
        if (each := _one(record, arrangement))
    ]
    if lines:
        yield f"**The upload.** Against JPEG ({jpeg['sent'] / _KIB:.0f} KiB), {'; '.join(lines)}."


def _one(record: Json, arrangement: Arrangement) -> dict[str, float]:
    """Medians of an arrangement at one station; empty where it answered nothing."""
    rows = phases(record, arrangement, 1)
    keys = ("p50_ms", "network_ms", "client_ms", "server_ms", "sent", "received")
    found = {key: value for key in keys if (value := median(rows, key)) is not None}
    return found if len(found) == len(keys) else {}


def _compare(what: str, record: Json, one: Arrangement, other: Arrangement) -> str:
    """Time and throughput of one arrangement over another, and whether all rounds agree that they differ."""
    ratios = {
        "the time of a picture": time_ratio(record, one, other),
        "the throughput": throughput_ratio(record, one, other),
    }
    return f"{what}: {', '.join(f'{key} is {_times(ratio)}' for key, ratio in ratios.items())}."


def _times(ratio: Ratio | None) -> str:
    if ratio is None:
        return "not known"
    span = f"{ratio.median:.2f}-fold ({ratio.low:.2f} to {ratio.high:.2f})"
    return span if ratio.is_seen else f"{span}, so no effect was seen"


def _traffic(one: dict[str, float]) -> float:
    return one["sent"] + one["received"]


def _line_rate(one: dict[str, float]) -> float:
    """Pictures a second that fill the busier direction of a gigabit line."""
    return _GIGABIT / max(one["sent"], one["received"])
