"""Maps transport errors, and replies that no adapter interprets, to outcomes.

An adapter declares the failures that its provider documents, a `Failure` for each status. The sentence of
each code is written here once: what the provider did, its own words where they may be shown, what to check.

httpx itself never sends twice. Its exceptions are classified as follows (measured with real sockets):

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
"""For each kind of action, what a provider that rejects it did not do."""


_REFUSES: Final = 4
_NO_REFUSALS: Final = frozenset({404, 405, 408, 415, 429})
"""Statuses among the 4xx that do not judge the request itself."""


@dataclass(frozen=True, slots=True)
class Failure:
    """A documented failure of a provider, by HTTP status.

    ``check`` is the remedy, as a clause without a full stop ("compare the id with …"). If it is empty, the
    adapter's ``key_check`` (for `Code.AUTH_FAILED`) or ``advice`` takes its place. ``kinds`` are the kinds of
    action that it applies to. `Code.NOT_FOUND` counts only in the provider's own JSON.
    """

    status: int
    code: Code
    check: str = ""
    kinds: frozenset[Kind] = frozenset(Kind)


@dataclass(frozen=True, slots=True)
class ErrorMapper:
    """Builds outcomes from errors, with the facts of a provider that messages need.

    ``support`` is the provider's contact. ``address`` is the base address of its API. ``setting`` names the
    settings for that address. ``deadline`` is the limit for an answer, in seconds. ``key_check`` is the
    remedy for a rejected key. ``advice`` has the remedy for each kind of rejected action. Both are clauses
    without a full stop.
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
        """Return the outcome of a reply by its status.

        The failures that the adapter declares come before the rules for all providers. ``quote`` is the
        provider's own sentence, empty if it may not be shown. ``own`` is the verdict of the provider's own
        document, None if the reply is not the provider's document.
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
                what = f"{self.title} redirected us ({reply.status}). {self._check_address}"
            case (405 | 415, _) | (_, 3):
                what = f"{self.title} doesn't take this request at {self.address} ({reply.status})."
                return failed(Code.CONFIG_ERROR, f"{what} {self._check_address}")
            case 408, _:
                code, what = Code.NO_ANSWER, f"{self.title} gave up waiting for us (408)."
            case status, 5:
                code = Code.SERVER_ERROR
                what = f"{self.title} had an error ({status}). If it goes on, ask {self.support}."
            case status, _:
                code = Code.UNREADABLE_REPLY
                what = f"{self.title} answered {status}, which its documents don't explain."
        return self.unknown(action, code, what, retry_after=reply.retry_after)

    def _row(self, action: CallAction, reply: Response, *, own: bool | None) -> Failure | None:
        """Return the failure declared for a reply, or its status' rejection for all providers, or None."""
        for row in self.failures:
            if row.status == reply.status and action.kind in row.kinds:
                return row
        match reply.status:
            case 200 if own is False:
                return Failure(200, Code.REJECTED)
            case 401 | 403 as status:  # most often the key, even without a document of the provider
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
        """Return the outcome of a request that was certainly rejected, with the sentence of its code.

        ``check`` is the clause of a `Failure`. If empty, it is the usual one of the code. ``own`` is that of
        `shared_row`.
        """
        match code:
            case Code.AUTH_FAILED:
                what, check = "doesn't let this connection in", check or self.key_check
            case Code.INVALID_REQUEST:
                what = "found the request invalid"
            case Code.COMPLIANCE_BLOCKED:
                what = "may not call this number, which is on a do-not-disturb list or not verified"
            case Code.NOT_FOUND:
                what = f"didn't find {_sought(action)}"
            case _:
                what = f"didn't {_ASKED[action.kind]}"
        check = check or self.advice.get(action.kind) or "check the request"
        if own is None and reply.status in {401, 403}:  # perhaps a gateway's, and not because of the key
            check = f"{check}. Check its {self.setting}, too: the answer wasn't the provider's own JSON"
        # A rejection may have any cause, such as a low balance: the provider's words come before the advice.
        unsure = quote and code in {Code.AUTH_FAILED, Code.REJECTED}
        check = f"If that doesn't explain it, {check}" if unsure else f"{check[0].upper()}{check[1:]}"
        said = f": “{quote}”" if quote else ""
        status = "" if reply.status == httpx.codes.OK else f" ({reply.status})"
        return failed(
            code, f"{self.title} {what}{status}{said}. {check}. If that doesn't help, ask {self.support}."
        )

    def foreign_reply(self, action: CallAction, reply: Response) -> Outcome:
        """Return the outcome of a "not found" that is not the provider's own JSON."""
        return failed(
            Code.REJECTED,
            f"{self.title} didn't {_ASKED[action.kind]}. {self.address} answered {reply.status}, but not in "
            f"the provider's own JSON, so it may be another server. {self._check_address}",
        )

    def other_target(self, action: CallAction) -> Outcome:
        """Return the outcome of a success that names another target than the requested one."""
        return self.unknown(
            action,
            Code.UNREADABLE_REPLY,
            f"{self.title} answered for another {aimed_at(action)} than the requested one. Check both now.",
        )

    def contradiction(self, action: CallAction, reply: Response) -> Outcome:
        """Return the outcome of a reply that reports both a success and a failure."""
        what = f"{self.title} contradicted itself ({reply.status}): it reported a success and a failure."
        return self.unknown(action, Code.UNREADABLE_REPLY, what)

    def not_sighted(
        self, action: CallAction, reply: Response, *, absent: bool, put_off: bool
    ) -> LookupResult:
        """Return the result of a look-up whose reply does not show the target.

        ``absent`` means that the provider itself says that it has no such target. ``put_off`` means that the
        provider did not look.
        """
        what = aimed_at(action)
        match reply.status:
            case _ if put_off:
                message = f"{self.title} is busy."
            case _ if absent:
                message = f"{self.title} has no {what} with this ID on this account."
            case 401 | 403:
                message = self.failure(action, reply, "", Code.AUTH_FAILED).message
            case status:
                message = f"{self.title} didn't say whether it has this {what} ({status})."
        return LookupResult(found=False if absent and not put_off else None, message=message, put_off=put_off)

    def rate_limited(self, action: CallAction, reply: Response) -> Outcome:
        """Return the outcome of a request that exceeded the rate limit and was not processed."""
        message = f"{self.title} is busy and didn't process this request."
        if isinstance(action, PlaceCall | StartCampaign):
            # A 429 means "not processed" by custom only. That is too weak a reason to call people twice.
            retry, message = Retry.NEVER, f"{message} Wait a minute, then try again."
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
        """Return the outcome of a request that ended in an exception instead of a reply."""
        match fault:
            case httpx.ConnectError() if _is_certificate_fault(fault):
                return failed(Code.CONFIG_ERROR, f"{self._untrusted} Nothing was sent.")
            case httpx.ConnectError() | httpx.ConnectTimeout() | httpx.PoolTimeout():
                return Outcome(
                    status=Status.FAILED,
                    code=Code.UNREACHABLE,
                    message=f"{self.title} can't be reached. Nothing was sent. If it goes on, "
                    f"ask your CallOps admin to check this connection's {self.setting}.",
                    retry=Retry.SAFE,
                )
            case httpx.TimeoutException() | TimeoutError():
                waited = f"{self.title} didn't answer within {self.deadline:g} s."
                return self.unknown(action, Code.NO_ANSWER, waited)
            case httpx.TransportError() | OSError():
                lost = f"The connection to {self.title} broke before the answer was complete."
                return self.unknown(action, Code.CONNECTION_LOST, lost)
            case _:
                ours = f"CallOps itself failed ({type(fault).__name__}) while talking to {self.title}."
                return self.unknown(action, Code.UNREADABLE_REPLY, ours)

    def out_of_reach(self, fault: Exception) -> str:
        """Return why the provider's host does not answer at all, and the remedy."""
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
            return f"{self.address} doesn't speak proper TLS. {check}; {ask}"
        if any(isinstance(cause, httpx.TimeoutException | TimeoutError) for cause in causes):
            return f"{self.address} didn't answer within {self.deadline:g} s. {check}, {network}."
        return f"{self.address} gave no HTTP answer ({type(fault).__name__}). {check}, {network}."

    def unknown(
        self, action: CallAction, code: Code, what: str, *, retry_after: float | None = None
    ) -> Outcome:
        """Return the outcome of a request that may have been executed."""
        retry = after_doubt(action)
        calls = isinstance(action, PlaceCall | StartCampaign)
        called = " The customer may already have been called." if calls else ""
        advice = "" if retry is Retry.IDEMPOTENT else f"{called} Check {self.title} before you try again."
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
        return f"The certificate at {self.address} can't be trusted. {self._check_address}"


def failed(code: Code, message: str) -> Outcome:
    """Return the outcome of a request that was certainly rejected, without another attempt."""
    return Outcome(status=Status.FAILED, code=code, message=message)


def _sought(action: CallAction) -> str:
    """Return the noun phrase for a target that a provider did not find."""
    match action:
        case PlaceCall():
            return "what this call needs"
        case CancelCall(target=NumberRef()):
            return "a scheduled call of this agent to this number"
        case _:
            return f"this {aimed_at(action)}, or it isn't on this account"


def aimed_at(action: CallAction) -> str:
    """Return the noun for an action's target."""
    return "call" if isinstance(action, PlaceCall | CancelCall) else "campaign"


def after_doubt(action: CallAction) -> Retry:
    """Return how CallOps may retry an attempt whose outcome is unknown."""
    match action:
        case PlaceCall() | StartCampaign():
            return Retry.VERIFY  # a second request could call people twice
        case StopCampaign():
            return Retry.VERIFY  # a late request could stop a campaign that was started again
        case CancelCall(target=NumberRef()):
            return Retry.SHORT_WINDOW  # a late request could remove a newer schedule
        case _:
            return Retry.IDEMPOTENT


def _is_certificate_fault(fault: Exception) -> bool:
    return any(isinstance(cause, ssl.SSLCertVerificationError) for cause in _causes(fault))


def _causes(fault: BaseException | None) -> Iterator[BaseException]:
    """Yield an exception and all its causes, with the exception of each address that was tried."""
    while fault is not None:
        yield fault
        if isinstance(fault, BaseExceptionGroup):
            for inner in fault.exceptions:
                yield from _causes(inner)
        fault = fault.__cause__ or fault.__context__
