"""Pictures and requests that libFuzzer makes up, guided by what of our code they reach; needs the group ``fuzz``.

    python -m tests.security.fuzz_guided -max_total_time=600 [folder of its corpus]

An input's first byte says whether a picture follows or a request's message.  It starts from ``tests/security/corpus``;
what it finds beyond goes into the folder.  It ends at the first input that is not answered as it must be, or takes more
than a second of processor time, and writes it into ``out/fuzz``.  Further flags are libFuzzer's own.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Final

import atheris

with atheris.instrument_imports(include=["endface", "PIL"], enable_loader_override=False):
    from tests.security.inputs import CORPUS, try_input

FOUND: Final = Path("out/fuzz")

_FLAGS: Final = ("-max_len=65536", "-rss_limit_mb=4096", "-timeout=60", f"-artifact_prefix={FOUND}/")


def main() -> None:
    """Entry point; libFuzzer ends the process."""
    FOUND.mkdir(parents=True, exist_ok=True)
    program, *wishes = sys.argv
    own = [] if any(not wish.startswith("-") for wish in wishes) else [str(FOUND / "corpus")]
    for folder in own:
        Path(folder).mkdir(exist_ok=True)
    atheris.Setup([program, *_FLAGS, *wishes, *own, str(CORPUS)], try_input)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
