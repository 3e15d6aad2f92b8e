"""Messages between the app and the inference process: JSON, then raw bytes; nothing executable."""

import json
import struct
from collections.abc import Sequence
from typing import IO, Any

_LENGTH = struct.Struct("<Q")
# A header holds texts and probabilities; more than this is a broken stream, not a message.
_MOST_HEADER_BYTES = 256 * 1024 * 1024

Part = str | bytes


def write_frame(
    stream: IO[bytes], header: dict[str, Any], inputs: Sequence[Part | Sequence[Part]] = ()
) -> None:
    """Write one message; inputs may mix texts, bytes, and lists of these."""
    blobs: list[bytes] = []

    def describe(value: Part | Sequence[Part]) -> list[Any]:
        if not isinstance(value, str | bytes):
            return ["list", [describe(part) for part in value]]
        blobs.append(value.encode() if isinstance(value, str) else value)
        return ["text" if isinstance(value, str) else "bytes", len(blobs[-1])]

    head = json.dumps({**header, "inputs": [describe(value) for value in inputs]}).encode()
    stream.write(_LENGTH.pack(len(head)) + head)
    for blob in blobs:
        stream.write(blob)
    stream.flush()


def read_frame(stream: IO[bytes]) -> tuple[dict[str, Any], list[Any]]:
    """Read one message and its inputs; raises EOFError when the other side is gone."""
    (length,) = _LENGTH.unpack(_exactly(stream, _LENGTH.size))
    if length > _MOST_HEADER_BYTES:
        raise EOFError("the stream is broken")
    header = json.loads(_exactly(stream, length))
    return header, [_read(stream, *described) for described in header.pop("inputs")]


def _read(stream: IO[bytes], kind: str, content: Any) -> Any:
    if kind == "list":
        return [_read(stream, *described) for described in content]
    blob = _exactly(stream, content)
    return blob.decode() if kind == "text" else blob


def _exactly(stream: IO[bytes], size: int) -> bytes:
    data = stream.read(size)
    if len(data) < size:
        raise EOFError("the other side has gone")
    return data
