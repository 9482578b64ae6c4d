"""Turns people's acts into Slack's requests to the app, and the app's answers into people's screens.

The payloads have the structure of those with which Slack's own SDKs are tested (bolt-python, read 2026-11).
The error messages for people are second-hand: issues of slackapi/java-slack-sdk (885), integrations/slack
(352).
"""

import asyncio
import base64
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from playground import PlaygroundError, forms
from playground.blocks import elements
from playground.content import APP_ID, BOT_USER, TEAM_ID, Channel, User
from playground.files import Upload, objection
from playground.manifest import Manifest
from playground.socket_mode import SocketMode, UndeliveredError
from playground.webapi import WebApi
from playground.workspace import Json, Message, RefusedError, View, Workspace

DOMAIN = "callops"
VERIFICATION = "playground-verification"  # the payloads' old `token`, which nobody checks
TROUBLE = (
    "We had some trouble connecting. Try again?"  # a modal's message after a submit without a valid answer
)


class ImpossibleError(PlaygroundError):
    """Slack's client would not let this person do that."""


@dataclass(frozen=True)
class Interactions:
    """The ways in which people reach the app. Each returns the error code that the person sees, or None."""

    workspace: Workspace
    manifest: Manifest
    socket: SocketMode
    api: WebApi
    hook_url: Callable[[str, str], str]

    async def command(self, person: str, channel: str, command: str, text: str) -> str | None:
        """Type a slash command into a channel. `text` is as Slack sends it."""
        user, place = self.workspace.users[person], self._channel_of(person, channel)
        if self.manifest.commands is not None and command not in self.manifest.commands:
            return "invalid_command"  # the client says: /… is not a valid command
        payload = {
            "token": VERIFICATION,
            "team_id": self._team_of(user),
            "team_domain": DOMAIN,
            **({"enterprise_id": self.workspace.enterprise} if self.workspace.enterprise else {}),
            "channel_id": place.id,
            "channel_name": place.name,
            "user_id": person,
            "user_name": user.name,
            "command": command,
            "text": text,
            "api_app_id": APP_ID,
            "is_enterprise_install": "false",
            "response_url": self.hook_url("commands", self.workspace.new_hook(person, place.id)),
            "trigger_id": self.workspace.new_trigger(person),
        }
        try:
            answer = await self.socket.deliver("slash_commands", payload)
            if answer:
                self._respond(person, place.id, answer, f"ack of {command}", said=f"{command} {text}".strip())
        except UndeliveredError as undelivered:
            return str(undelivered)
        except RefusedError:
            return "invalid_command_response"
        return None

    async def click(self, person: str, where: Json, value: object, *, confirmed: bool) -> Json:
        """Press or choose an element of a message or modal.

        `where` describes the element. With `stale`, the person's screen does not show the message's last edit
        yet. `times` presses are sent before the first one is answered.
        """
        message, view = self._looked_at(person, where)
        found = view.payload["blocks"] if view else message.blocks if message else []
        if where.get("stale") and message and message.edits:
            found = message.edits[-1]["blocks"]
        block, element = self._element(found, where)
        confirm = element.get("confirm")
        if confirm and not confirmed:
            return {"error": None, "confirm": confirm}
        if not self.manifest.interactivity:
            raise ImpossibleError("the manifest does not turn interactivity on")
        action: Json = {
            "action_id": element["action_id"],
            "block_id": block["block_id"],
            "type": element["type"],
        }
        if element["type"] == "button":
            action |= {name: element[name] for name in ("text", "value", "style") if name in element}
        else:
            entry = forms.entered(element, value)
            action |= entry
            if view:
                view.typed.setdefault(block["block_id"], {})[element["action_id"]] = entry
        payloads = []
        for _ in range(where.get("times", 1)):
            pressed = action | {"action_ts": self.workspace.new_ts()}
            payload = self._interaction("block_actions", person, view) | {"actions": [pressed]}
            payloads.append(payload | self._container(person, message, view))
        codes = await asyncio.gather(*map(self._deliver_empty, payloads))
        return {"error": next(filter(None, codes), None), "confirm": confirm}

    def fill(self, person: str, view_id: str, typed: Iterable[Json]) -> None:
        """Type into the inputs of an open modal."""
        view = self._open_view(person, view_id)
        for one in typed:
            block, element = self._element(view.payload["blocks"], one)
            entry = forms.entered(element, one["value"])
            view.typed.setdefault(block["block_id"], {})[element["action_id"]] = entry
        view.changed = self.workspace.touch()

    def pick(self, person: str, view_id: str, where: Json) -> Json:
        """Pick files in an element of an open modal, and upload them at once. No files clear the element.

        Files join the earlier ones, and replace a single one (assumed: no document says it). ``errors`` are
        the client's own. ``where`` names the element, and has the files' names and their content in base64.
        """
        view = self._open_view(person, view_id)
        block, element = self._element(view.payload["blocks"], where)
        if element["type"] != "file_input":
            raise ImpossibleError(f"{element['action_id']} takes no files")
        typed = view.typed.setdefault(block["block_id"], {})
        earlier = typed.get(element["action_id"], {"files": []})["files"]
        kept = earlier if where["files"] and element.get("max_files") != 1 else []
        picked = [self._upload(person, one) for one in where["files"]]
        why = objection(element, [self.workspace.uploads[one["id"]] for one in kept] + picked)
        view.errors = {name: text for name, text in view.errors.items() if name != block["block_id"]}
        if why:
            view.errors[block["block_id"]] = why
        else:
            found = [*kept, *map(self.api.file, picked)]
            typed[element["action_id"]] = {"type": "file_input", "files": found}
        view.changed = self.workspace.touch()
        return {"error": None, "errors": {block["block_id"]: why} if why else {}}

    def _upload(self, person: str, one: Json) -> Upload:
        sent = base64.b64decode(one["content"], validate=True)
        made = self.workspace.announce(str(one["name"]), len(sent))
        made.content, made.user = sent, person
        return made

    async def submit(self, person: str, view_id: str) -> Json:
        """Press a modal's submit button. `errors` are the client's own messages, or the app's."""
        view = self._open_view(person, view_id)
        if not view.payload.get("submit"):
            raise ImpossibleError("this modal has no submit button")
        state = forms.values(view.payload["blocks"], view.typed)
        if errors := forms.objections(view.payload["blocks"], state):
            view.errors, view.changed = errors, self.workspace.touch()
            return {"error": None, "errors": errors}
        payload = self._interaction("view_submission", person, view)
        payload = {"enterprise": None} | payload | {"response_urls": [], "is_enterprise_install": False}
        payload["view"]["state"] = {"values": state}
        view.errors = {}
        try:
            answer = await self.socket.deliver("interactive", payload)
            self._answered(view, answer or {})
        except UndeliveredError as undelivered:
            return {"error": str(undelivered), "errors": {}}
        except RefusedError:
            return {"error": TROUBLE, "errors": {}}
        return {"error": None, "errors": view.errors}

    async def close(self, person: str, view_id: str) -> None:
        """Close the modal on top. The app is notified only if it asked for that."""
        view = self._open_view(person, view_id)
        clears = bool(view.payload.get("clear_on_close"))
        gone = self.workspace.take_away(person, len(self.workspace.stacks[person]) if clears else 1)
        for one in gone:
            if one.payload.get("notify_on_close"):
                payload = self._interaction("view_closed", person, one) | {"is_cleared": clears}
                payload.pop("trigger_id")
                await self._deliver_empty(payload | {"response_urls": []})

    def open_home(self, person: str) -> None:
        """Open the app's Home tab. The app is told of it, with what the tab showed."""
        if not self.manifest.home_tab:
            raise ImpossibleError("the manifest turns the Home tab off")
        # docs.slack.dev/reference/events/app_home_opened, read 2026-11
        event: Json = {"type": "app_home_opened", "user": person, "tab": "home"}
        user = self.workspace.users[person]
        if not (user.is_bot or user.is_stranger or user.deleted):
            event["channel"] = self.workspace.direct(user).id
        if home := self.workspace.homes.get(person):
            event["view"] = self.workspace.view_for_app(home)
        if self.manifest.events is None or event["type"] in self.manifest.events:
            self.event(event)

    async def shortcut(
        self, person: str, callback_id: str, channel: str | None, ts: str | None
    ) -> str | None:
        """Use a global shortcut or, with a message, a message shortcut."""
        wanted = ("message" if ts else "global", callback_id)
        if self.manifest.shortcuts is not None and wanted not in self.manifest.shortcuts:
            raise ImpossibleError(f"the manifest has no {wanted[0]} shortcut {callback_id}")
        payload = self._interaction("message_action" if ts else "shortcut", person, None)
        payload |= {"callback_id": callback_id, "action_ts": self.workspace.new_ts()}
        if channel and ts:
            place, message = self._channel_of(person, channel), self.workspace.find(channel, ts)
            hook = self.hook_url("app", self.workspace.new_hook(person, channel, message))
            payload |= {"channel": {"id": place.id, "name": place.name}, "message_ts": ts}
            payload |= {"message": message.for_app(), "response_url": hook}
        return await self._deliver_empty(payload)

    def say(self, person: str, channel: str, text: str, thread_ts: str | None) -> Message:
        """Write a message in a channel, as a person."""
        place = self._channel_of(person, channel)
        return self.workspace.post(Message(self.workspace.new_ts(), place.id, person, text, [], thread_ts))

    def event(self, event: Json) -> None:
        """Publish an event to the app through the Events API."""
        body = {"token": VERIFICATION, "team_id": TEAM_ID, "api_app_id": APP_ID, "type": "event_callback"}
        stamp = {"event_ts": self.workspace.new_ts(), **event}
        more = {"event_id": self.workspace.new_id("Ev"), "event_time": int(self.workspace.clock())}
        account: Json = {"team_id": TEAM_ID, "enterprise_id": self.workspace.enterprise}
        account |= {"user_id": BOT_USER, "is_bot": True}
        authorizations = [account | {"is_enterprise_install": False}]
        self.socket.publish(body | {"event": stamp} | more | {"authorizations": authorizations})

    def respond(self, secret: str, body: Json) -> None:
        """Handle the app's request to a `response_url`."""
        hook = self.workspace.use_hook(secret)
        if body.get("delete_original"):
            if hook.source:
                self.workspace.delete(hook.source)
        elif body.get("replace_original") and hook.source and not hook.source.deleted:
            text, content = self.api.content("response_url", body)
            self.workspace.edit(hook.source, text, content)
        else:  # a command's response_url has no message to replace, so it posts a new one
            self._respond(hook.person, hook.channel, body, "response_url")

    def _respond(self, person: str, channel: str, answer: Json, where: str, said: str | None = None) -> None:
        text, content = self.api.content(where, answer)
        private = answer.get("response_type", "ephemeral") != "in_channel"
        ts, thread = self.workspace.new_ts(), answer.get("thread_ts")
        made = Message(ts, channel, BOT_USER, text, content, thread, ephemeral_to=person if private else None)
        made.in_reply_to = said
        self.workspace.post(made)

    def _answered(self, view: View, answer: Json) -> None:
        # docs.slack.dev/tools/bolt-python/concepts/acknowledge and view-submissions, read 2026-11
        match answer:
            case {"response_action": "errors", "errors": dict(errors)} if errors:
                inputs = {b["block_id"] for b in view.payload["blocks"] if b["type"] == "input"}
                if strange := sorted(set(errors) - inputs):
                    raise self._faulty(f"errors for {', '.join(strange)}, which are no input blocks", answer)
                view.errors, view.changed = dict(errors), self.workspace.touch()
            case {"response_action": "update", "view": payload}:
                self.workspace.replace(view, self.api.view("ack of view_submission", payload))
            case {"response_action": "push", "view": payload}:
                content = self.api.view("ack of view_submission", payload)
                self.workspace.show(view.person, content, push=True)
            case {"response_action": "clear"}:
                self.workspace.take_away(view.person, len(self.workspace.stacks[view.person]))
            case _ if not answer:
                if not view.closed and self.workspace.top(view.person) is view:
                    self.workspace.take_away(view.person)
            case _:
                raise self._faulty("an answer that is no response_action", answer)

    def _faulty(self, line: str, answer: Json) -> RefusedError:
        self.workspace.fault("ack of view_submission", "invalid_response", [line], answer)
        return RefusedError("invalid_response", [line])

    async def _deliver_empty(self, payload: Json) -> str | None:
        """Deliver a payload that needs an empty ack. Return the error code, or None."""
        try:
            answer = await self.socket.deliver("interactive", payload)
        except UndeliveredError as undelivered:
            return str(undelivered)
        if answer:
            self.workspace.fault(f"ack of {payload['type']}", "not_empty", ["the ack must be empty"], answer)
        return None

    def _interaction(self, kind: str, person: str, view: View | None) -> Json:
        user = self.workspace.users[person]
        who = {"id": person, "username": user.name, "name": user.name, "team_id": user.team_id}
        trigger = self.workspace.new_trigger(person, view.id if view else None)
        payload: Json = {"type": kind, "user": who, "team": {"id": TEAM_ID, "domain": DOMAIN}}
        if self.workspace.enterprise:  # as in bolt-js's types of interactions, read 2026-11
            payload["team"]["enterprise_id"] = self.workspace.enterprise
            payload["enterprise"] = {"id": self.workspace.enterprise, "name": "CallOps Group"}
        payload |= {"api_app_id": APP_ID, "token": VERIFICATION, "trigger_id": trigger}
        return payload | ({"view": self.workspace.view_for_app(view)} if view else {})

    def _container(self, person: str, message: Message | None, view: View | None) -> Json:
        if view:
            values = forms.values(view.payload["blocks"], view.typed)
            shown = self.workspace.view_for_app(view) | {"state": {"values": values}}
            return {"container": {"type": "view", "view_id": view.id}, "view": shown}
        if not message:
            raise ImpossibleError("nothing to press")
        place, private = self.workspace.channels[message.channel], bool(message.ephemeral_to)
        container = {
            "type": "message",
            "message_ts": message.ts,
            "channel_id": place.id,
            "is_ephemeral": private,
        }
        url = self.hook_url("actions", self.workspace.new_hook(person, place.id, message))
        payload = {
            "container": container,
            "channel": {"id": place.id, "name": place.name},
            "response_url": url,
        }
        payload["state"] = {"values": forms.values(message.blocks, {})}
        return payload if private else payload | {"message": message.for_app()}

    def _team_of(self, user: User) -> str | None:
        """Return the workspace in which a command is typed: ours for its members, wherever their home is."""
        return TEAM_ID if TEAM_ID in user.teams else user.team_id

    def _channel_of(self, person: str, channel: str) -> Channel:
        place = self.workspace.channel(channel)
        if person not in place.members:
            raise ImpossibleError(f"{person} is not in {place.name}")
        return place

    def _looked_at(self, person: str, where: Json) -> tuple[Message | None, View | None]:
        if view_id := where.get("view_id"):
            return None, self._open_view(person, view_id)
        for message in self.workspace.seen_by(person):
            if (message.channel, message.ts) == (where.get("channel"), where.get("ts")):
                return message, None
        raise ImpossibleError(f"{person} sees no such message")

    def _open_view(self, person: str, view_id: str) -> View:
        view, home = self.workspace.top(person), self.workspace.homes.get(person)
        if home and home.id == view_id:
            return home
        if view is None or view.id != view_id:
            raise ImpossibleError(f"{person} does not look at {view_id}")
        return view

    def _element(self, found: list[Json], where: Json) -> tuple[Json, Json]:
        """Return the only element that matches `block_id`, `action_id` and `text` (on it, or its label)."""
        matches = []
        for block in found:
            for element in elements(block):
                shown = block.get("label") or element.get("text") or {}
                label = shown.get("text")
                facts = {"block_id": block["block_id"], "action_id": element["action_id"], "text": label}
                if all(where.get(name) in {None, fact} for name, fact in facts.items()):
                    matches.append((block, element))
        if len(matches) != 1:
            asked = {name: where[name] for name in ("block_id", "action_id", "text") if where.get(name)}
            raise ImpossibleError(f"{len(matches)} elements there are {asked}")
        return matches[0]
