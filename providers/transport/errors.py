"""What a reply means that no adapter explains itself, and what a fault of the wire means. Pure.

An adapter declares the failures that its provider documents, one `Failure` a status. The sentence of each
code is written here once: what the provider did, its own words where they may be shown, what to check.

What httpx raises is told apart like this (measured against real sockets; httpx sends nothing a second time
by itself):

    ConnectError, ConnectTimeout, PoolTimeout   certainly not sent → failed, unreachable; safe to send again
      … with an SSLCertVerificationError        failed, config_error: sending again cannot help
    TimeoutException, the total deadline        perhaps sent → unknown, no_answer
    anything else                               perhaps sent → unknown, connection_lost
"""

import socket
import ssl
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

import httpx

from providers.actions import (
    CallAction,
    CancelCall,
    Code,
    Kind,
    LookupResult,
    NumberRef,
    Outcome,
    PlaceCall,
    Retry,
    StartCampaign,
    Status,
    StopCampaign,
)
from providers.transport.response import Response

_ASKED: Final[Mapping[Kind, str]] = {
    Kind.PLACE_CALL: "accept the call",
    Kind.CANCEL_CALL: "cancel the call",
    Kind.DELETE_CAMPAIGN: "delete the campaign",
    Kind.STOP_CAMPAIGN: "stop the campaign",
    Kind.START_CAMPAIGN: "start the campaign",
}
"""What a provider that turns an action down did not do."""


_REFUSES: Final = 4
_NO_REFUSALS: Final = frozenset({404, 405, 408, 415, 429})
"""Of the 4xx, those that say nothing of what was asked."""


@dataclass(frozen=True, slots=True)
class Failure:
    """A failure that a provider answers with an HTTP status, as its adapter declares it.

    ``check`` is what to do about it, as a clause without its end ("compare the id with …"). Where it is
    empty, the adapter's ``key_check`` (for `Code.AUTH_FAILED`) or ``advice`` stands in its place. ``kinds``
    are those that it answers. `Code.NOT_FOUND` counts only as the provider's own JSON.
    """

    status: int
    code: Code
    check: str = ""
    kinds: frozenset[Kind] = frozenset(Kind)


@dataclass(frozen=True, slots=True)
class ErrorMapper:
    """The provider, as a message about it needs it.

    ``support`` is whom to ask; ``address`` where its API is; ``setting`` the connection's settings that say
    so; ``deadline`` how many seconds it has for an answer. ``key_check`` is what to do where the key is not
    accepted, ``advice`` what to look at where an action of a kind is turned down: clauses without their end.
    """

    title: str
    support: str
    address: str
    setting: str
    deadline: float
    key_check: str
    advice: Mapping[Kind, str]
    failures: tuple[Failure, ...]

    def shared_row(self, action: CallAction, reply: Response, quote: str, *, own: bool | None) -> Outcome:
        """Return what a reply means, by what is declared of its status or is true of every provider.

        ``quote`` is what the provider says itself, empty where that may not be shown. ``own`` is what its own
        document says, yes or no; None: the reply is no document of its own.
        """
        if row := self._row(action, reply, own=own):
            return self.failure(action, reply, quote, row.code, row.check, own=own)
        placing = isinstance(action, PlaceCall)
        match reply.status, reply.status // 100:
            case 404, _:
                return self.foreign_reply(action, reply)
            case 429, _:
                return self.rate_limited(action, reply)
            case (_, 3) if placing:
                code = Code.UNREADABLE_REPLY
                what = f"{self.title} pointed elsewhere ({reply.status}). {self._check_address}"
            case (405 | 415, _) | (_, 3):
                what = f"{self.title} does not take this request at {self.address} ({reply.status})."
                return failed(Code.CONFIG_ERROR, f"{what} {self._check_address}")
            case 408, _:
                code, what = Code.NO_ANSWER, f"{self.title} gave up waiting for us (408)."
            case status, 5:
                code = Code.SERVER_ERROR
                what = f"{self.title} failed ({status}). If it goes on, ask {self.support}."
            case status, _:
                code = Code.UNREADABLE_REPLY
                what = f"{self.title} answered {status}, with nothing that its documents explain."
        return self.unknown(action, code, what, retry_after=reply.retry_after)

    def _row(self, action: CallAction, reply: Response, *, own: bool | None) -> Failure | None:
        """Return what is declared of a status, or what every provider says no with."""
        for row in self.failures:
            if row.status == reply.status and action.kind in row.kinds:
                return row
        match reply.status:
            case 200 if own is False:
                return Failure(200, Code.REJECTED)
            case 401 | 403 as status:  # by no document, but most often it is the key all the same
                return Failure(status, Code.REJECTED, self.key_check)
            case status if status // 100 == _REFUSES and status not in _NO_REFUSALS:
                return Failure(status, Code.REJECTED)
            case _:
                return None

    def failure(
        self,
        action: CallAction,
        reply: Response,
        quote: str,
        code: Code,
        check: str = "",
        *,
        own: bool | None = False,
    ) -> Outcome:
        """Return the outcome of a request that was certainly turned down, in the one sentence of its code.

        ``check`` is the clause of a `Failure`; empty: the code's usual one. ``own`` as in `shared_row`.
        """
        match code:
            case Code.AUTH_FAILED:
                what, check = "does not let this connection in", check or self.key_check
            case Code.INVALID_REQUEST:
                what = "found the request invalid"
            case Code.COMPLIANCE_BLOCKED:
                what = "may not call this number, which is on a do-not-disturb list or not verified"
            case Code.NOT_FOUND:
                what = f"did not find {_sought(action)}"
            case _:
                what = f"did not {_ASKED[action.kind]}"
        check = check or self.advice.get(action.kind) or "check what was asked"
        if own is None and reply.status in {401, 403}:  # a gateway's, perhaps, and not for the key
            check = f"{check}. Check its {self.setting}, too: the answer was not in the provider's own JSON"
        # Behind a refusal there may be anything, such as a balance: its own words come before what to check.
        unsure = quote and code in {Code.AUTH_FAILED, Code.REJECTED}
        check = f"If that does not say why, {check}" if unsure else f"{check[0].upper()}{check[1:]}"
        said = f": “{quote}”" if quote else ""
        status = "" if reply.status == httpx.codes.OK else f" ({reply.status})"
        return failed(
            code, f"{self.title} {what}{status}{said}. {check}. If that does not help, ask {self.support}."
        )

    def foreign_reply(self, action: CallAction, reply: Response) -> Outcome:
        """Return the outcome of a "not found" that is not the provider's own JSON."""
        return failed(
            Code.REJECTED,
            f"{self.title} did not {_ASKED[action.kind]}. {self.address} answered {reply.status}, not in the "
            f"provider's own JSON, so perhaps another server stands there. {self._check_address}",
        )

    def other_target(self, action: CallAction) -> Outcome:
        """Return the outcome of a success that is about another target than the one asked for."""
        return self.unknown(
            action,
            Code.UNREADABLE_REPLY,
            f"{self.title} answered for another {aimed_at(action)} than the one asked for. Look at both now.",
        )

    def contradiction(self, action: CallAction, reply: Response) -> Outcome:
        """Return the outcome of a reply that says both that it was done and that it was not."""
        what = f"{self.title} contradicted itself ({reply.status}): it named a success and a failure."
        return self.unknown(action, Code.UNREADABLE_REPLY, what)

    def not_sighted(
        self, action: CallAction, reply: Response, *, absent: bool, put_off: bool
    ) -> LookupResult:
        """Return what a look-up's reply says that does not show its target.

        ``absent``: the provider itself says that it has no such thing; ``put_off``: it did not look.
        """
        what = aimed_at(action)
        match reply.status:
            case _ if put_off:
                message = f"{self.title} had too many requests."
            case _ if absent:
                message = f"{self.title} has no {what} of this id on this account."
            case 401 | 403:
                message = self.failure(action, reply, "", Code.AUTH_FAILED).message
            case status:
                message = f"{self.title} did not say whether it has this {what} ({status})."
        return LookupResult(found=False if absent and not put_off else None, message=message, put_off=put_off)

    def rate_limited(self, action: CallAction, reply: Response) -> Outcome:
        """Return the outcome of a request that was one too many, and was not processed."""
        message = f"{self.title} had too many requests and did not process this one."
        if isinstance(action, PlaceCall | StartCampaign):
            # That a 429 was not processed is a custom, not a promise: too little to call people twice on.
            retry, message = Retry.NEVER, f"{message} Wait a minute and ask again."
        else:
            retry = Retry.AFTER
        return Outcome(
            status=Status.FAILED,
            code=Code.RATE_LIMITED,
            message=message,
            retry=retry,
            retry_after=reply.retry_after,
        )

    def without_reply(self, action: CallAction, fault: Exception) -> Outcome:
        """What it means that a request ended in a fault instead of a reply."""
        match fault:
            case httpx.ConnectError() if _is_certificate_fault(fault):
                return failed(Code.CONFIG_ERROR, f"{self._untrusted} Nothing was sent.")
            case httpx.ConnectError() | httpx.ConnectTimeout() | httpx.PoolTimeout():
                return Outcome(
                    status=Status.FAILED,
                    code=Code.UNREACHABLE,
                    message=f"{self.title} could not be reached. Nothing was sent. If it stays so, "
                    f"ask whoever runs CallOps to check this connection's {self.setting}.",
                    retry=Retry.SAFE,
                )
            case httpx.TimeoutException() | TimeoutError():
                waited = f"{self.title} did not answer within {self.deadline:g} s."
                return self.unknown(action, Code.NO_ANSWER, waited)
            case httpx.TransportError() | OSError():
                lost = f"The connection to {self.title} broke before its answer was complete."
                return self.unknown(action, Code.CONNECTION_LOST, lost)
            case _:
                ours = f"CallOps itself failed ({type(fault).__name__}) while it spoke with {self.title}."
                return self.unknown(action, Code.UNREADABLE_REPLY, ours)

    def out_of_reach(self, fault: Exception) -> str:
        """Why the provider's host does not answer at all, and how to mend it."""
        causes = tuple(_causes(fault))
        host = httpx.URL(self.address).host
        check = f"Check this connection's {self.setting}"
        network = "and whether this machine may reach the internet without a proxy: CallOps uses none"
        if _is_certificate_fault(fault):
            return self._untrusted
        if any(isinstance(cause, socket.gaierror) for cause in causes):
            return f"No host is known as {host}. {check}, and this machine's name server (DNS)."
        if any(isinstance(cause, ConnectionRefusedError) for cause in causes):
            return f"{self.address} refuses connections. {check}, {network}."
        if any(isinstance(cause, ssl.SSLError) for cause in causes):
            ask = f"if it is right, ask {self.support}."
            return f"{self.address} does not speak TLS as it should. {check}; {ask}"
        if any(isinstance(cause, httpx.TimeoutException | TimeoutError) for cause in causes):
            return f"{self.address} did not answer within {self.deadline:g} s. {check}, {network}."
        return f"{self.address} gave no HTTP answer ({type(fault).__name__}). {check}, {network}."

    def unknown(
        self, action: CallAction, code: Code, what: str, *, retry_after: float | None = None
    ) -> Outcome:
        """The outcome of a request that may have had its effect."""
        retry = after_doubt(action)
        advice = "" if retry is Retry.IDEMPOTENT else f" Look at {self.title} before you ask again."
        return Outcome(
            status=Status.UNKNOWN,
            code=code,
            message=f"{what}{advice}",
            retry=retry,
            retry_after=retry_after,
        )

    @property
    def _check_address(self) -> str:
        return f"Check this connection's {self.setting}; if it is right, ask {self.support}."

    @property
    def _untrusted(self) -> str:
        return f"The certificate at {self.address} cannot be trusted. {self._check_address}"


def failed(code: Code, message: str) -> Outcome:
    """The outcome of a request that was certainly turned down, and need not be sent again."""
    return Outcome(status=Status.FAILED, code=code, message=message)


def _sought(action: CallAction) -> str:
    """What a provider looked for and did not find."""
    match action:
        case PlaceCall():
            return "what this call is to be placed with"
        case CancelCall(target=NumberRef()):
            return "a scheduled call of this agent to this number"
        case _:
            return f"this {aimed_at(action)}, or it is not on this account"


def aimed_at(action: CallAction) -> str:
    """Return what an action is about, in one word."""
    return "call" if isinstance(action, PlaceCall | CancelCall) else "campaign"


def after_doubt(action: CallAction) -> Retry:
    """What the system may do about an attempt whose answer was lost."""
    match action:
        case PlaceCall() | StartCampaign():
            return Retry.VERIFY  # a second request could call people a second time
        case StopCampaign():
            return Retry.VERIFY  # a late one could stop what somebody has started anew
        case CancelCall(target=NumberRef()):
            return Retry.SHORT_WINDOW  # a late one could take away a newer schedule
        case _:
            return Retry.IDEMPOTENT


def _is_certificate_fault(fault: Exception) -> bool:
    return any(isinstance(cause, ssl.SSLCertVerificationError) for cause in _causes(fault))


def _causes(fault: BaseException | None) -> Iterator[BaseException]:
    """A fault and all that led to it; where several addresses were tried, what happened at each."""
    while fault is not None:
        yield fault
        if isinstance(fault, BaseExceptionGroup):
            for inner in fault.exceptions:
                yield from _causes(inner)
        fault = fault.__cause__ or fault.__context__
