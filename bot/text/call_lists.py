"""Sentences about call lists: why a row is left out, and why a list can't go on."""

from collections.abc import Sequence
from typing import Final

from bot.text.formatting import listed

FAULTY: Final = "with a fault"
DUPLICATE: Final = "duplicate"
STOPPED: Final = "blocked"
OUT_OF_HOURS: Final = "outside calling hours"
NO_ZONE: Final = "without a known time zone"
CANNOT: Final = "not possible"
"""Names of the reasons for which rows are left out, behind their count."""

STOPPED_NUMBER: Final = "Calls to this number are blocked."
ROW_GONE: Final = "This row was erased before its turn."
MAY_NOT: Final = "Only the requester, the approvers and people who may pause calls can pause or stop a list."
NOTHING_LEFT: Final = "No line of this file can be used."
FORGOTTEN: Final = "This list was checked more than a day ago, or requested already. Open the form again."
SCOPE_MISSING: Final = "The Slack app may not read files. Ask your CallOps admin to add files:read."
FILE_GONE: Final = "Slack no longer has this file. Choose it again."
FILE_TOO_LARGE: Final = "The file is larger than 8 MB. Split it into several."
SLACK_IS_BUSY: Final = "Slack asks us to wait. Try again in a minute."
NOT_DOWNLOADED: Final = "The file couldn't be read from Slack. Try again."
NOT_CHECKED: Final = "The file couldn't be checked. Try again in a minute."
NO_FILE: Final = "Choose a CSV file."
CANNOT_DO_THAT: Final = "This connection can't do that. Choose another one."


def no_agent(names: Sequence[str]) -> str:
    if not names:
        return "This connection has no voice agents. Leave this empty."
    return f"No voice agent of this connection. Known: {listed(sorted(names), 'and')}."


def same_as(line: int) -> str:
    return f"The same call as in line {line}."


def fault(column: str, reason: str) -> str:
    return f"{column}: {reason}" if column else reason


def under_way(request: str) -> str:
    return f"{request} cancels it already."
