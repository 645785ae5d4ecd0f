"""The record of a GPU in words."""

from __future__ import annotations

from benchmarks.common.origin import Json, origin_text
from endface_build.reports.markdown import table


def text(record: Json) -> str:
    """The section in Markdown: the networks, the servers, and what could not be measured."""
    gpu = record["gpu"]["name"] or "no GPU"
    networks = [
        [
            part["name"],
            *(f"{cell['median_ms']:.2f}" for cell in part["batches"].values()),
            f"{part['parity']['labels_equal']:.5f}",
            str(len(part["parity"]["flips"])),
        ]
        for part in record["networks"]
        if "batches" in part
    ]
    servers = [
        [
            part["name"],
            str(each["users"]),
            f"{each['images_per_s']:.1f}",
            str(each["p99_ms"]),
            str(each["wrong_verdicts"]),
        ]
        for part in record["servers"]
        for each in part.get("stations", ())
    ]
    parts = [f"## On {gpu}\n\n{origin_text(record)}"]
    if networks:
        heads = ["network", "ms, batch 1", "ms, batch 8", "ms, batch 32", "labels equal", "flips"]
        parts.append(table(heads, networks))
    if servers:
        parts.append(table(["server", "stations", "pictures/s", "p99 ms", "wrong verdicts"], servers))
    for part in (*record["networks"], *record["servers"]):
        reason = part.get("refused") or part.get("not_begun")
        if reason:
            parts.append(f"- {part['name']}: {reason}\n")
    return "\n".join(parts)
