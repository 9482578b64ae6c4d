"""A hand on the provider stand-ins from another process: what tests, the tour and the page steer them by."""

from collections.abc import Mapping
from datetime import datetime
from types import TracebackType
from typing import Self

import aiohttp
from pydantic import TypeAdapter

from playground.callkaro import Shape
from playground.faults import Fault
from playground.journal import CALLS, LINES, Call, Journal
from playground.webhooks import End, Telling

_STATUSES: TypeAdapter[list[int | None]] = TypeAdapter(list[int | None])


class ProviderControl:
    """A client of the control routes below ``base_url`` (``http://127.0.0.1:…/control/providers``).

    An async context manager. Every method raises ValueError with the stand-ins' sentence when they refuse.
    """

    def __init__(self, base_url: str) -> None:
        self._base_url = base_url.rstrip("/")
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession(
            # Shorter than uvicorn's five seconds: a connection is never taken up while it is being closed.
            connector=aiohttp.TCPConnector(keepalive_timeout=3)
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._session is not None:
            await self._session.close()

    async def journal(self, provider: str) -> Journal:
        """What was asked of a provider, what changed there, and what it answered."""
        return Journal(LINES.validate_json(await self._ask("GET", f"/{provider}/journal")))

    async def calls(self, provider: str) -> tuple[Call, ...]:
        """Every call a provider knows, in the order they were made."""
        return CALLS.validate_json(await self._ask("GET", f"/{provider}/calls"))

    async def add_call(
        self,
        provider: str,
        call_id: str,
        *,
        due: datetime,
        owner: str,
        to: str | None = None,
        details: Mapping[str, str] | None = None,
    ) -> None:
        """Schedule a call as if by the provider's own screen. ``owner`` is an agent, team or account."""
        call = Call(id=call_id, owner=owner, to=to, due=due, details=details or {})
        await self._ask("POST", f"/{provider}/calls", call.model_dump_json())

    async def fail(
        self, provider: str, fault: Fault | str, times: int | None = 1, *, effect: bool | None = None
    ) -> None:
        """Let a fault befall the next requests; by its name, or a `Fault` that says more."""
        if isinstance(fault, str):
            fault = Fault(does=fault, times=times, effect=effect)
        await self._ask("PUT", f"/{provider}/fault", fault.model_dump_json())

    async def clear(self, provider: str) -> None:
        """Let everything work again."""
        await self._ask("DELETE", f"/{provider}/fault")

    async def reset(self) -> None:
        """Put the providers back to how they started: calls, faults, time, shape. The journals stay."""
        await self._ask("POST", "/reset")

    async def advance(self, seconds: float) -> None:
        """Let time pass at the providers: calls whose time comes go out."""
        await self._ask("POST", "/advance", str(seconds))

    async def shape(self, shape: Shape) -> None:
        """Choose how CallKaro words a success from now on."""
        await self._ask("PUT", "/callkaro/shape", f'"{shape}"')

    async def end_call(
        self, call_id: str, url: str, *, times: int = 1, end: End | None = None
    ) -> list[int | None]:
        """End a try of a call of CallKaro's that went out or was deleted: its webhook is sent to ``url``.

        The status of each answer; None where there was none within what CallKaro waits.
        """
        telling = Telling(url=url, times=times, end=end or End())
        answered = await self._ask("POST", f"/callkaro/calls/{call_id}/end", telling.model_dump_json())
        return _STATUSES.validate_json(answered)

    async def _ask(self, method: str, path: str, body: str | None = None) -> bytes:
        if self._session is None:
            raise RuntimeError("use it as an async context manager")
        async with self._session.request(method, self._base_url + path, data=body) as reply:
            content = await reply.read()
            if not reply.ok:
                raise ValueError(content.decode())
            return content
