"""Reads the text files that people write, and says how to save a file that is in another encoding."""

from pathlib import Path
from typing import Final

_OTHER_ENCODINGS: Final = {
    b"\xff\xfe\0\0": "UTF-32",
    b"\0\0\xfe\xff": "UTF-32",
    b"\xff\xfe": "UTF-16",
    b"\xfe\xff": "UTF-16",
    b"\x1f\x8b": "gzip",
    b"PK\x03\x04": "zip",
}
"""How files begin that are in another encoding, or packed."""
_SAVE: Final = "save it as plain text in UTF-8"


class NotText(ValueError):
    """What a file is instead, and what to do, as the second half of a sentence."""


def read_text(path: Path) -> str:
    """Return a file's text, with a newline at each line's end. Raises `OSError`, `NotText`."""
    return decode(path.read_bytes())


def decode(content: bytes) -> str:
    """Return a file's text, from UTF-8 with or without a byte-order mark. Raises `NotText`."""
    for mark, name in _OTHER_ENCODINGS.items():
        if content.startswith(mark):
            raise NotText(f"it is in {name}: {_SAVE}")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise NotText(f"line {line} is not in UTF-8: {_SAVE}") from error
    if "\0" in text:  # UTF-16 without a mark, or no text at all
        raise NotText(f"it holds bytes that no text has: {_SAVE}")
    return text.replace("\r\n", "\n").replace("\r", "\n")
