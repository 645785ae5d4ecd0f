"""benchmarks.studies.peers.fastapi: the inspection behind FastAPI and uvicorn."""
