"""FastAPI under uvicorn, a worker for each core: https://fastapi.tiangolo.com/deployment/server-workers/.

FastAPI has no batching of its own.  A worker inspects one picture at a time in its pool of threads: with the pool's
usual forty, threads of one core fight for it.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import uvicorn
from anyio import to_thread
from fastapi import FastAPI, Request, Response

from benchmarks.studies.peers.worker import Inspection, arguments


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    """Load the network in each worker."""
    args = arguments()
    app.state.inspection = Inspection(args.network, args.profile)
    to_thread.current_default_thread_limiter().total_tokens = 1
    yield


async def inspect(request: Request) -> Response:
    """The picture in the body to its report."""
    picture = await request.body()
    (report,) = await to_thread.run_sync(request.app.state.inspection.inspect, [picture])
    return Response(report, media_type="application/json")


app = FastAPI(lifespan=lifespan)
app.add_api_route("/inspect", inspect, methods=["POST"])

if __name__ == "__main__":
    args = arguments()
    uvicorn.run(
        "benchmarks.studies.peers.fastapi.server:app",
        port=args.port,
        workers=args.workers,
        access_log=False,
        log_level="warning",
    )
