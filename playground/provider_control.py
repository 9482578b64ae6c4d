"""Client for the control routes of the provider stand-ins, for tests, the tour and the page."""

from collections.abc import Mapping
from datetime import datetime
from types import TracebackType
from typing import Self

import aiohttp
from pydantic import TypeAdapter

from playground.callkaro import Shape
from playground.calls import Ringing
from playground.faults import Fault
from playground.journal import CALLS, LINES, Call, CallEnd, Journal
from playground.webhooks import End, Telling, Webhook

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
            # Shorter than uvicorn's five seconds, so that no closing connection is reused.
            connector=aiohttp.TCPConnector(keepalive_timeout=3)
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._session is not None:
            await self._session.close()

    async def journal(self, provider: str) -> Journal:
        """Return a provider's journal: requests, effects and replies."""
        return Journal(LINES.validate_json(await self._ask("GET", f"/{provider}/journal")))

    async def calls(self, provider: str) -> tuple[Call, ...]:
        """Return every call that a provider knows, in the order in which they were made."""
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
        """Schedule a call as if in the provider's dashboard. ``owner`` is an agent, team or account."""
        call = Call(id=call_id, owner=owner, to=to, due=due, details=details or {})
        await self._ask("POST", f"/{provider}/calls", call.model_dump_json())

    async def fail(
        self, provider: str, fault: Fault | str, times: int | None = 1, *, effect: bool | None = None
    ) -> None:
        """Set a fault for the next requests, by its name or as a `Fault` with details."""
        if isinstance(fault, str):
            fault = Fault(does=fault, times=times, effect=effect)
        await self._ask("PUT", f"/{provider}/fault", fault.model_dump_json())

    async def clear(self, provider: str) -> None:
        """Clear the provider's fault."""
        await self._ask("DELETE", f"/{provider}/fault")

    async def reset(self) -> None:
        """Reset the providers: calls, faults, time, shape. The journals are kept."""
        await self._ask("POST", "/reset")

    async def advance(self, seconds: float) -> None:
        """Advance the providers' time. Calls that become due are made."""
        await self._ask("POST", "/advance", str(seconds))

    async def shape(self, shape: Shape) -> None:
        """Select the form of CallKaro's successes."""
        await self._ask("PUT", "/callkaro/shape", f'"{shape}"')

    async def ring(self, provider: str, ringing: Ringing | CallEnd) -> None:
        """Select how a provider's next calls end, as a `Ringing` or by the end alone."""
        if not isinstance(ringing, Ringing):
            ringing = Ringing(end=ringing)
        await self._ask("PUT", f"/{provider}/ring", ringing.model_dump_json())

    async def tell(self, provider: str, url: str | None, *, times: int = 1, deletions: bool = False) -> None:
        """Set the address to which a provider reports the ends of calls, or None for none."""
        if url is None:
            await self._ask("DELETE", f"/{provider}/webhook")
        else:
            webhook = Webhook(url=url, times=times, deletions=deletions)
            await self._ask("PUT", f"/{provider}/webhook", webhook.model_dump_json())

    async def end_call(
        self, call_id: str, url: str, *, times: int = 1, end: End | None = None
    ) -> list[int | None]:
        """End an attempt at a call of CallKaro's that was made or deleted. Its webhook is sent to ``url``.

        Return the status of each answer, None for one that did not come in CallKaro's time.
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
