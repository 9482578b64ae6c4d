"""The state of the playground's Slack: messages, views, who sees them, and their history."""

import asyncio
import copy
import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import count
from typing import Any, TypeAlias

from playground import PlaygroundError, forms
from playground.content import APP_ID, BOT_ID, BOT_USER, TEAM_ID, Channel, Content, User
from playground.files import Upload

Json: TypeAlias = dict[str, Any]

MAX_STACK = 3  # docs.slack.dev/reference/methods/views.push: two beside the root; read 2026-11
RESPONSE_URL_USES = 5  # second-hand


class RefusedError(PlaygroundError):
    """Slack would refuse this, with an error code and lines for `response_metadata.messages`."""

    def __init__(self, code: str, lines: list[str] | None = None, **extra: object) -> None:
        super().__init__(code)
        self.code, self.lines, self.extra = code, lines or [], extra


@dataclass(frozen=True)
class Patience:
    """Slack's time limits, in seconds."""

    ack: float = 3.0  # docs.slack.dev/tools/bolt-python/concepts/acknowledge, read 2026-11
    trigger: float = 3.0  # second-hand: a trigger_id expires after 3 s
    response_url: float = 30 * 60  # second-hand, as is the number of uses
    # at once, after a minute, after five: github.com/vercel/chat/issues/666, read 2026-11
    event_retries: tuple[float, ...] = (0.0, 60.0, 300.0)


@dataclass
class Message:
    """A message and its earlier versions. Only one person sees an ephemeral one."""

    ts: str
    channel: str
    user: str
    text: str
    blocks: list[Json]
    thread_ts: str | None = None
    ephemeral_to: str | None = None
    deleted: bool = False
    edits: list[Json] = field(default_factory=list)
    changed: int = 0
    in_reply_to: str | None = None  # the command that an ephemeral or in_channel response answers

    def for_app(self) -> Json:
        """Return the message as the Web API and interaction payloads show it."""
        made: Json = {"type": "message", "user": self.user, "ts": self.ts, "text": self.text, "team": TEAM_ID}
        if self.user == BOT_USER:
            made |= {"bot_id": BOT_ID, "app_id": APP_ID}
        made |= {"blocks": self.blocks} if self.blocks else {}
        return made | ({"thread_ts": self.thread_ts} if self.thread_ts else {})


@dataclass
class View:
    """A modal in a person's stack or a Home tab, with its typed values and every earlier version."""

    id: str
    person: str
    payload: Json
    hash: str
    root_id: str
    previous_id: str | None
    typed: dict[str, Json] = field(default_factory=dict)
    errors: dict[str, str] = field(default_factory=dict)
    closed: bool = False
    versions: list[Json] = field(default_factory=list)
    changed: int = 0


@dataclass
class Trigger:
    """A `trigger_id`: its person, time and use. `view_id` is set if it came from a modal."""

    person: str
    at: float
    view_id: str | None = None
    used: bool = False


@dataclass
class Hook:
    """A `response_url`: its channel, and the message that it came from."""

    person: str
    channel: str
    at: float
    source: Message | None = None
    uses: int = 0


class Workspace:
    """The whole state, without I/O. `clock` returns seconds since 1970."""

    def __init__(self, content: Content, patience: Patience, clock: Callable[[], float]) -> None:
        self.patience, self.clock = patience, clock
        self._content = content
        self.changes = 0
        self._changed = asyncio.Event()
        self._number = count(1)
        self._last = 0
        self.start_over()

    def start_over(self) -> None:
        """Return to the initial state."""
        content = self._content
        self.enterprise = content.enterprise
        self.users: dict[str, User] = {user.id: user for user in content.users}
        self.channels: dict[str, Channel] = {one.id: copy.deepcopy(one) for one in content.channels}
        self.groups = dict(content.groups)
        self.away: set[str] = set()
        self.messages: list[Message] = []
        self.views: dict[str, View] = {}
        self.stacks: dict[str, list[View]] = {}
        self.homes: dict[str, View] = {}
        self.triggers: dict[str, Trigger] = {}
        self.hooks: dict[str, Hook] = {}
        self.uploads: dict[str, Upload] = {}
        self.journal: list[Json] = []
        self.faults: list[Json] = []
        self.touch()

    # Notification of waiters.

    def touch(self) -> int:
        """Count a change, wake its waiters, and return its number."""
        self.changes += 1
        self._changed.set()
        self._changed = asyncio.Event()
        return self.changes

    async def changed_since(self, number: int) -> int:
        """Wait for a change after that number, and return the newest change's number."""
        while self.changes <= number:
            await self._changed.wait()
        return self.changes

    def fault(self, where: str, code: str, lines: list[str], payload: object) -> None:
        """Record a payload that Slack refused, or that no careful app would send. Tests expect none."""
        self.faults.append(
            {"at": self.clock(), "where": where, "code": code, "lines": lines, "payload": payload}
        )
        self.touch()

    # Ids of new things.

    def new_id(self, prefix: str) -> str:
        """Return an id like Slack's: a letter and capitals."""
        return f"{prefix}0{next(self._number):06X}"

    def new_ts(self) -> str:
        """Return a unique `ts` of a message: seconds and microseconds."""
        self._last = max(int(self.clock() * 1e6), self._last + 1)
        return f"{self._last // 1_000_000}.{self._last % 1_000_000:06d}"

    def new_trigger(self, person: str, view_id: str | None = None) -> str:
        """Return a `trigger_id` for an act of this person."""
        made = f"{next(self._number)}.{int(self.clock())}.{secrets.token_hex(16)}"
        self.triggers[made] = Trigger(person, self.clock(), view_id)
        return made

    # Channels.

    def channel(self, name: str) -> Channel:
        """Return a channel by id or #name, or the direct message with a person by the person's id."""
        # docs.slack.dev/reference/methods/chat.postMessage, "Channels", second-hand
        if name in self.users:
            return self.direct(self.users[name])
        for channel in self.channels.values():
            if name in {channel.id, f"#{channel.name}", channel.name}:
                return channel
        raise RefusedError("channel_not_found")

    def direct(self, user: User) -> Channel:
        """Return the direct message between the app and a person."""
        if user.is_bot:
            raise RefusedError("cannot_dm_bot")  # assumed: conversations.open says so
        if user.is_stranger or user.deleted:  # assumed: the documents name no code for either
            raise RefusedError("channel_not_found")
        known = f"D0{user.id.removeprefix('U0')}"
        made = Channel(known, "directmessage", {user.id, BOT_USER}, private=True, direct=user.id)
        return self.channels.setdefault(known, made)

    # Messages.

    def announce(self, name: str, length: int) -> Upload:
        """Announce a file."""
        made = Upload(f"F{next(self._number):07}", name, length, created=int(self.clock()))
        self.uploads[made.id] = made
        return made

    def post(self, message: Message) -> Message:
        """Show a message."""
        message.blocks = self.with_ids(message.blocks)
        message.changed = self.touch()
        self.messages.append(message)
        return message

    def edit(self, message: Message, text: str, blocks: list[Json]) -> None:
        """Replace a message's content, and keep the earlier version."""
        message.edits.append({"text": message.text, "blocks": message.blocks, "until": self.clock()})
        message.text, message.blocks = text, self.with_ids(blocks)
        message.changed = self.touch()

    def delete(self, message: Message) -> None:
        """Delete a message."""
        message.deleted, message.changed = True, self.touch()

    def find(self, channel: str, ts: str) -> Message:
        """Return a message that the Web API can reach. It cannot reach ephemeral ones."""
        for message in self.messages:
            if (message.channel, message.ts) == (channel, ts) and not (
                message.deleted or message.ephemeral_to
            ):
                return message
        raise RefusedError("message_not_found")

    def seen_by(self, person: str) -> Iterator[Message]:
        """Yield the messages that this person can see."""
        for message in self.messages:
            channel = self.channels[message.channel]
            theirs = message.ephemeral_to in {None, person}
            if theirs and not message.deleted and person in channel.members:
                yield message

    def with_ids(self, blocks: list[Json]) -> list[Json]:
        """Return blocks with missing block_ids and action_ids filled in, as Slack does."""
        # the types say of block_id: "If not specified, a block_id will be generated"
        return [self._with_ids(block) for block in blocks]

    def _with_ids(self, block: Json) -> Json:
        made = {"block_id": secrets.token_hex(3), **block}
        for name in ("element", "accessory"):
            if name in made:
                made[name] = {"action_id": secrets.token_hex(3), **made[name]}
        if made["type"] == "actions":
            made["elements"] = [{"action_id": secrets.token_hex(3), **one} for one in made["elements"]]
        return made

    # Views.

    def exchange(self, trigger_id: str) -> Trigger:
        """Use a trigger. It is valid once, and only for a short time."""
        trigger = self.triggers.get(trigger_id)
        if trigger is None:
            raise RefusedError("invalid_trigger_id")
        if trigger.used:
            raise RefusedError("exchanged_trigger_id")
        if self.clock() - trigger.at > self.patience.trigger:
            raise RefusedError("expired_trigger_id")
        trigger.used = True
        return trigger

    def show(self, person: str, payload: Json, *, push: bool) -> View:
        """Show a view to a person: as the root, or on top of the open one."""
        stack = self.stacks.setdefault(person, [])
        if push and len(stack) >= MAX_STACK:
            raise RefusedError("push_limit_reached")
        self._external_id_is_new(payload)
        if not push:
            self.take_away(person, len(stack))
        previous = stack[-1].id if stack else None
        made = self.new_id("V")
        root = stack[0].id if stack else made
        view = View(made, person, {}, "", root, previous)
        self._fill(view, payload)
        stack.append(view)
        self.views[made] = view
        return view

    def publish(self, person: str, payload: Json) -> View:
        """Show a view in a person's Home tab."""
        home = self.homes.get(person)
        if home:
            self.replace(home, payload)
        else:
            made = self.new_id("V")
            home = self.homes[person] = self.views[made] = View(made, person, {}, "", made, None)
            self._fill(home, payload)
        return home

    def replace(self, view: View, payload: Json) -> None:
        """Replace an open view's content. Typed values stay where block and action keep their ids."""
        # second-hand: input state is kept for the same block_id and action_id, a new initial value ignored
        self._external_id_is_new(payload, view)
        view.versions.append({**view.payload, "hash": view.hash})
        view.typed = forms.values(view.payload["blocks"], view.typed)
        self._fill(view, payload)

    def take_away(self, person: str, how_many: int = 1) -> list[View]:
        """Close the topmost views of a person."""
        stack = self.stacks.get(person, [])
        gone = [stack.pop() for _ in range(min(how_many, len(stack)))]
        for view in gone:
            view.closed, view.changed = True, self.touch()
        return gone

    def top(self, person: str) -> View | None:
        """Return the view that this person sees, or None."""
        stack = self.stacks.get(person)
        return stack[-1] if stack else None

    def open_view(self, view_id: str | None, external_id: str | None = None) -> View:
        """Return an open view, by either of its ids."""
        for view in self.views.values():
            named = view.id == view_id or (external_id and view.payload.get("external_id") == external_id)
            if named and not view.closed:
                return view
        raise RefusedError("not_found")

    def view_for_app(self, view: View) -> Json:
        """Return the view as the Web API and interaction payloads show it."""
        defaults: Json = {"private_metadata": "", "callback_id": "", "external_id": "", "close": None}
        defaults |= {
            "submit": None,
            "clear_on_close": False,
            "notify_on_close": False,
            "submit_disabled": False,
        }
        return {
            **defaults,
            **view.payload,
            "id": view.id,
            "team_id": TEAM_ID,
            "state": {"values": {}},
            "hash": view.hash,
            "previous_view_id": view.previous_id,
            "root_view_id": view.root_id,
            "app_id": APP_ID,
            "app_installed_team_id": TEAM_ID,
            "bot_id": BOT_ID,
        }

    def _fill(self, view: View, payload: Json) -> None:
        view.payload = {**payload, "blocks": self.with_ids(payload["blocks"])}
        view.hash = f"{int(self.clock())}.{secrets.token_hex(4)}"
        view.errors, view.changed = {}, self.touch()

    def _external_id_is_new(self, payload: Json, but: View | None = None) -> None:
        external = payload.get("external_id")
        taken = (v for v in self.views.values() if v.payload.get("external_id") == external and v is not but)
        if external and any(not view.closed for view in taken):
            raise RefusedError("duplicate_external_id")

    # response_url.

    def new_hook(self, person: str, channel: str, source: Message | None = None) -> str:
        """Return the secret end of a new `response_url`."""
        made = secrets.token_urlsafe(18)
        self.hooks[made] = Hook(person, channel, self.clock(), source)
        return made

    def use_hook(self, secret: str) -> Hook:
        """Use a `response_url` once more, while it is valid."""
        hook = self.hooks.get(secret)
        if hook is None:
            raise RefusedError("invalid_url")
        if self.clock() - hook.at > self.patience.response_url:
            raise RefusedError("expired_url")
        if hook.uses >= RESPONSE_URL_USES:
            raise RefusedError("used_url")
        hook.uses += 1
        return hook
