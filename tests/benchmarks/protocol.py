"""A browser tab without a browser: speaks Streamlit's websocket, to measure the server alone."""

import asyncio
import time
from dataclasses import dataclass

from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.asyncio.client import ClientConnection, connect


@dataclass(frozen=True)
class Answer:
    """One run of a page's script, as the browser would see it."""

    seconds: float
    bytes: int


class Tab:
    """One session with a running app; use as an async context manager."""

    def __init__(self, address: str) -> None:
        self.url = address.replace("http", "ws", 1) + "/_stcore/stream"
        self.socket: ClientConnection | None = None
        self.pages: dict[str, str] = {}

    async def __aenter__(self) -> "Tab":
        self.socket = await connect(
            self.url, subprotocols=["streamlit"], max_size=None, compression=None, proxy=None
        )
        await self.open("")
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self.socket is not None
        await self.socket.close()

    async def open(self, page: str, query: str = "") -> Answer:
        """Go to a page by its address and wait until its script has finished."""
        message = BackMsg()
        message.rerun_script.query_string = query
        message.rerun_script.page_script_hash = self.pages.get(page, "")
        if page not in self.pages:
            message.rerun_script.page_name = page
        return await self._send(message)

    async def _send(self, message: BackMsg) -> Answer:
        assert self.socket is not None
        begun = time.perf_counter()
        await self.socket.send(message.SerializeToString())
        size = 0
        while True:
            data = await asyncio.wait_for(self.socket.recv(), 60)
            assert isinstance(data, bytes)
            size += len(data)
            received = ForwardMsg()
            received.ParseFromString(data)
            kind = received.WhichOneof("type")
            if kind == "navigation":
                self.pages = {
                    page.url_pathname: page.page_script_hash
                    for page in received.navigation.app_pages
                }
            if kind == "script_finished":
                return Answer(time.perf_counter() - begun, size)
