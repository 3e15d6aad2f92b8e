"""Open run pages as the server sees them, many in one process: `viewers.py PORT RUN COUNT SECONDS`.

Each has a session of its own, and asks for curves, history and ended runs as often as the page's
scripts do. Prints what it measured as JSON; test_r10_viewers.py starts it.
"""

import asyncio
import json
import sys
import time
from dataclasses import dataclass, field
from typing import Any

from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets import Subprotocol
from websockets.asyncio.client import connect

# As in live_run.js, run_story.js and notifier.js.
LIVE, STORY, ENDS = 0.5, 2.0, 3.0


@dataclass
class Seen:
    """What all viewers met together: answer times, errors, reruns, gaps in their curves."""

    seconds: list[float] = field(default_factory=list)
    page_seconds: list[float] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    reruns: int = 0
    gaps: int = 0


class Connection:
    """One that is kept open, as a browser does it."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.lock = asyncio.Lock()
        self.streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def get(self, path: str) -> Any:
        async with self.lock:
            if self.streams is None:
                self.streams = await asyncio.open_connection("127.0.0.1", self.port)
            reader, writer = self.streams
            writer.write(f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{self.port}\r\n\r\n".encode())
            head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
            length = int(head.partition("content-length:")[2].split()[0])
            body = await reader.readexactly(length)
        if " 200 " not in head.splitlines()[0]:
            raise OSError(head.splitlines()[0])
        return json.loads(body)


class Viewer:
    def __init__(self, port: int, run: int, seen: Seen) -> None:
        self.port, self.run, self.seen = port, run, seen
        self.cursor = self.event = 0
        self.log = self.now = ""
        self.last = 0

    async def stay(self, delay: float, until: float) -> None:
        """Open the page after a while, and ask as its scripts do until the end."""
        await asyncio.sleep(delay)  # people do not open a page in the same moment
        address = f"ws://127.0.0.1:{self.port}/_stcore/stream"
        async with connect(
            address, subprotocols=[Subprotocol("streamlit")], max_size=None, compression=None,
            proxy=None,
        ) as tab:  # fmt: skip
            begun = time.monotonic()
            await self._open(tab)
            self.seen.page_seconds.append(time.monotonic() - begun)
            await asyncio.gather(
                self._repeat(LIVE, until, self._live),
                self._repeat(STORY, until, self._story),
                self._repeat(ENDS, until, self._ends),
                self._listen(tab, until),
            )

    async def _open(self, tab: Any) -> None:
        message = BackMsg()
        message.rerun_script.page_name = "run"
        message.rerun_script.query_string = f"run={self.run}"
        await tab.send(message.SerializeToString())
        kind = None
        while kind != "script_finished":
            received = ForwardMsg()
            received.ParseFromString(await tab.recv())
            kind = received.WhichOneof("type")
            self.seen.reruns += kind == "auto_rerun"  # a timer on the page

    async def _listen(self, tab: Any, until: float) -> None:
        """Count what would make the server run the page's script again: there should be nothing."""
        while (left := until - time.monotonic()) > 0:
            try:
                data = await asyncio.wait_for(tab.recv(), left)
            except TimeoutError:
                return
            received = ForwardMsg()
            received.ParseFromString(data)
            self.seen.reruns += received.WhichOneof("type") in ("auto_rerun", "script_finished")

    async def _repeat(self, interval: float, until: float, ask: Any) -> None:
        connection, due = Connection(self.port), time.monotonic()
        while due < until:
            await asyncio.sleep(max(0.0, due - time.monotonic()))
            asked = time.monotonic()
            try:
                await ask(connection)
            except (OSError, ValueError, asyncio.IncompleteReadError) as error:
                self.seen.errors.append(repr(error))
                connection = Connection(self.port)
            else:
                self.seen.seconds.append(time.monotonic() - asked)
            due = time.monotonic() + interval  # the pages, too, wait for an answer first

    async def _live(self, connection: Connection) -> None:
        answer = await connection.get(f"/api/runs/{self.run}/live?after={self.cursor}")
        self.cursor = answer["after"]
        # Chunks may be merged meanwhile, so points may come twice, but none is left out.
        fresh = [
            s for s in answer["series"].get("train/loss", {}).get("steps", []) if s > self.last
        ]
        if fresh and not answer["thinned"]:
            self.seen.gaps += fresh != list(range(self.last + 1, self.last + 1 + len(fresh)))
        self.last = max([self.last, *fresh])

    async def _story(self, connection: Connection) -> None:
        path = f"/api/runs/{self.run}/story?after={self.event}&log={self.log}"
        answer = await connection.get(path)
        self.event = max([self.event, *(event["id"] for event in answer["events"])])
        self.log = str(answer["log_bytes"])

    async def _ends(self, connection: Connection) -> None:
        self.now = str((await connection.get(f"/api/ends?after={self.now}"))["now"])


async def watch(port: int, run: int, count: int, seconds: float) -> Seen:
    seen = Seen()
    until = time.monotonic() + seconds
    spread = min(5.0, seconds / 4)
    await asyncio.gather(
        *(Viewer(port, run, seen).stay(spread * number / count, until) for number in range(count))
    )
    return seen


if __name__ == "__main__":
    port, run, count = (int(value) for value in sys.argv[1:4])
    print(json.dumps(vars(asyncio.run(watch(port, run, count, float(sys.argv[4]))))))
