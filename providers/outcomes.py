"""The rows of the table of replies that all providers share, and what a fault of the wire means. Pure.

What httpx raises is told apart like this (measured against real sockets; httpx sends nothing a second time
by itself):

    ConnectError, ConnectTimeout, PoolTimeout   certainly not sent → failed, unreachable; safe to send again
      … with an SSLCertVerificationError        failed, config_error: sending again cannot help
    TimeoutException, the total deadline        perhaps sent → unknown, no_answer
    anything else                               perhaps sent → unknown, connection_lost
"""

import socket
import ssl
from collections.abc import Iterator
from dataclasses import dataclass

import httpx

from providers.actions import (
    CallAction,
    CancelCall,
    Code,
    NumberRef,
    Outcome,
    PlaceCall,
    Retry,
    StartCampaign,
    Status,
    StopCampaign,
)
from providers.reply import Reply


@dataclass(frozen=True, slots=True)
class Party:
    """The provider, as a message about it needs it.

    ``support`` is whom to ask; ``address`` where its API is; ``setting`` the connection's settings that say
    so; ``deadline`` how many seconds it has for an answer.
    """

    title: str
    support: str
    address: str
    setting: str
    deadline: float

    def shared_row(self, action: CallAction, reply: Reply) -> Outcome:
        """What a reply means that the provider's own documents do not explain."""
        match reply.status, reply.status // 100:
            case (405 | 415, _) | (_, 3):
                return failed(
                    Code.CONFIG_ERROR,
                    f"{self.title} does not take this request at {self.address} ({reply.status}). "
                    f"Check this connection's {self.setting}; if it is right, ask {self.support}.",
                )
            case 408, _:
                return self.unknown(action, Code.NO_ANSWER, f"{self.title} gave up waiting for us (408).")
            case 429, _:
                return self.rate_limited(action, reply)
            case status, 4:
                return failed(
                    Code.REJECTED,
                    f"{self.title} turned the request down ({status}){reply.quoted()}. "
                    f"If that does not say why, ask {self.support}.",
                )
            case status, 5:
                what = f"{self.title} failed ({status}). If it goes on, ask {self.support}."
                return self.unknown(action, Code.SERVER_ERROR, what, retry_after=reply.retry_after)
            case status, _:
                what = f"{self.title} answered {status}, with nothing that its documents explain."
                return self.unknown(action, Code.UNREADABLE_REPLY, what)

    def rate_limited(self, action: CallAction, reply: Reply) -> Outcome:
        """The outcome of a request that was one too many, and was not processed."""
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
    def _untrusted(self) -> str:
        return (
            f"The certificate at {self.address} cannot be trusted. "
            f"Check this connection's {self.setting}; if it is right, ask {self.support}."
        )


def failed(code: Code, message: str) -> Outcome:
    """The outcome of a request that was certainly turned down, and need not be sent again."""
    return Outcome(status=Status.FAILED, code=code, message=message)


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
