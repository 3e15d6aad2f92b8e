"""Open run pages as the server sees them, many in one process: `viewers.py PORT RUN COUNT`.

Each has a session of its own, and asks for curves, history and ended runs as often as the page's
scripts do. Once all pages are open it says `open`, and then does what it reads: `look` at the page,
look `away` as a hidden tab does, and at the end of input print what it measured as JSON.
test_r10_viewers.py starts it.
"""

import asyncio
import json
import sys
import time
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets import Subprotocol
from websockets.asyncio.client import connect

# As in live_run.js, run_story.js and notifier.js.
LIVE, STORY, ENDS = 0.5, 2.0, 3.0
# Seconds in which all the pages are opened, one after the other.
SPREAD = 5.0


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
    def __init__(
        self, port: int, run: int, seen: Seen, looking: asyncio.Event, share: float
    ) -> None:
        """share: of the time between two questions, in which this one asks; from 0 to 1."""
        self.port, self.run, self.seen, self.looking = port, run, seen, looking
        self.share = share
        self.opened = asyncio.Event()
        self.cursor = self.event = 0
        self.log = self.now = ""
        self.last = 0

    async def stay(self) -> None:
        """Open the page after a while, and ask as its scripts do whenever somebody looks at it."""
        await asyncio.sleep(SPREAD * self.share)  # people do not open a page in the same moment
        address = f"ws://127.0.0.1:{self.port}/_stcore/stream"
        async with connect(
            address, subprotocols=[Subprotocol("streamlit")], max_size=None, compression=None,
            proxy=None,
        ) as tab:  # fmt: skip
            begun = time.monotonic()
            await self._open(tab)
            self.seen.page_seconds.append(time.monotonic() - begun)
            self.opened.set()
            await asyncio.gather(
                self._repeat(LIVE, self._live),
                self._repeat(STORY, self._story),
                self._repeat(ENDS, self._ends),
                self._listen(tab),
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

    async def _listen(self, tab: Any) -> None:
        """Count what would make the server run the page's script again: there should be nothing."""
        while True:
            received = ForwardMsg()
            received.ParseFromString(await tab.recv())
            self.seen.reruns += received.WhichOneof("type") in ("auto_rerun", "script_finished")

    async def _repeat(self, interval: float, ask: Any) -> None:
        connection, due = Connection(self.port), time.monotonic()
        while True:
            await asyncio.sleep(max(0.0, due - time.monotonic()))
            if not self.looking.is_set():
                await self.looking.wait()
                await asyncio.sleep(interval * self.share)  # nor do they look up in the same one
                connection = Connection(self.port)  # the server has closed what was idle
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


async def watch(port: int, run: int, count: int) -> Seen:
    """Open `count` pages, then look at them and away as standard input says, until it ends."""
    seen, looking = Seen(), asyncio.Event()
    viewers = [Viewer(port, run, seen, looking, number / count) for number in range(count)]
    tabs = asyncio.gather(*(viewer.stay() for viewer in viewers))
    asked = asyncio.ensure_future(_obey(viewers, looking))
    # A tab never ends by itself: where one does, its error is the outcome.
    await asyncio.wait([tabs, asked], return_when=asyncio.FIRST_COMPLETED)
    tabs.cancel()
    with suppress(asyncio.CancelledError):
        await tabs
    return seen


async def _obey(viewers: list[Viewer], looking: asyncio.Event) -> None:
    for viewer in viewers:
        await viewer.opened.wait()
    print("open", flush=True)
    while word := (await asyncio.to_thread(sys.stdin.readline)).strip():
        looking.set() if word == "look" else looking.clear()


if __name__ == "__main__":
    port, run, count = (int(value) for value in sys.argv[1:4])
    print(json.dumps(vars(asyncio.run(watch(port, run, count)))))
