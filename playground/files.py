"""Files in the workspace: those that the app sends, and those that people pick in its forms.

Sources: docs.slack.dev/reference/objects/file-object and
docs.slack.dev/reference/block-kit/block-elements/file-input-element, read 2026-12.
"""

import mimetypes
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any, TypeAlias
from urllib.parse import quote

from playground.content import TEAM_ID

Json: TypeAlias = dict[str, Any]

MAX_FILES = 10
"""Files of an element, if it does not say."""
MAX_BYTES = 10 * 1024 * 1024
"""Size of a file that is picked in a form ("There is a 10MB file size limit")."""
LOGIN_PAGE = "<!DOCTYPE html><html><head><title>Sign in | Slack</title></head><body>Sign in</body></html>"
"""The answer, with status 200, to a download without a valid token or without the scope.

The file object's page asks for ``Authorization: Bearer …`` and for ``files:read``. The status and the page
are second-hand: github.com/slackapi/bolt-js/issues/2585, read 2026-12.
"""


@dataclass
class Upload:
    """A file: announced, then sent, then shared into a conversation, or picked in a form by a person."""

    id: str
    name: str
    length: int
    content: bytes | None = None
    title: str = ""
    channel: str | None = None
    user: str | None = None
    created: int = 0
    deleted: bool = False

    @property
    def extension(self) -> str:
        """The end of the name, in lower case and without its dot."""
        return PurePosixPath(self.name).suffix.removeprefix(".").lower()

    @property
    def mimetype(self) -> str:
        """The type by the name."""
        return mimetypes.types_map.get(f".{self.extension}", "application/octet-stream")


def file_object(file: Upload, address: str) -> Json:
    """Return a file as `files.info` and the value of a form's element show it."""
    private = f"{address}/files-pri/{TEAM_ID}-{file.id}"
    return {
        "id": file.id,
        "created": file.created,
        "timestamp": file.created,
        "name": file.name,
        "title": file.title or file.name,
        "mimetype": file.mimetype,
        "filetype": file.extension or "binary",
        "user": file.user,
        "size": file.length,
        "mode": "hosted",
        "is_external": False,
        "is_public": False,
        "url_private": f"{private}/{quote(file.name)}",
        "url_private_download": f"{private}/download/{quote(file.name)}",
    }


def objection(element: Json, files: Sequence[Upload]) -> str | None:
    """Return why the client would not take these files in an element. The wording is ours."""
    most, types = element.get("max_files", MAX_FILES), element.get("filetypes")
    if len(files) > most:
        return f"You can add {most} {'file' if most == 1 else 'files'} at most."
    for file in files:
        if types and file.extension not in types:
            return f"{file.name} has an unsupported type. Supported: {', '.join(types)}."
        if file.length > MAX_BYTES:
            return f"{file.name} is larger than 10 MB."
    return None
