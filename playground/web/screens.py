"""The screen of each person, and its unread messages."""

from collections.abc import Iterable
from typing import Any, TypeAlias

from playground.content import BOT_USER

Json: TypeAlias = dict[str, Any]

NOT_SHOWN = frozenset({"seen_by", "changed"})


class Screens:
    """Everybody's screens, from the answers of `Control.watch`."""

    def __init__(self, people: Iterable[str]) -> None:
        self._people = tuple(people)
        self._messages: dict[tuple[str, str], Json] = {}
        self._read: dict[tuple[str, str], str] = {}
        self.views: dict[str, Json] = {}
        self.homes: dict[str, Json] = {}
        self.channels: list[Json] = []

    def update(self, watched: Json) -> list[Json]:
        """Take in a change, and return its messages."""
        for message in watched["messages"]:
            self._messages[message["channel"], message["ts"]] = message
        self.views, self.homes = watched["views"], watched["homes"]
        self.channels = watched["channels"]
        changed: list[Json] = watched["messages"]
        return changed

    def read(self, person: str, channel: str, ts: str) -> None:
        """Mark a channel as read by a person, up to this message."""
        self._read[person, channel] = max(ts, self._read.get((person, channel), ""), key=_number)

    def screen(self, person: str) -> Json:
        """Return everything that this person sees."""
        return self.changes(person, list(self._messages.values()))

    def changes(self, person: str, changed: Iterable[Json]) -> Json:
        """Return those of these messages that this person sees, and all data that is small."""
        theirs = [one for one in changed if person in one["seen_by"]]
        return {
            "messages": [_shown(one) for one in theirs if not one["deleted"]],
            "gone": [[one["channel"], one["ts"]] for one in theirs if one["deleted"]],
            "view": self.views.get(person),
            "home": self.homes.get(person),
            "channels": [one for one in self.channels if person in one["members"]],
            "unread": {one: self.unread(one) for one in self._people},
        }

    def unread(self, person: str) -> dict[str, dict[str, int]]:
        """Return the counts of this person's unread messages and of their pings, by channel.

        They are counted as in Slack's clients (second-hand): without one's own messages, ephemeral ones and
        replies in threads. An edit makes nothing unread again. Every direct message counts as a ping.
        """
        found: dict[str, dict[str, int]] = {}
        for (channel, ts), message in self._messages.items():
            seen = person in message["seen_by"] and not message["deleted"] and not message["ephemeral_to"]
            root = message["thread_ts"] in {None, ts}
            read = self._read.get((person, channel), "0")
            if seen and root and message["user"] != person and _number(ts) > _number(read):
                counts = found.setdefault(channel, {"messages": 0, "pings": 0})
                counts["messages"] += 1
                counts["pings"] += calls_for(message, person)
        return found


def calls_for(message: Json, person: str) -> bool:
    """Return whether a message notifies this person: a direct one, or one that mentions them or everyone."""
    direct = message["channel"].startswith("D") and message["user"] == BOT_USER
    return direct or bool({f"@{person}", "!channel", "!here", "!everyone"} & set(message["pings"]))


def _shown(message: Json) -> Json:
    kept = {name: value for name, value in message.items() if name not in NOT_SHOWN}
    return kept | {"edits": len(message["edits"])}


def _number(ts: str) -> float:
    return float(ts or 0)
