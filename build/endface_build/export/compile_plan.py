"""A typed graph to an engine, in TensorRT or in TensorRT for RTX: one builder, since both have one interface."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import onnx

from endface import contract
from endface.engines import tensorrt_library
from endface.engines.plan import OptimizationProfile, Precision
from endface.engines.tensorrt_library import Runtime
from endface.errors import PlanError
from endface_build.export import layer_precision

_OLDEST: Final = 10
"""First major version of TensorRT with strongly typed networks as they are today."""

_WEAKLY_TYPED: Final = 10
"""Last major version that types a network weakly unless told otherwise; TensorRT for RTX never did."""


def compile_graph(
    runtime: Runtime, model: onnx.ModelProto, precision: Precision, profiles: Sequence[OptimizationProfile]
) -> bytes:
    """Build an engine and see that its convolutions compute in the precision that was asked for.

    Args:
        runtime: The library that builds it, and will run it.
        model: The typed graph.
        precision: What it was typed to.
        profiles: The batches that it shall take.

    Returns:
        The serialized engine.

    Raises:
        ConfigurationError: The runtime is not installed.
        PlanError: The runtime is too old, does not take the graph, or would compute in another precision.
    """
    tensorrt = tensorrt_library.load(runtime)
    log = _log(tensorrt)
    builder, network = _network(tensorrt, runtime, log)
    _parse(tensorrt, network, log, model)
    layer_precision.require(precision, layer_precision.of_network(tensorrt, network), "the typed network")
    config = _config(tensorrt, builder, profiles)
    serialized = builder.build_serialized_network(network, config)
    if serialized is None:
        raise PlanError(f"{runtime} could not build the plan: {log.reasons()}.")
    plan = bytes(serialized)
    _inspect(tensorrt, plan, precision)
    return plan


def _log(tensorrt: Any) -> Any:
    """A log that keeps the runtime's errors for our own messages."""

    class Log(tensorrt.ILogger):  # type: ignore[misc]  # the base is only known once the runtime is loaded
        def __init__(self) -> None:
            tensorrt.ILogger.__init__(self)
            self._errors: list[str] = []

        def log(self, severity: Any, message: str) -> None:
            """Called by the runtime."""
            if severity in (tensorrt.ILogger.Severity.ERROR, tensorrt.ILogger.Severity.INTERNAL_ERROR):
                self._errors.append(message)

        def reasons(self) -> str:
            """All errors so far."""
            return "; ".join(self._errors) or "it gives no reason"

    return Log()


def _network(tensorrt: Any, runtime: Runtime, log: Any) -> tuple[Any, Any]:
    """A builder and an empty strongly typed network."""
    major = int(tensorrt.__version__.partition(".")[0])
    flags = 0
    if runtime == "tensorrt":
        if major < _OLDEST:
            raise PlanError(
                f"TensorRT {tensorrt.__version__} is too old: use a Triton container with TensorRT {_OLDEST} or newer."
            )
        if major <= _WEAKLY_TYPED:
            flags = 1 << int(tensorrt.NetworkDefinitionCreationFlag.STRONGLY_TYPED)
    try:
        builder = tensorrt.Builder(log)
    except TypeError as exc:  # what the binding makes of a builder that is null
        raise PlanError(f"{runtime} cannot build on this machine: {log.reasons()}.") from exc
    return builder, builder.create_network(flags)


def _parse(tensorrt: Any, network: Any, log: Any, model: onnx.ModelProto) -> None:
    """Read the graph, or say which node it is that the parser does not take."""
    parser = tensorrt.OnnxParser(network, log)
    if not parser.parse(model.SerializeToString()):
        errors = [parser.get_error(number) for number in range(parser.num_errors)]
        refused = "; ".join(f"operator {e.node_operator()} in node {e.node_name()!r}: {e.desc()}" for e in errors)
        raise PlanError(
            f"The ONNX parser does not take the network: {refused or log.reasons()}. "
            "Build the network of operators that TensorRT has, then export it again."
        )


def _config(tensorrt: Any, builder: Any, profiles: Sequence[OptimizationProfile]) -> Any:
    config = builder.create_builder_config()
    config.profiling_verbosity = tensorrt.ProfilingVerbosity.DETAILED  # else the inspector gives names without types
    config.clear_flag(tensorrt.BuilderFlag.TF32)  # its ten bits of mantissa are no FP32
    for profile in profiles:
        batches = builder.create_optimization_profile()
        shapes = [(size, *contract.SQUARE.dims) for size in (profile.min, profile.opt, profile.max)]
        batches.set_shape(contract.SQUARE.name, *shapes)
        config.add_optimization_profile(batches)
    return config


def _inspect(tensorrt: Any, plan: bytes, precision: Precision) -> None:
    """Check the engine's own precision, where a GPU lets it be opened.

    The inspector may show no convolution, where all are fused into larger layers: then the check of the typed network
    is the only one.
    """
    engine = tensorrt.Runtime(_log(tensorrt)).deserialize_cuda_engine(plan)
    if engine is not None:
        inspector = engine.create_engine_inspector()
        information = inspector.get_engine_information(tensorrt.LayerInformationFormat.JSON)
        layer_precision.require(precision, layer_precision.of_inspector(information), "the engine inspector")
