"""Providers and Slack for the gates: small, without a page, and with journals that outlive a kill.

The providers are the playground's own, on its wire or behind an injected transport. Slack is a client that
records its posts as Slack would accept them: `tests/e2e` and `tests/integration` talk to the whole stand-in
over sockets.
"""

import asyncio
import itertools
import json
import os
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import AsyncExitStack
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

import httpx
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.web.async_slack_response import AsyncSlackResponse

from playground import callkaro, content, kore, voxworks, wire
from playground.calls import Calls, Clock
from playground.faults import Fault
from playground.journal import Call, Campaign, Journal, Recorder
from tests.faults.judging import has_effect

FAR: Final = timedelta(days=3650)
"""Time of calls that are there to be cancelled, after every gate's end."""
_NOT_SENT: Final = frozenset({"refused"})
AUDIT: Final = "C0AUDIT"


class Chosen(wire.Front):
    """A wire that chooses a fault for each request."""

    choose: Callable[[], Fault | None] = staticmethod(lambda: None)

    def _next_fault(self) -> Fault | None:
        return self.choose()


class Providers:
    """CallKaro, Voxworks and Kore.ai with a shared journal."""

    def __init__(self, now: Callable[[], datetime], path: Path | None = None) -> None:
        clock = Clock(now)
        self.recorder = Recorder(clock.now, path)
        ids = itertools.count(1)
        self._now = now

        def new_id() -> str:
            return f"made_{next(ids)}"

        self.callkaro = callkaro.CallKaro(Calls("callkaro", self.recorder, clock), clock, new_id)
        self.voxworks = voxworks.Voxworks(Calls("voxworks", self.recorder, clock), clock, new_id)
        self.kore = kore.Kore(self.recorder, clock)
        self.all: Mapping[str, wire.Provider] = {
            one.name: one for one in (self.callkaro, self.voxworks, self.kore)
        }

    def schedule_number(self, to: str) -> None:
        """Add a call that a cancellation by number removes."""
        due = self._now() + FAR
        call = Call(id=f"there {to}", owner=callkaro.AGENT, to=to, due=due)
        self.callkaro.calls.add(call, "added", None)

    def schedule_id(self, call_id: str) -> None:
        """Add a call that a cancellation by id removes."""
        call = Call(id=call_id, owner=voxworks.TEAM, due=self._now() + FAR)
        self.voxworks.calls.add(call, "added", None)

    def add_campaign(self, campaign: str, status: str = "Stopped") -> None:
        """Add a campaign to delete, stop or start."""
        details = {**kore._SAMPLE, "_id": campaign, "status": status}
        added = Campaign(id=campaign, owner=kore.APP, details=details)
        self.kore._campaigns[campaign] = added
        self.recorder.effect("kore", "added", added, None)

    async def listen(self, stack: AsyncExitStack, choose: Callable[[], Fault | None]) -> dict[str, str]:
        """Serve on a port each until ``stack`` is closed, and return their addresses by name."""
        addresses = {}
        for name, provider in self.all.items():
            front = Chosen(provider, self.recorder)
            front.choose = choose
            stack.push_async_callback(front.close)
            await front.clear()
            addresses[name] = f"http://{wire.HOST}:{front.port}"
        return addresses

    @property
    def journal(self) -> Journal:
        """Return the journal of all providers."""
        return Journal(tuple(self.recorder._lines))


class Wire(httpx.AsyncBaseTransport):
    """Transport that brings a request to the providers without a socket, and applies `fault` to the answer.

    ``asked`` is called once a request was read, before anything follows from it. `tests/providers` tests that
    a real socket's faults become these exceptions.
    """

    def __init__(self) -> None:
        self.providers: Providers | None = None
        self.fault: str | None = None
        self.asked: Callable[[str], Awaitable[None]] | None = None
        self.hosts: Mapping[str, str] = {}

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Return the answer, or fail as a socket would."""
        assert self.providers
        name = self.hosts[request.url.netloc.decode()]
        provider, recorder, does = self.providers.all[name], self.providers.recorder, self.fault
        if does in _NOT_SENT:
            raise httpx.ConnectError("refused", request=request)
        headers = tuple(
            (key.decode("latin-1"), value.decode("latin-1")) for key, value in request.headers.raw
        )
        target = request.url.raw_path.decode("ascii")
        read = recorder.asked(name, request.method, target, headers, await request.aread())
        if self.asked and has_effect(request.method, target):
            await self.asked(f"{target} {read.body.decode(errors='replace')}")
        if does == "lost before":
            raise httpx.ReadError("reset", request=request)
        act = provider.documented.get(does or "", provider.answer)
        answer = act(read)
        recorder.answered(name, read.number, None if does == "lost after" else answer, does)
        if does == "lost after":
            raise httpx.ReadTimeout("no answer", request=request)
        return httpx.Response(
            answer.status, headers=dict(answer.headers), stream=httpx.ByteStream(answer.body)
        )


class SmallSlack(AsyncWebClient):
    """The Web API's methods that work without a person's press, with a record of the posts.

    ``taken`` keeps a post before its answer is given. ``fails`` decides whether a call fails, before or
    after.
    """

    def __init__(self, taken: Callable[[Mapping[str, Any]], None], *, name: str = "1") -> None:
        super().__init__(content.BOT_TOKEN, base_url="http://127.0.0.1:1/api/")
        self._taken = taken
        self._stamps = itertools.count(1)
        self._name = name
        self.fails: Callable[[str], str | None] = lambda _: None
        self._users = {str(one["id"]): one for one in _users()}

    async def api_call(  # noqa: D102 - as the library's
        self, api_method: str, *, params: dict[str, Any] | None = None, json: Any = None, **_: Any
    ) -> AsyncSlackResponse:
        asked = {key: value for key, value in {**(params or {}), **(json or {})}.items() if value is not None}
        match self.fails(api_method):
            case "before":
                raise TimeoutError
            case "after":
                self._answer(api_method, asked)
                raise TimeoutError
            case str(code):
                headers = {"Retry-After": "3"} if code == "ratelimited" else {}
                answer = self._response(api_method, {"ok": False, "error": code}, headers)
                raise SlackApiError(code, answer)  # type: ignore[no-untyped-call]  # slack_sdk
        return self._response(api_method, self._answer(api_method, asked), {})

    def _answer(self, method: str, asked: dict[str, Any]) -> dict[str, Any]:
        match method:
            case "users.info":
                return {"ok": True, "user": self._users[asked["user"]]}
            case "usergroups.users.list":
                return {"ok": True, "users": content.WORKSPACE["groups"][asked["usergroup"]]}
            case "users.getPresence":
                return {"ok": True, "presence": "active"}
            case "chat.postMessage":
                ts = f"{next(self._stamps)}.{self._name}"
                self._taken({"method": method, **asked, "ts": ts})
                return {"ok": True, "channel": asked["channel"], "ts": ts}
            case "chat.update":
                self._taken({"method": method, **asked})
                return {"ok": True, "channel": asked["channel"], "ts": asked["ts"]}
            case "chat.getPermalink":
                link = f"https://callops.slack.com/archives/{asked['channel']}/p{asked['message_ts']}"
                return {"ok": True, "channel": asked["channel"], "permalink": link}
        raise AssertionError(method)

    def _response(self, method: str, data: dict[str, Any], headers: Mapping[str, str]) -> AsyncSlackResponse:
        return AsyncSlackResponse(
            client=self,
            http_verb="POST",
            api_url=method,
            req_args={},
            data=data,
            headers=dict(headers),
            status_code=200,
        )


def _users() -> Iterator[Mapping[str, Any]]:
    for user in content.WORKSPACE["users"]:
        yield {"team_id": content.TEAM_ID, **user}


class Lines:
    """A file of JSON lines that several processes append to, with a single system call for each line."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file = os.open(path, os.O_APPEND | os.O_CREAT | os.O_WRONLY, 0o600)

    def append(self, line: Mapping[str, Any]) -> None:
        """Append a line, which outlives the process."""
        os.write(self._file, json.dumps(line).encode() + b"\n")

    def read(self) -> list[dict[str, Any]]:
        """Return every line, in order."""
        return [json.loads(line) for line in self.path.read_bytes().splitlines()]


async def yield_now() -> None:
    """Let other tasks run once."""
    await asyncio.sleep(0)
