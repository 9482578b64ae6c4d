"""The people and channels of the playground's workspace, as a literal or from a JSON file."""

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

TEAM_ID = "T0CALLOPS"
SISTER_ID = "T0SISTER"
ENTERPRISE_ID = "E0CALLOPS"
APP_ID = "A0CALLOPS"
BOT_USER = "U0CALLOPS"
BOT_ID = "B0CALLOPS"
BOT_TOKEN = "xoxb-playground"  # noqa: S105 - opens nothing but this playground
APP_TOKEN = "xapp-playground"  # noqa: S105 - the same
SIGNING_SECRET = "0123456789abcdef-playground-0123"  # noqa: S105 - the same


@dataclass(frozen=True)
class User:
    """A Slack user, with the fields by which `users.info` tells people apart.

    With ``team_id`` None, `users.info` omits the field. ``teams`` are the user's workspaces in the Enterprise
    Grid organisation ``enterprise_id``.
    """

    id: str
    name: str
    real_name: str
    tz: str = "Europe/London"
    is_bot: bool = False
    deleted: bool = False
    is_restricted: bool = False
    is_ultra_restricted: bool = False
    is_stranger: bool = False
    team_id: str | None = TEAM_ID
    enterprise_id: str | None = None
    teams: tuple[str, ...] = ()


@dataclass
class Channel:
    """A channel, or a direct message with the app if `direct` names the other person."""

    id: str
    name: str
    members: set[str]
    private: bool = False
    archived: bool = False
    direct: str | None = None


@dataclass(frozen=True)
class Content:
    """The initial content of a workspace. User groups are lists of user ids.

    ``enterprise`` is the Enterprise Grid organisation to which the workspace belongs.
    """

    users: tuple[User, ...]
    channels: tuple[Channel, ...]
    groups: dict[str, tuple[str, ...]] = field(default_factory=dict)
    enterprise: str | None = None


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
        {
            "id": "C0APPROVE",
            "name": "call-approvals",
            "private": True,
            "members": ["U0MANAGER", "U0SECOND", BOT_USER],
        },
        {"id": "C0SUPPORT", "name": "support", "members": [*EVERYONE, "U0GUEST", "U0STRANGER", BOT_USER]},
    ],
    "groups": {"S0MANAGERS": ["U0MANAGER", "U0SECOND"]},
}

# Users of a Grid as these issues show users.info: github.com/looker/lookerbot/issues/184 (no team_id),
# slackapi/bolt-js#1875 (another workspace's team_id, or the organisation's id), read 2026-11.
_IN_BOTH = {"enterprise_id": ENTERPRISE_ID, "teams": [TEAM_ID, SISTER_ID]}
_OF_THE_GRID: list[dict[str, Any]] = [
    {"id": "W0NOTEAM", "name": "nora", "real_name": "Nora Noteam", "team_id": None} | _IN_BOTH,
    {"id": "W0SISTER", "name": "siri", "real_name": "Siri Sister", "team_id": SISTER_ID} | _IN_BOTH,
    {"id": "W0ORG", "name": "omar", "real_name": "Omar Org", "team_id": ENTERPRISE_ID} | _IN_BOTH,
    {"id": "W0APART", "name": "ana", "real_name": "Ana Apart", "team_id": SISTER_ID}
    | {"enterprise_id": ENTERPRISE_ID, "teams": [SISTER_ID]},
    {"id": "W0GUEST", "name": "gus", "real_name": "Gus Guest", "is_ultra_restricted": True} | _IN_BOTH,
    {"id": "W0OTHER", "name": "otto", "real_name": "Otto Other", "team_id": "T0ELSEWHERE"}
    | {"enterprise_id": "E0ELSEWHERE", "teams": ["T0ELSEWHERE"]},
    {"id": "W0UNSEEN", "name": "uma", "real_name": "Uma Unseen", "is_stranger": True} | _IN_BOTH,
]
_SUPPORT = next(one for one in WORKSPACE["channels"] if one["id"] == "C0SUPPORT")
GRID: dict[str, Any] = WORKSPACE | {
    "enterprise": ENTERPRISE_ID,
    "users": [*WORKSPACE["users"], *_OF_THE_GRID],
    "channels": [
        *(one for one in WORKSPACE["channels"] if one is not _SUPPORT),
        _SUPPORT | {"members": [*_SUPPORT["members"], *(one["id"] for one in _OF_THE_GRID)]},
    ],
}
"""The same workspace in an Enterprise Grid organisation, with users of each form."""


def read(path: Path | None = None) -> Content:
    """Return the content of a JSON file with the structure of `WORKSPACE`, or of `WORKSPACE` itself."""
    return make(WORKSPACE if path is None else json.loads(path.read_text(encoding="utf-8")))


def make(raw: dict[str, Any]) -> Content:
    """Return the content for JSON with the structure of `WORKSPACE`."""
    return Content(
        users=tuple(User(**user | {"teams": tuple(user.get("teams", ()))}) for user in raw["users"]),
        channels=tuple(Channel(**{**one, "members": set(one["members"])}) for one in raw["channels"]),
        groups={group: tuple(members) for group, members in raw.get("groups", {}).items()},
        enterprise=raw.get("enterprise"),
    )
