"""The switches: failures at a provider or at Slack, and how calls end."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final, get_args

from playground.faults import Fault
from playground.journal import CallEnd
from playground.people import ImpossibleError
from playground.stage import Stage

SLOW: Final = 2.0
"""Seconds until a slow answer, fewer than the demo's bot waits."""
RETRY_AFTER: Final = 3
"""Seconds of ``Retry-After`` from a busy provider or Slack."""
POST: Final = "chat.postMessage"

FAULTS: Final[Mapping[str, Fault]] = {
    "reset": Fault(does="reset", effect=True),
    "silence": Fault(does="silence", effect=True),
    "refused": Fault(does="refused", times=None),
    "server_error": Fault(does="server_error", effect=True),
    "busy": Fault(
        does="reply",
        effect=False,
        status=429,
        headers={"Retry-After": str(RETRY_AFTER)},
        body='{"message": "Too many requests"}',
    ),
    "slow": Fault(does="slow", seconds=SLOW),
}
"""The faults for a provider's next request, by the page's names."""


ENDS: Final = get_args(CallEnd)
"""The ways in which a provider's calls may end. The first one is the usual one."""
RINGING: Final = ("callkaro", "voxworks", "ryng")
"""The providers with calls that ring."""


@dataclass
class Switches:
    """The armed faults by provider, and the ends of calls that are not the usual one.

    A request uses a fault up, except ``refused``.
    """

    stage: Stage
    armed: dict[str, str] = field(default_factory=dict)
    ends: dict[str, CallEnd] = field(default_factory=dict)

    async def arm(self, provider: str, fault: str | None) -> None:
        """Arm a fault for the provider's next request, or none.

        Raises:
            ImpossibleError: There is no such provider or fault.
        """
        if provider not in self.stage.addresses.keys() - {"slack", "control"}:
            raise ImpossibleError(f"there is no provider {provider}")
        if fault is None:
            await self.stage.providers.clear(provider)
            self.armed.pop(provider, None)
        elif fault in FAULTS:
            await self.stage.providers.fail(provider, FAULTS[fault])
            self.armed[provider] = fault
        else:
            raise ImpossibleError(f"there is no fault {fault}")

    def used_up(self, lines: Iterable[Mapping[str, object]]) -> bool:
        """Return whether these new lines of the journal show that a provider's fault was used up."""
        before = len(self.armed)
        for line in lines:
            if line["line"] == "answer" and line.get("fault") is not None:
                self.armed.pop(str(line["provider"]), None)
        return len(self.armed) < before

    async def ring(self, provider: str, end: CallEnd) -> None:
        """Select how a provider's next calls end.

        Raises:
            ImpossibleError: There is no such provider.
        """
        if provider not in RINGING:
            raise ImpossibleError(f"there is no provider {provider} whose calls ring")
        await self.stage.providers.ring(provider, end)
        self.ends.pop(provider, None)
        if end != ENDS[0]:
            self.ends[provider] = end

    @property
    def calls(self) -> dict[str, object]:
        """Return how calls end, and whether CallOps is told."""
        return {"ends": self.ends, "reported": self.stage.ends_reported}

    async def slack(self, does: str) -> None:
        """Arm ``ratelimited`` for the next post or ``twice`` for the next delivery, or ``heal`` all.

        Raises:
            ImpossibleError: There is no such trouble.
        """
        match does:
            case "ratelimited":
                await self.stage.slack.fail(POST, does, retry_after=RETRY_AFTER)
            case "twice":
                await self.stage.slack.deliver_twice()
            case "heal":
                await self.stage.slack.heal()
            case _:
                raise ImpossibleError(f"Slack does not {does}")
