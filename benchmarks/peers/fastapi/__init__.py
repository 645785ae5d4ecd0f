"""benchmarks.peers.fastapi: the inspection behind FastAPI and uvicorn."""
