"""The errors of endface.

    EndfaceError
     +-- RequestError            the request is malformed: gRPC INVALID_ARGUMENT
     |    +-- EmptyImageError, OversizedImageError, UnknownProfileError, BadParameterError, NoSuchFiberError
     +-- PictureError            the picture cannot be judged: a report with verdict ``invalid``
     |    +-- UndecodableError, TooManyPixelsError, NoFiberError, DefocusError, SaturatedError, ZoneCutOffError,
     |        CoarseScaleError, ScaleMismatchError, CoarsePassError, ProfileMismatchError,
     |        NoCoreError, SeveralFibersError, OverlayError, NegativeError, UnexplainedStructureError,
     |        AmbiguousCladdingError
     +-- ConfigurationError      a file of the installation is wrong: profile, manifest, network
     +-- EngineError             the chosen engine does not exist, or its package is not installed
     +-- RolloutError            a network could not be rolled out or rolled back
     +-- ReviewError             a review case or a review is missing, damaged, or cannot be written
     +-- ServerStartError        Triton could not be started here
          +-- ServerMissingError, PortTakenError, RepositoryError

``code`` is stable and made for programs; the message is a sentence that says what to do next.
``status`` names the Triton error code and is translated at the edge, in ``endface.backend.models``, nowhere else.
"""

from __future__ import annotations

from typing import ClassVar


class EndfaceError(Exception):
    """Base of all errors of endface."""

    code: str = "internal"
    status: ClassVar[str] = "INTERNAL"


class RequestError(EndfaceError):
    """The request is malformed; nothing was inspected."""

    code = "bad_request"
    status = "INVALID_ARG"


class EmptyImageError(RequestError):
    """The picture has no bytes."""

    code = "empty_image"


class OversizedImageError(RequestError):
    """The picture has more bytes than the server takes."""

    code = "oversized_image"


class UnknownProfileError(RequestError):
    """The request names no profile, or one that the server does not have."""

    code = "unknown_profile"


class BadParameterError(RequestError):
    """A request parameter has a wrong name, type or range."""

    code = "bad_parameter"


class NoSuchFiberError(RequestError):
    """The request names a fiber by a number that the picture does not have."""

    code = "no_such_fiber"


class PictureError(EndfaceError):
    """The picture cannot be judged; the report says ``invalid`` with this code."""

    code = "bad_picture"


class UndecodableError(PictureError):
    """The bytes are not a whole picture in a format that we read."""

    code = "undecodable"


class TooManyPixelsError(PictureError):
    """The picture's header announces more pixels than are decoded."""

    code = "too_many_pixels"


class NoFiberError(PictureError):
    """No cladding edge was found."""

    code = "no_fiber"


class DefocusError(PictureError):
    """The cladding's edge is too soft to measure defects."""

    code = "defocus"


class SaturatedError(PictureError):
    """Too much of a judged zone is at the end of the gray scale."""

    code = "saturated"


class ZoneCutOffError(PictureError):
    """The camera did not see enough of a judged zone."""

    code = "zone_cut_off"


class CoarseScaleError(PictureError):
    """The camera's pixels are too large for the smallest defects that the limits name."""

    code = "coarse_scale"


class CoarsePassError(PictureError):
    """A screening found no large defect, and the picture is too coarse to show the others."""

    code = "too_coarse_to_pass"


class ProfileMismatchError(PictureError):
    """The fiber's core is none that the profile's limits are for."""

    code = "profile_mismatch"


class NoCoreError(PictureError):
    """No core is seen, and the profile requires one."""

    code = "no_core"


class ScaleMismatchError(PictureError):
    """The requested scale contradicts the cladding's diameter."""

    code = "scale_mismatch"


class SeveralFibersError(PictureError):
    """The picture shows several fibers, and the request names none of them."""

    code = "several_fibers"


class OverlayError(PictureError):
    """Lines, circles or text that a microscope drew into the picture cross the judged area."""

    code = "overlay"


class NegativeError(PictureError):
    """The picture is a negative: dirt is bright in it."""

    code = "negative"


class UnexplainedStructureError(PictureError):
    """Something large on the fiber is neither a mark that was found nor a part of the fiber."""

    code = "unexplained_structure"


class AmbiguousCladdingError(PictureError):
    """Two outlines may be the cladding, and the request names no scale that says which is."""

    code = "ambiguous_cladding"


class ConfigurationError(EndfaceError):
    """A file of the installation is wrong: a profile, a manifest, a network."""

    code = "configuration"


class ProfileChangedError(ConfigurationError):
    """A profile changed while the server ran, so its stages know different limits of the same name."""

    code = "profile_changed"


class PlanError(ConfigurationError):
    """A plan is missing, was built for another machine, runtime or network, or cannot be built."""

    code = "plan"


class EngineError(EndfaceError):
    """The chosen engine does not exist, or its package is not installed."""

    code = "engine"


class RolloutError(EndfaceError):
    """A network could not be rolled out or rolled back; the former one goes on serving."""

    code = "rollout"


class ReviewError(EndfaceError):
    """A review case or a review is missing, damaged, or cannot be written."""

    code = "review"


class ServerStartError(EndfaceError):
    """Triton could not be started on this machine."""

    code = "server_start"


class ServerMissingError(ServerStartError):
    """No tritonserver binary was found."""

    code = "server_missing"


class PortTakenError(ServerStartError):
    """Another process listens on a port that the server needs."""

    code = "port_taken"


class RepositoryError(ServerStartError):
    """The model repository is missing, or Triton refused to load it."""

    code = "bad_repository"
