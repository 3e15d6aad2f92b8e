"""Messages between the app and the inference process: JSON, then raw bytes; nothing executable."""

import json
import struct
from collections.abc import Sequence
from typing import IO, Any

_LENGTH = struct.Struct("<Q")
# A header holds texts and probabilities; more than this is a broken stream, not a message.
_MOST_HEADER_BYTES = 256 * 1024 * 1024


def write_frame(
    stream: IO[bytes], header: dict[str, Any], inputs: Sequence[str | bytes] = ()
) -> None:
    """Write one message; inputs may mix texts and bytes."""
    blobs = [value.encode() if isinstance(value, str) else value for value in inputs]
    kinds = [["text" if isinstance(value, str) else "bytes", len(blob)]
             for value, blob in zip(inputs, blobs, strict=True)]  # fmt: skip
    head = json.dumps({**header, "inputs": kinds}).encode()
    stream.write(_LENGTH.pack(len(head)) + head)
    for blob in blobs:
        stream.write(blob)
    stream.flush()


def read_frame(stream: IO[bytes]) -> tuple[dict[str, Any], list[str | bytes]]:
    """Read one message; raises EOFError when the other side is gone."""
    (length,) = _LENGTH.unpack(_exactly(stream, _LENGTH.size))
    if length > _MOST_HEADER_BYTES:
        raise EOFError("the stream is broken")
    header = json.loads(_exactly(stream, length))
    inputs: list[str | bytes] = []
    for kind, size in header.pop("inputs"):
        blob = _exactly(stream, size)
        inputs.append(blob.decode() if kind == "text" else blob)
    return header, inputs


def _exactly(stream: IO[bytes], size: int) -> bytes:
    data = stream.read(size)
    if len(data) < size:
        raise EOFError("the other side has gone")
    return data
