"""The server's last moments: HTTP as uvicorn speaks it, but for how it ends."""

from typing import Final

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

LAST_CALL: Final = 0.2  # seconds


class PatientProtocol(HttpToolsProtocol):
    """Answers who has asked by the time the process is told to end.

    uvicorn closes each connection that looks idle at once, also one whose next request has arrived and is not read yet:
    its client sees a reset, and cannot know what became of the request.
    """

    is_ending = False

    def shutdown(self) -> None:
        """Close after the answer that is under way, or after the one to a request that comes within a moment."""
        self.is_ending = True
        if self.cycle is None or self.cycle.response_complete:
            self.loop.call_later(LAST_CALL, super().shutdown)
        else:
            super().shutdown()

    def on_headers_complete(self) -> None:
        """Begin to answer; the last answer says that it is."""
        super().on_headers_complete()
        if self.is_ending and self.cycle:
            self.cycle.keep_alive = False
