"""A real `streamlit run` on a free port and a home of its own, for whoever drives a browser."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.request import ProxyHandler, build_opener

ROOT = Path(__file__).resolve().parent.parent.parent
# This machine is asked directly, whatever proxy the environment names.
_open = build_opener(ProxyHandler({})).open


def free_port() -> int:
    """A port that is free at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_for(what: str, condition: Callable[[], Any], seconds: float = 60.0) -> Any:
    """Ask every 20 ms until the answer is true; returns it, or fails and says what was awaited."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        answer = condition()
        if answer:
            return answer
        time.sleep(0.02)
    raise TimeoutError(f"waited {seconds:g} s for {what}")


class AppServer:
    """The app as its users start it; a context manager that leaves no process behind."""

    def __init__(self, home: Path, script: str = "app.py", **variables: str) -> None:
        self.home, self.script, self.port = home, script, free_port()
        self.log = home.parent / f"server-{self.port}.log"
        self.variables = {
            **os.environ,
            "TRAINROOM_HOME": str(home),
            "TRAINROOM_SUPERVISOR_IDLE_SECONDS": "3",
            **variables,
        }
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()
        end_processes_of(self.home)

    def start(self) -> None:
        """Start the server; returns when it answers."""
        command = [sys.executable, "-m", "streamlit", "run", self.script]
        command += ["--server.port", str(self.port), "--server.headless", "true"]
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                command,
                cwd=ROOT,
                env=self.variables,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        wait_for("the server", self.is_healthy)

    def is_healthy(self) -> bool:
        if self.process is not None and self.process.poll() is not None:
            raise RuntimeError(f"the server ended:\n{self.log.read_text()[-3000:]}")
        try:
            return bool(self.get("/_stcore/health") == b"ok")
        except OSError:
            return False

    def get(self, path: str) -> bytes:
        """The body of a page or route."""
        with _open(self.address + path, timeout=30) as response:
            return bytes(response.read())

    def stop(self, how: signal.Signals = signal.SIGTERM) -> None:
        """End the server (SIGKILL: as a crash would); what it started goes on."""
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(how)
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self.process = None


def end_processes_of(home: Path) -> None:
    """End supervisor, workers and inference of this home, told by their environment."""
    import psutil

    mine = []
    for process in psutil.process_iter():
        try:
            ours = any(part.startswith("backend.") for part in process.cmdline())
            if ours and process.environ().get("TRAINROOM_HOME") == str(home):
                mine.append(process)
        except psutil.Error:
            continue
    for process in mine:
        try:
            process.kill()
        except psutil.Error:
            continue
    psutil.wait_procs(mine, timeout=10)
