"""The inspection behind FastAPI and uvicorn."""
