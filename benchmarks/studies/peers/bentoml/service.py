"""The service that BentoML's workers load, each in a process of its own."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import bentoml
from pydantic import BaseModel, BeforeValidator, PlainSerializer, WithJsonSchema

from benchmarks.studies.peers.worker import MAX_BATCH, Inspection


class Arguments(BaseModel):
    """Arguments that ``bentoml serve --arg`` passes on."""

    workers: int
    network: Path
    profile: str


args = bentoml.use_arguments(Arguments)

# A method that BentoML batches takes and gives lists; with these, a request's list of one is the bare body.
_BODY = WithJsonSchema({"type": "string", "format": "binary"})
Pictures = Annotated[list[bytes], BeforeValidator(lambda body: [body]), _BODY]
Reports = Annotated[
    list[str], PlainSerializer(lambda reports: reports[0]), _BODY, bentoml.validators.ContentType("application/json")
]


@bentoml.service(workers=args.workers, logging={"access": {"enabled": False}})
class Endface:
    """The inspection, as many processes as ``workers`` says: BentoML's guide to parallel requests advises one a core.

    ``max_latency_ms`` keeps its default, a minute: it is no wait but what BentoML cancels requests after.  How long a
    batch waits for more pictures it learns from the times of the last batches.
    """

    def __init__(self) -> None:
        self._inspection = Inspection(args.network, args.profile)

    @bentoml.api(batchable=True, max_batch_size=MAX_BATCH)  # type: ignore[untyped-decorator]  # not where mypy runs
    def inspect(self, pictures: Pictures, /) -> Reports:
        """Inspect what BentoML has batched."""
        return self._inspection.inspect(pictures)
