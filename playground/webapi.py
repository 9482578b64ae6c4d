"""The Web API's methods for the workspace, which refuse what Slack refuses, with Slack's codes.

Each method's errors are those of its page, docs.slack.dev/reference/methods/<method>, for chat.* and views.*
as kept in github.com/slack-ruby/slack-api-ref (read 2026-11). Facts that no document states are marked
assumed.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from playground import blocks
from playground.content import APP_ID, APP_TOKEN, BOT_ID, BOT_TOKEN, BOT_USER, TEAM_ID, Channel, User
from playground.files import Upload, file_object
from playground.manifest import Manifest
from playground.workspace import Json, Message, RefusedError, View, Workspace

MAX_UPDATED_TEXT = 4000  # chat.update, msg_too_long; second-hand
MISSING = "missing required field: "
HOME = "https://callops.slack.com/"


@dataclass(frozen=True)
class Method:
    """A method: its function, the bot scope that it needs, and the kind of its token.

    If it has several scopes, its arguments decide which one it needs.
    """

    run: Callable[["WebApi", Json], Json]
    scope: str | None = None
    scopes: tuple[str, ...] = ()
    app_token: bool = False


class WebApi:
    """The methods that the playground knows, for one workspace and one app."""

    def __init__(
        self, workspace: Workspace, manifest: Manifest, connect: Callable[[], str], address: str
    ) -> None:
        self.workspace, self.manifest = workspace, manifest
        self._connect, self._address = connect, address

    def call(self, name: str, token: str | None, args: Json) -> Json:
        """Perform a method, and return the JSON that Slack would answer, `ok` or not."""
        try:
            return {"ok": True, **self._allowed(name, token).run(self, args)}
        except RefusedError as refused:
            extra: Json = {}
            if refused.lines:
                # The form of Slack's answers: github.com/slackapi/bolt-js/issues/793 and many like it
                lines = [f"[ERROR] {line}" for line in refused.lines]
                extra = {"errors": refused.lines, "response_metadata": {"messages": lines}}
            return {"ok": False, "error": refused.code, **refused.extra, **extra}

    def _allowed(self, name: str, token: str | None) -> Method:
        method = METHODS.get(name)
        if method is None:
            raise RefusedError("unknown_method", req_method=name)
        if not token:
            raise RefusedError("not_authed")
        if token not in {BOT_TOKEN, APP_TOKEN}:
            raise RefusedError("invalid_auth")
        if name != "auth.test" and method.app_token != (token == APP_TOKEN):
            raise RefusedError("not_allowed_token_type")
        if method.scope:
            self._need(method.scope)
        return method

    def _need(self, scope: str) -> None:
        if self.manifest.scopes is not None and scope not in self.manifest.scopes:
            provided = ",".join(self.manifest.scopes)
            raise RefusedError("missing_scope", needed=scope, provided=provided)

    # Session.

    def auth_test(self, _args: Json) -> Json:
        """Return the identity of the token."""
        bot = self.workspace.users[BOT_USER]
        return {
            "url": HOME,
            "team": "CallOps",
            "user": bot.name,
            "team_id": TEAM_ID,
            "user_id": bot.id,
            "bot_id": BOT_ID,
            "app_id": APP_ID,
            "is_enterprise_install": False,
            # api.slack.com/enterprise/grid/developing: present for a workspace of an organisation
            **({"enterprise_id": self.workspace.enterprise} if self.workspace.enterprise else {}),
        }

    def connections_open(self, _args: Json) -> Json:
        """Return the address of a new Socket Mode connection, valid once."""
        return {"url": self._connect()}

    # Messages.

    def post_message(self, args: Json) -> Json:
        """Post into a channel, a thread, or a direct message."""
        text, content = self.content("chat.postMessage", args)
        channel = self._writable(args)
        thread = self._thread(channel, args.get("thread_ts"))
        made = Message(self.workspace.new_ts(), channel.id, BOT_USER, text, content, thread)
        self.workspace.post(made)
        return {"channel": channel.id, "ts": made.ts, "message": made.for_app()}

    def post_ephemeral(self, args: Json) -> Json:
        """Show a message to one person in a channel."""
        text, content = self.content("chat.postEphemeral", args)
        channel, user = self._writable(args), str(args.get("user") or "")
        if user not in channel.members:
            raise RefusedError("user_not_in_channel")
        thread = self._thread(channel, args.get("thread_ts"))
        made = Message(
            self.workspace.new_ts(), channel.id, BOT_USER, text, content, thread, ephemeral_to=user
        )
        self.workspace.post(made)
        return {"message_ts": made.ts}

    def update(self, args: Json) -> Json:
        """Edit one of the app's messages."""
        channel = self.workspace.channel(_needed(args, "channel"))
        if args["channel"] != channel.id:  # "ensure that this value is a DM ID", not a user id or a name
            raise RefusedError("channel_not_found")
        message = self._own(channel, _needed(args, "ts"), "cant_update_message")
        # "If text is provided and blocks are not, the blocks will be removed." Without text they stay.
        kept = {"blocks": message.blocks, "text": message.text} if "text" not in args else {}
        text, content = self.content("chat.update", {**kept, **args})
        if len(text) > MAX_UPDATED_TEXT:
            raise self._faulty("chat.update", "msg_too_long", [], args)
        self.workspace.edit(message, text, content)
        return {"channel": channel.id, "ts": message.ts, "text": text, "message": message.for_app()}

    def delete(self, args: Json) -> Json:
        """Delete one of the app's messages."""
        channel = self.workspace.channel(_needed(args, "channel"))
        message = self._own(channel, _needed(args, "ts"), "cant_delete_message")
        self.workspace.delete(message)
        return {"channel": channel.id, "ts": message.ts}

    def permalink(self, args: Json) -> Json:
        """Return the address of a message. It needs no scope."""
        channel = self._known(_needed(args, "channel"))
        message = self.workspace.find(channel.id, _needed(args, "message_ts"))
        address = f"{HOME}archives/{channel.id}/p{message.ts.replace('.', '')}"
        if message.thread_ts not in {None, message.ts}:
            address += f"?thread_ts={message.thread_ts}&cid={channel.id}"
        return {"channel": channel.id, "permalink": address}

    def content(self, where: str, args: Mapping[str, object]) -> tuple[str, list[Json]]:
        """Return the text and blocks of a message, if Slack would accept them."""
        found = _decoded(args.get("blocks"), "invalid_blocks_format")
        text = args.get("text") or ""
        if not isinstance(text, str) or not (text or found):
            raise self._faulty(where, "no_text", [], args)
        if isinstance(found, list) and blocks.characters(found) > blocks.MAX_MESSAGE_CHARACTERS:
            raise self._faulty(where, "msg_blocks_too_long", [], args)
        text = text[: blocks.MAX_TEXT]  # chat.postMessage: longer text is truncated
        lines = blocks.faults("message", {"text": text, "blocks": found or None})
        refused = [line for line in lines if line != blocks.WITHOUT_TEXT]
        if refused:
            raise self._faulty(where, "invalid_blocks", refused, args)
        if lines:  # Slack accepts these faults, but we record them
            self.workspace.fault(where, "accepted", lines, args)
        return text, found if isinstance(found, list) else []

    # Files: docs.slack.dev/messaging/working-with-files, the two steps around sending the bytes; read 2026-11

    def upload_url(self, args: Json) -> Json:
        """Return the address to which a file of this name and length is to be sent."""
        length = str(args.get("length") or "")
        if not length.isdecimal() or int(length) == 0:
            raise RefusedError("invalid_arguments", [f"{MISSING}length"])
        made = self.workspace.announce(_needed(args, "filename"), int(length))
        return {"upload_url": f"{self._address}/upload/v1/{made.id}", "file_id": made.id}

    def complete_upload(self, args: Json) -> Json:
        """Share sent files into a conversation, with a comment."""
        told = _decoded(args.get("files"), "invalid_arguments")
        channel = self.workspace.channel(_needed(args, "channel_id"))
        if args["channel_id"] != channel.id:  # a channel's id is required, a user's is refused (second-hand)
            raise RefusedError("invalid_channel")
        if BOT_USER not in channel.members:
            raise RefusedError("not_in_channel")
        shared = []
        for one in told if isinstance(told, list) else []:
            file = self.workspace.uploads.get(str(one.get("id")))
            if file is None or file.content is None or len(file.content) != file.length:
                raise RefusedError("file_not_found")
            file.title, file.channel = str(one.get("title") or file.name), channel.id
            shared.append(file)
        if not shared:
            raise RefusedError("invalid_arguments", [f"{MISSING}files"])
        text = str(args.get("initial_comment") or "")
        links = [f"📎 <{self._address}/upload/v1/{file.id}|{file.name}>" for file in shared]
        shown: Json = {"type": "mrkdwn", "text": "\n".join(filter(None, [text, *links]))}
        content = [{"type": "section", "text": shown}]
        named = text or f"Shared {', '.join(file.name for file in shared)}"  # as Slack's notifications do
        self.workspace.post(Message(self.workspace.new_ts(), channel.id, BOT_USER, named, content))
        return {"files": [{"id": file.id, "title": file.title} for file in shared]}

    def file_info(self, args: Json) -> Json:
        """Return a file's facts: docs.slack.dev/reference/methods/files.info."""
        file = self.workspace.uploads.get(_needed(args, "file"))
        if file is None or file.content is None:
            raise RefusedError("file_not_found")
        if file.deleted:
            raise RefusedError("file_deleted")
        return {"file": self.file(file)}

    def file(self, file: Upload) -> Json:
        """Return a file object."""
        return file_object(file, self._address)

    # Views.

    def views_open(self, args: Json) -> Json:
        """Open a modal, for a trigger."""
        return self._show("views.open", args, push=False)

    def views_push(self, args: Json) -> Json:
        """Push a modal onto the one from which the trigger came."""
        return self._show("views.push", args, push=True)

    def views_update(self, args: Json) -> Json:
        """Replace the content of an open modal, unless its hash has changed."""
        payload = self.view("views.update", args.get("view"))
        view = self.workspace.open_view(args.get("view_id"), args.get("external_id"))
        if args.get("hash") and args["hash"] != view.hash:
            raise RefusedError("hash_conflict")
        self.workspace.replace(view, payload)
        return self._shown(view)

    def views_publish(self, args: Json) -> Json:
        """Publish a person's Home tab, unless its hash has changed. It needs no scope."""
        payload = self.view("views.publish", args.get("view"), "home")
        if not self.manifest.home_tab:
            raise RefusedError("not_enabled")
        person = _needed(args, "user_id")
        if person not in self.workspace.users:  # the example of an error on the method's page
            raise RefusedError("invalid_arguments", ["invalid `user_id`"])
        home = self.workspace.homes.get(person)
        if args.get("hash") and (home is None or args["hash"] != home.hash):
            raise RefusedError("hash_conflict")
        return self._shown(self.workspace.publish(person, payload))

    def view(self, where: str, raw: object, kind: blocks.Kind = "modal") -> Json:
        """Return a view's payload, if Slack would accept it."""
        payload = _decoded(raw, "invalid_arguments")
        if not isinstance(payload, dict):
            raise RefusedError("invalid_arguments", [f"{MISSING}view"])
        if len(json.dumps(payload)) > blocks.MAX_VIEW_BYTES:
            raise self._faulty(where, "view_too_large", [], payload)
        if lines := blocks.faults(kind, payload):
            raise self._faulty(where, "invalid_arguments", lines, payload)
        every = (element["type"] for block in payload["blocks"] for element in blocks.elements(block))
        if "file_input" in every:  # its page asks for the scope, and names no code (assumed)
            self._need("files:read")
        return payload

    def _show(self, where: str, args: Json, *, push: bool) -> Json:
        payload = self.view(where, args.get("view"))
        trigger = self.workspace.exchange(_needed(args, "trigger_id"))
        top = self.workspace.top(trigger.person)
        if push and (top is None or trigger.view_id is None):
            raise RefusedError("not_found")
        return self._shown(self.workspace.show(trigger.person, payload, push=push))

    def _shown(self, view: View) -> Json:
        return {"view": self.workspace.view_for_app(view)}

    # People and channels.

    def users_info(self, args: Json) -> Json:
        """Return a user's facts and time zone."""
        user = self.workspace.users.get(_needed(args, "user"))
        if user is None:
            raise RefusedError("user_not_found")
        return {"user": _user(user)}

    def get_presence(self, args: Json) -> Json:
        """Return whether another user is away: docs.slack.dev/reference/methods/users.getPresence."""
        user = self.workspace.users.get(_needed(args, "user"))
        if user is None:
            raise RefusedError("user_not_found")
        return {"presence": "away" if user.id in self.workspace.away else "active"}

    def group_users(self, args: Json) -> Json:
        """Return the members of a user group."""
        members = self.workspace.groups.get(_needed(args, "usergroup"))
        if members is None:
            raise RefusedError("no_such_subteam")
        active = [one for one in members if not self.workspace.users[one].deleted]
        return {"users": active}

    def channel_info(self, args: Json) -> Json:
        """Return a channel's facts, and whether the app is in it."""
        channel = self._known(_needed(args, "channel"))
        # docs.slack.dev/reference/methods/conversations.info: a scope for each kind of conversation
        self._need("im:read" if channel.direct else "groups:read" if channel.private else "channels:read")
        kind = {"is_channel": not channel.direct, "is_im": bool(channel.direct)}
        found = {"id": channel.id, "name": channel.name, "is_private": channel.private, **kind}
        found |= {"is_archived": channel.archived, "is_member": BOT_USER in channel.members}
        return {"channel": found}

    def _known(self, name: str) -> Channel:
        channel = self.workspace.channel(name)
        if channel.private and BOT_USER not in channel.members:
            raise RefusedError("channel_not_found")  # for others, a private channel does not exist
        return channel

    def _writable(self, args: Json) -> Channel:
        channel = self._known(_needed(args, "channel"))
        if channel.direct and not self.manifest.messages_tab:
            raise RefusedError("messages_tab_disabled")
        if channel.archived:
            raise RefusedError("is_archived")
        if BOT_USER not in channel.members:
            raise RefusedError("not_in_channel")
        return channel

    def _thread(self, channel: Channel, ts: str | None) -> str | None:
        if not ts:
            return None
        parent = self.workspace.find(channel.id, ts)  # assumed: no document has a code for a missing parent
        return parent.thread_ts or parent.ts

    def _own(self, channel: Channel, ts: str, code: str) -> Message:
        message = self.workspace.find(channel.id, ts)
        if message.user != BOT_USER:
            raise RefusedError(code)
        return message

    def _faulty(self, where: str, code: str, lines: list[str], payload: object) -> RefusedError:
        self.workspace.fault(where, code, lines, payload)
        return RefusedError(code, lines)


METHODS: dict[str, Method] = {
    "auth.test": Method(WebApi.auth_test),
    "apps.connections.open": Method(WebApi.connections_open, app_token=True),
    "chat.postMessage": Method(WebApi.post_message, "chat:write"),
    "chat.postEphemeral": Method(WebApi.post_ephemeral, "chat:write"),
    "chat.update": Method(WebApi.update, "chat:write"),
    "chat.delete": Method(WebApi.delete, "chat:write"),
    "chat.getPermalink": Method(WebApi.permalink),
    "files.getUploadURLExternal": Method(WebApi.upload_url, "files:write"),
    "files.completeUploadExternal": Method(WebApi.complete_upload, "files:write"),
    "files.info": Method(WebApi.file_info, "files:read"),
    "views.open": Method(WebApi.views_open),
    "views.push": Method(WebApi.views_push),
    "views.update": Method(WebApi.views_update),
    "views.publish": Method(WebApi.views_publish),
    "users.info": Method(WebApi.users_info, "users:read"),
    "users.getPresence": Method(WebApi.get_presence, "users:read"),
    "usergroups.users.list": Method(WebApi.group_users, "usergroups:read"),
    "conversations.info": Method(
        WebApi.channel_info, scopes=("channels:read", "groups:read", "im:read", "mpim:read")
    ),
}


def _needed(args: Mapping[str, object], name: str) -> str:
    value = args.get(name)
    if not isinstance(value, str) or not value:
        raise RefusedError("invalid_arguments", [f"{MISSING}{name}"])
    return value


def _decoded(value: object, code: str) -> object:
    """Return an argument, decoded if it is JSON in a string, as in form-encoded calls."""
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except ValueError as error:
        raise RefusedError(code) from error


def _user(user: User) -> Json:
    home = {"team_id": user.team_id} if user.team_id else {}
    profile = {"real_name": user.real_name, "display_name": user.name, "team": user.team_id}
    marks = {
        "deleted": user.deleted,
        "is_bot": user.is_bot,
        "is_app_user": False,
        "is_stranger": user.is_stranger,
    }
    found: Json = {"id": user.id, **home, "name": user.name, "profile": profile, **marks}
    if user.enterprise_id:  # the fields of @slack/web-api's UsersInfoResponse, read 2026-11
        grid = {"id": user.id, "enterprise_id": user.enterprise_id, "teams": list(user.teams)}
        found["enterprise_user"] = grid | {"enterprise_name": "CallOps Group", "is_admin": False}
    if user.deleted:  # docs.slack.dev/reference/objects/user-object: a deactivated user has few fields
        return found
    restricted = {"is_restricted": user.is_restricted, "is_ultra_restricted": user.is_ultra_restricted}
    return {**found, **restricted, "real_name": user.real_name, "tz": user.tz}
