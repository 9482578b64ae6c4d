"""Who and what is in the playground's workspace: a small literal, or the same as JSON in a file."""

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

TEAM_ID = "T0CALLOPS"
APP_ID = "A0CALLOPS"
BOT_USER = "U0CALLOPS"
BOT_ID = "B0CALLOPS"
BOT_TOKEN = "xoxb-playground"  # noqa: S105 - opens nothing but this playground
APP_TOKEN = "xapp-playground"  # noqa: S105 - the same
SIGNING_SECRET = "0123456789abcdef-playground-0123"  # noqa: S105 - the same


@dataclass(frozen=True)
class User:
    """Someone in the workspace, with the marks by which `users.info` tells people apart."""

    id: str
    name: str
    real_name: str
    tz: str = "Europe/London"
    is_bot: bool = False
    deleted: bool = False
    is_restricted: bool = False
    is_ultra_restricted: bool = False
    is_stranger: bool = False
    team_id: str = TEAM_ID


@dataclass
class Channel:
    """A channel, or a direct message with the app when `direct` names the other person."""

    id: str
    name: str
    members: set[str]
    private: bool = False
    archived: bool = False
    direct: str | None = None


@dataclass(frozen=True)
class Content:
    """What a workspace starts with; user groups are lists of user ids."""

    users: tuple[User, ...]
    channels: tuple[Channel, ...]
    groups: dict[str, tuple[str, ...]] = field(default_factory=dict)


EVERYONE = {"U0AGENT", "U0MANAGER", "U0SECOND", "U0AUDITOR", "U0GONE", "U0BOT"}
WORKSPACE: dict[str, Any] = {
    "users": [
        {"id": "U0AGENT", "name": "asha", "real_name": "Asha Rao", "tz": "Asia/Kolkata"},
        {"id": "U0MANAGER", "name": "mira", "real_name": "Mira Nair", "tz": "Asia/Kolkata"},
        {"id": "U0SECOND", "name": "sam", "real_name": "Sam Ortiz", "tz": "America/New_York"},
        {"id": "U0AUDITOR", "name": "olive", "real_name": "Olive Grey", "tz": "Europe/London"},
        {"id": "U0GUEST", "name": "gil", "real_name": "Gil Guest", "is_restricted": True},
        {"id": "U0GONE", "name": "greta", "real_name": "Greta Gone", "deleted": True},
        {"id": "U0BOT", "name": "otherbot", "real_name": "Other Bot", "is_bot": True},
        {"id": "U0STRANGER", "name": "stella", "real_name": "Stella Strange", "is_stranger": True}
        | {"team_id": "T0ELSEWHERE"},
        {"id": BOT_USER, "name": "callops", "real_name": "CallOps", "is_bot": True},
    ],
    "channels": [
        {"id": "C0GENERAL", "name": "general", "members": [*EVERYONE, BOT_USER]},
        {"id": "C0AUDIT", "name": "call-audit", "members": [*EVERYONE, BOT_USER]},
        {"id": "C0APPROVE", "name": "call-approvals", "members": ["U0MANAGER", "U0SECOND", BOT_USER]},
        {"id": "C0SUPPORT", "name": "support", "members": [*EVERYONE, "U0GUEST", "U0STRANGER", BOT_USER]},
    ],
    "groups": {"S0MANAGERS": ["U0MANAGER", "U0SECOND"]},
}


def read(path: Path | None = None) -> Content:
    """The workspace's content from a JSON file of the same shape as `WORKSPACE`, or `WORKSPACE` itself."""
    raw = WORKSPACE if path is None else json.loads(path.read_text(encoding="utf-8"))
    return Content(
        users=tuple(User(**user) for user in raw["users"]),
        channels=tuple(Channel(**{**one, "members": set(one["members"])}) for one in raw["channels"]),
        groups={group: tuple(members) for group, members in raw.get("groups", {}).items()},
    )
