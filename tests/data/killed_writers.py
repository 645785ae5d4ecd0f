"""Kills writers of a record: ``killed_writers.py FOLDER LIMIT_BYTES ROUNDS`` prints a line of JSON a round.

``untold`` counts the inspections in the record beyond the last one that the writer was told is written, ``dropped`` is
the last entry that the bound has dropped.  A record that is broken ends the program.
"""

from __future__ import annotations

import dataclasses
import json
import os
import random
import signal
import sys
import time
from pathlib import Path
from typing import NoReturn

from endface.files import sha256
from endface.report import ImageInfo
from endface_client import Record
from endface_client.record.database import entries, reading
from endface_client.record.entry import Mark
from endface_client.record.verify import check
from endface_client.testing import PASS


def write(folder: Path, limit_bytes: int, told: int) -> NoReturn:
    """Add pictures that are kept, and tell of each, until somebody kills this process."""
    with Record(folder, limit_bytes=limit_bytes) as record:
        while True:
            picture = os.urandom(120_000)  # a dozen are more than the smallest record may hold
            report = dataclasses.replace(PASS, borderline=True, image=ImageInfo("face.png", sha256(picture)))
            os.write(told, f"{record.add(picture, report)}\n".encode())


def kill_a_writer(folder: Path, limit_bytes: int) -> Mark:
    """Start a writer, kill it, and give the last entry that it told of."""
    reader, writer = os.pipe()
    process = os.fork()
    if process == 0:
        os.close(reader)
        write(folder, limit_bytes, writer)
    os.close(writer)
    with os.fdopen(reader) as told:
        lines = [told.readline() for _ in range(random.randrange(1, 12))]
        time.sleep(random.uniform(0, 0.01))  # no condition to await: any moment of an addition is what is wanted
        os.kill(process, signal.SIGKILL)
        os.waitpid(process, 0)
        lines += told.readlines()
    return Mark.parse(lines[-1])


def main() -> None:
    """Kill one writer after the other."""
    folder, limit_bytes, rounds = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
    for _ in range(rounds):
        last = kill_a_writer(folder, limit_bytes)
        found = check(folder, head=last)
        with reading(folder) as db:
            untold = sum(entry.mark.number > last.number for entry in entries(db))
        sys.stdout.write(json.dumps({"untold": untold, "dropped": found.dropped.number}) + "\n")


if __name__ == "__main__":
    main()
