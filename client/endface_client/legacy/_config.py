"""``OmniConfig`` as the classical pipeline calls it, and what endface itself needs to know."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, Final

from endface import environment
from endface.engines.catalog import ONNXRUNTIME
from endface.errors import ConfigurationError
from endface_client._transport.tls import TLS, tls_of

_PREFIX: Final = "endface_"


@dataclass
class _Fields:
    """The fields of the pipeline's own configuration with its defaults."""

    knowledge_base_path: str | None = None
    min_defect_size: int = 10
    max_defect_size: int = 5000
    severity_thresholds: dict[str, float] = field(
        default_factory=lambda: {"CRITICAL": 0.9, "HIGH": 0.7, "MEDIUM": 0.5, "LOW": 0.3, "NEGLIGIBLE": 0.1}
    )
    confidence_threshold: float = 0.3
    anomaly_threshold_multiplier: float = 2.5
    enable_visualization: bool = True


class OmniConfig(_Fields):
    """The configuration that the pipeline makes; it takes every keyword, as the pipeline's generations differ in them.

    Of the pipeline's fields only ``enable_visualization`` has an effect: limits come from the profile, not from here.
    ``knowledge_base_path`` is echoed in the report.  Keywords that begin with ``endface_`` are endface's own, see
    ``EndfaceSettings``; all other unknown ones are kept in ``ignored`` and have no effect.

    Attributes:
        endface: the keywords that begin with ``endface_``.
        ignored: the other keywords that are no fields.
    """

    def __init__(self, *values: Any, **keywords: Any) -> None:
        known = {each.name for each in fields(_Fields)}
        super().__init__(*values, **{key: value for key, value in keywords.items() if key in known})
        others = {key: value for key, value in keywords.items() if key not in known}
        self.endface = {key: value for key, value in others.items() if key.startswith(_PREFIX)}
        self.ignored = {key: value for key, value in others.items() if not key.startswith(_PREFIX)}


@dataclass(frozen=True)
class EndfaceSettings:
    """How endface inspects.  The environment variable ``ENDFACE_X`` and the keyword ``endface_x`` set ``x``.

    Attributes:
        server: "host:port", or several separated by commas; empty to inspect in this process.
        profile: name of the limits; empty leaves it to a server's default, and there is none in this process.
        profiles: folder with the user's own profiles, for inspections in this process.
        engine: what runs the network in this process.
        cladding_um: true diameter of the cladding; None for 125 um.
        um_per_px: the camera's scale; None takes it from the cladding.
        zones: the zones to judge, such as ``A,B``; empty for all of the profile's.
        deadline_s: seconds that a server has for a report.
        tls_authority: PEM file of the authorities that sign servers.
        tls_certificate: PEM file of this station's certificate, for servers that ask for one.
        tls_key: PEM file of the certificate's key.
        tls_server_name: name that a server's certificate must have, where it is not the one that it is called by.
    """

    server: str = ""
    profile: str = ""
    profiles: Path | None = None
    engine: str = ONNXRUNTIME
    cladding_um: float | None = None
    um_per_px: float | None = None
    zones: str = ""
    deadline_s: float = 10.0
    tls_authority: Path | None = None
    tls_certificate: Path | None = None
    tls_key: Path | None = None
    tls_server_name: str = ""

    @classmethod
    def of(cls, config: OmniConfig, variables: Mapping[str, str] = os.environ) -> EndfaceSettings:
        """EndfaceSettings from the keywords, and where there is none from the environment.

        Raises:
            ConfigurationError: a number is none, or a keyword with endface's prefix does not exist.
        """
        names = [each.name for each in fields(cls)]
        if unknown := sorted(config.endface.keys() - {_PREFIX + name for name in names}):
            keywords = ", ".join(_PREFIX + name for name in names)
            raise ConfigurationError(f"OmniConfig has no keyword {unknown[0]}; endface's are {keywords}")
        found: dict[str, Any] = {name: variables.get((_PREFIX + name).upper()) for name in names}
        found |= {key.removeprefix(_PREFIX): value for key, value in config.endface.items()}
        given = {name: value for name, value in found.items() if value not in (None, "")}
        for name in given.keys() & {"cladding_um", "um_per_px", "deadline_s"}:
            given[name] = _positive(name, given[name])
        for name in given.keys() & {"profiles", "tls_authority", "tls_certificate", "tls_key"}:
            given[name] = Path(given[name])
        return cls(**given)

    @property
    def tls(self) -> TLS | None:
        """Certificates for a server; None for a connection without encryption."""
        return tls_of(self.tls_authority, self.tls_certificate, self.tls_key, self.tls_server_name)


def _positive(name: str, value: Any) -> float:
    try:
        number = float(value)
    except (TypeError, ValueError) as exc:
        raise ConfigurationError(f"{(_PREFIX + name).upper()} is {value!r}, it must be a number") from exc
    if not 0 < number < math.inf:
        raise ConfigurationError(f"{(_PREFIX + name).upper()} is {number:g}, it must be more than 0")
    return number


PROFILE_HINT: Final = f"name the limits in {environment.PROFILE}, such as {environment.PROFILE}=mm-pc"
"""What to do where nobody has named a profile."""
