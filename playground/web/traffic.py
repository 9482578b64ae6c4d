"""The traffic between Slack and the app, as lines: Web API calls, deliveries, and refusals."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

Json: TypeAlias = dict[str, Any]

SUBJECT = 600
"""Characters of a line's subject. The page shortens it once names and times are drawn."""


@dataclass
class Traffic:
    """All lines so far, and how far each of `Control.watch`'s lists is final."""

    lines: dict[tuple[str, int], Json] = field(default_factory=dict)
    _settled: dict[str, int] = field(default_factory=lambda: dict.fromkeys(_LISTS, 0))

    @property
    def cursors(self) -> dict[str, int]:
        """The numbers of entries that `Control.watch` shall omit."""
        return dict(self._settled)

    def update(self, watched: Json) -> list[Json]:
        """Take in a change, and return the lines that are new or changed."""
        changed = []
        for name, (told, ended) in _LISTS.items():
            first = self._settled[name]
            for number, raw in enumerate(watched[name], start=first):
                line = {"kind": name, "number": number, "at": raw["at"], **told(raw)}
                if self.lines.get((name, number)) != line:
                    self.lines[name, number] = line
                    changed.append(line)
                if number == self._settled[name] and ended(raw):
                    self._settled[name] += 1
        return changed


def _call(raw: Json) -> Json:
    args, answer = raw["args"], raw["answer"] or {}
    where = args.get("channel") or args.get("user") or args.get("view_id") or ""
    said = args.get("text") or ""
    return {
        "method": raw["method"],
        "where": where,
        "about": str(said)[:SUBJECT],
        "error": answer.get("error"),
        "lines": answer.get("errors", []),
        "trouble": raw.get("trouble"),
        "answered": raw["answer"] is not None,
    }


def _delivery(raw: Json) -> Json:
    payload = raw["payload"]
    return {
        "type": payload.get("type", raw["type"]),
        "who": payload.get("user_id") or payload.get("user", {}).get("id", ""),
        "about": _subject(payload)[:SUBJECT],
        "error": raw.get("error"),
        "times": raw.get("sent", 0),
        "seconds": raw.get("seconds"),
    }


def _subject(payload: Mapping[str, Any]) -> str:
    match payload:
        case {"command": command, "text": text}:
            return f"{command} {text}"
        case {"actions": [{"action_id": action}, *_]}:
            return str(action)
        case {"view": {"callback_id": view}}:
            return str(view)
        case {"event": {"type": event}}:
            return str(event)
        case _:
            return str(payload.get("callback_id", ""))


def _refusal(raw: Json) -> Json:
    return {"where": raw["where"], "code": raw["code"], "lines": raw["lines"]}


_Told: TypeAlias = tuple[Callable[[Json], Json], Callable[[Json], bool]]
_LISTS: dict[str, _Told] = {
    "calls": (_call, lambda raw: raw["answer"] is not None or bool(raw.get("trouble"))),
    "deliveries": (_delivery, lambda raw: "ack" in raw or bool(raw.get("error"))),
    "refused": (_refusal, lambda _: True),
}
"""For each watched list: the function that makes its lines, and whether a line is final."""
