"""The server: uvicorn, with strict framing, limits on connections, an orderly end, and workers that are watched."""
