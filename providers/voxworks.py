"""Voxworks: cancel a call that is still scheduled.

Facts: the page "Cancel call" of https://docs.voxworks.ai with its OpenAPI 3.1 part. What no page says is
marked *assumed*.
"""

from providers.actions import CallAction, CallRef, CancelCall, Code, Kind, Outcome, Status
from providers.base import Adapter, Capability, ConnectionSettings, Context, Reply, Request, failed
from providers.connection import BaseUrl, Secret
from providers.request import path_segment


class VoxworksSettings(ConnectionSettings):
    """A Voxworks account."""

    base_url: BaseUrl = "https://api.voxworks.ai"
    api_key: Secret


class Voxworks(Adapter):
    """Voxworks."""

    provider = "voxworks"
    title = "Voxworks"
    support = "Voxworks' support"
    settings_type = VoxworksSettings
    settings: VoxworksSettings
    capabilities = (Capability(Kind.CANCEL_CALL, target=CallRef),)

    def build(self, action: CallAction, context: Context) -> Request:  # noqa: ARG002 - an id says it all
        """POST /api/v1/cancel-call/{call_id}, without a body."""
        match action:
            case CancelCall(target=CallRef(call_id=call_id)):
                return Request(
                    path=f"/api/v1/cancel-call/{path_segment(call_id, name='call_id')}",
                    headers={"Authorization": f"Bearer {self.settings.api_key.get_secret_value()}"},
                )
            case _:
                raise self.unsupported(action)

    def parse(self, action: CallAction, reply: Reply) -> Outcome | None:
        """Success is ``success: true`` and nothing else; ``status`` is free text and stays in the raw reply.

        429, documented with its ``Retry-After``, and 500 are the rows that all providers share.
        """
        match action, reply.status, reply.value("success"):
            # The schema does not require `success`: only a true or false that is there counts.
            case CancelCall(target=CallRef(call_id=asked)), 200, True:
                return _cancelled(asked, reply.reference("call_id"))
            case _, 200, False:
                code = Code.REJECTED
                message = (
                    f"Voxworks did not cancel the call{reply.quoted()}. Look at it in Voxworks; if it is "
                    "still scheduled, ask Voxworks' support."
                )
            case _, 400, _:
                # "Missing or invalid request data"; also for a call no longer scheduled: assumed.
                code = Code.INVALID_REQUEST
                message = (
                    f"Voxworks found the request invalid{reply.quoted()}. Look at the call in Voxworks: "
                    "perhaps it is not scheduled any more. If it is, ask Voxworks' support."
                )
            case _, 401, _:
                code = Code.AUTH_FAILED
                message = (
                    "Voxworks does not accept the API key. Compare this connection's api_key with the one in "
                    "Voxworks; if they are equal, ask Voxworks' support."
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
