"""Voxworks: cancel a call that is still scheduled; beyond the document, place or schedule one.

Facts: the page "Cancel call" of https://docs.voxworks.ai with its OpenAPI 3.1 part, read 2026-11. What is
marked † comes from its page "Create phone call", of which the reply's schema was not seen. What no page says
is marked *assumed*.
"""

from datetime import UTC, datetime
from typing import Final, Literal

from pydantic import Field, JsonValue

from providers.actions import (
    E164,
    AgentName,
    CallAction,
    CallRef,
    CancelCall,
    Code,
    Kind,
    Outcome,
    PlaceCall,
    Refused,
    Status,
)
from providers.base import Adapter, Capability, ConnectionSettings, Context, Reply, Request, failed
from providers.connection import BaseUrl, OpaqueId, Secret
from providers.phone import PhoneFault, national
from providers.request import local_time, metadata_words, path_segment

_NAMES: Final = {"first_name": "first_name", "last_name": "last_name"}
"""† What a contact has besides its number: a call takes these two as metadata, and nothing else."""


class VoxworksSettings(ConnectionSettings):
    """A Voxworks account.

    Only for placing calls †: ``from_number`` is the account's number that calls. ``agents`` are the scripts'
    ids by the names that people type. ``number_format``: how a contact's number is written; the page's
    example is national, ``0429069971``, beside a caller in E.164, and that E.164 will do is *assumed*.
    """

    base_url: BaseUrl = "https://api.voxworks.ai"
    api_key: Secret
    from_number: E164 | None = None
    agents: dict[AgentName, OpaqueId] = Field(default_factory=dict)
    number_format: Literal["e164", "national"] = "e164"


class Voxworks(Adapter):
    """Voxworks."""

    provider = "voxworks"
    title = "Voxworks"
    support = "Voxworks' support"
    settings_type = VoxworksSettings
    settings: VoxworksSettings
    capabilities = (
        Capability(Kind.CANCEL_CALL, target=CallRef),
        Capability(Kind.PLACE_CALL, fields=frozenset({"at", "metadata"}), source="beyond"),
    )

    @property
    def agents(self) -> tuple[str, ...]:
        """The names under ``agents``, where this connection may place calls."""
        return tuple(self.settings.agents) if self.settings.beyond_documents else ()

    def agent_id(self, agent: str) -> str | None:
        """The script's id under ``agents``."""
        return self.settings.agents.get(agent)

    def account(self) -> tuple[str, ...]:
        """The number that calls, where there is one."""
        return (self.settings.from_number,) if self.settings.from_number else ()

    def build(self, action: CallAction, context: Context) -> Request:
        """POST /api/v1/cancel-call/{call_id}, without a body, or † POST /api/v1/create-phone-call."""
        headers = {"Authorization": f"Bearer {self.settings.api_key.get_secret_value()}"}
        match action:
            case CancelCall(target=CallRef(call_id=call_id)):
                path = f"/api/v1/cancel-call/{path_segment(call_id, name='call_id')}"
                return Request(path=path, headers=headers)
            case PlaceCall():
                at = None if action.at is None else _scheduled_time(action.at, context.now)
                return Request(
                    path="/api/v1/create-phone-call",
                    headers=headers,
                    document=self._call(action, at),
                    provider_time=at,
                    zone="UTC" if at else None,
                )
            case _:
                raise self.unsupported(action)

    def parse(self, action: CallAction, reply: Reply) -> Outcome | None:
        """Success is ``success: true`` to a cancellation, and † 201 to a call.

        ``status`` is free text and stays in the raw reply.
        429, documented with its ``Retry-After``, and 500 are the rows that all providers share.
        """
        match action, reply.status, reply.value("success"):
            # The schema does not require `success`: only a true or false that is there counts.
            case CancelCall(target=CallRef(call_id=asked)), 200, True:
                return _cancelled(asked, reply.reference("call_id"))
            case PlaceCall(), 201, True | None if reply.document is not None:
                # That it is named as in the reply to a cancellation is *assumed*.
                untracked = "it can be followed and cancelled in Voxworks only"
                return self.placed(action, reply.reference("call_id"), untracked=untracked)
            case _, 200, False:
                code = Code.REJECTED
                what = "accept the call" if isinstance(action, PlaceCall) else "cancel the call"
                message = f"Voxworks did not {what}{reply.quoted()}. {_LOOK[action.kind]}"
            case _, 400, _:
                # "Missing or invalid request data"; also for a call no longer scheduled: assumed.
                code = Code.INVALID_REQUEST
                message = f"Voxworks found the request invalid{reply.quoted()}. {_LOOK[action.kind]}"
            case _, 401, _:
                code = Code.AUTH_FAILED
                message = (
                    "Voxworks does not accept the API key. Compare this connection's api_key with the one in "
                    "Voxworks; if they are equal, ask Voxworks' support."
                )
            case PlaceCall(), 404, _:
                code = Code.NOT_FOUND
                message = (
                    "Voxworks did not find the script or the number to call from, or they are not on this "
                    "account. Compare agents and from_number of this connection with Voxworks."
                )
            case _, 404, _:
                # One answer for a call that is not there and for one that belongs to another team.
                code = Code.NOT_FOUND
                message = (
                    "Voxworks did not find this call, or it is not on this account. Compare the id with "
                    "Voxworks, and this connection's api_key with the call's team."
                )
            case _:
                return None
        return failed(code, message)

    def _call(self, action: PlaceCall, at: str | None) -> dict[str, JsonValue]:
        caller = self.settings.from_number
        if caller is None:
            raise Refused(
                "This connection has no number to call from. Whoever runs CallOps adds it: from_number, with "
                "+ and country code.",
                code=Code.CONFIG_ERROR,
            )
        names = metadata_words(action.metadata, _NAMES, title=self.title)
        call: dict[str, JsonValue] = {
            "from_number": caller,
            "script_id": self.known_agent(action.agent),
            "contact": {"phone_number": self._number(action.to), **names},
        }
        # Without a time there is none: called at once, assumed.
        return call if at is None else {**call, "scheduled_time": at}

    def _number(self, to: str) -> str:
        try:
            return national(to) if self.settings.number_format == "national" else to
        except PhoneFault as fault:
            raise Refused(str(fault), field="to") from fault


_LOOK: Final = {
    Kind.CANCEL_CALL: "Look at the call in Voxworks: perhaps it is not scheduled any more. If it is, ask "
    "Voxworks' support.",
    Kind.PLACE_CALL: "Check the number and the time, and this connection's from_number and agents; if they "
    "are right, ask Voxworks' support.",
}


def _scheduled_time(at: datetime, now: datetime) -> str:
    """† The call's time as the page's example has it, ``2026-02-25T09:00:00Z``."""
    return local_time(at, UTC, now).strftime("%Y-%m-%dT%H:%M:%SZ")


def _cancelled(asked: str, answered: str | None) -> Outcome:
    other = answered is not None and answered != asked
    return Outcome(
        status=Status.OK,
        code=Code.CANCELLED,
        message="Voxworks cancelled the call.",
        reference=answered or asked,
        warnings=("Voxworks answered for another call than the one asked for. Look at both.",)
        if other
        else (),
    )
