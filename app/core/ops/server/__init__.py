"""The server: uvicorn with strict framing, connection limits, graceful shutdown and supervised workers."""
