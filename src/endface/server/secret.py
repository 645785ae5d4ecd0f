"""The secret that opens a server's administration, from a file that only its owner can read."""

from __future__ import annotations

import re
import stat
from pathlib import Path
from typing import Final

from endface.errors import ConfigurationError

SHORTEST: Final = 32
"""Characters: as many as 16 random bytes in hexadecimal, which nobody guesses."""

# It stands in a flag of Triton's, which takes commas and colons for its own, and in a header.
_SECRET: Final = re.compile(rf"[A-Za-z0-9_.~-]{{{SHORTEST},256}}")
_MENDING: Final = "make one with `(umask 077; openssl rand -hex 32 >FILE)`"


def read_secret(path: Path) -> str:
    """The secret in a file; white space around it does not count.

    Raises:
        ConfigurationError: it cannot be read, others than its owner can read it, or it is none.
    """
    try:
        with path.open(encoding="ascii") as file:
            mode = stat.S_IMODE(path.stat().st_mode)
            secret = file.read(1024).strip()
    except (OSError, UnicodeDecodeError) as exc:
        raise ConfigurationError(f"the secret in {path} cannot be read ({type(exc).__name__}); {_MENDING}") from exc
    if mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise ConfigurationError(f"others can read the secret in {path}, its mode is {mode:04o}; chmod 0600 {path}")
    if not _SECRET.fullmatch(secret):
        raise ConfigurationError(
            f"{path} holds no secret of {SHORTEST} or more letters, digits, dots and dashes; {_MENDING}"
        )
    return secret
