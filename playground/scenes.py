"""The scenes of the tour, in order. Each leaves the state that the next ones need."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import TypeAlias
from zoneinfo import ZoneInfo

from playground.callkaro import AGENT, DELETE, PLACE
from playground.calls import Ringing
from playground.company import Asked, Company
from playground.faults import Fault

Scene: TypeAlias = Callable[[Company], Awaitable[None]]

AUDIT, APPROVALS = "C0AUDIT", "C0APPROVE"
IMMEDIATE, SCHEDULED, TWICE, SILENT, KILLED = (f"98765 432{n}" for n in (11, 10, 12, 13, 14))
ANSWERED, UNANSWERED = (f"98765 432{n}" for n in (15, 16))
UPCOMING, HELD, LISTED = (f"98765 432{n}" for n in (17, 18, 19))
"""The numbers that are called, each in its own scene."""
UNKNOWN = "⚠️ Outcome unknown"
RETRY_AFTER = 3
"""Seconds that Voxworks asks CallOps to wait."""
OUTBOX_LEASE = 30.0
"""Seconds for which a killed bot may still hold the lease of an outbox item."""
_KOLKATA = ZoneInfo("Asia/Kolkata")


async def asking_for_help(company: Company) -> None:
    """Play the help command, and its second page."""
    asha = company.asha
    answer = asha.told(await asha.types("/calls help"))
    await asha.presses(answer, "Options and connections…")
    options = await asha.is_answered("Connections")
    await asha.expects(options, "Its second page names both connections.", "reminders", "voxworks")


async def placed_at_once(company: Company) -> None:
    """Play a call placed at once: the preview, its button, one request."""
    asha = company.asha
    preview = asha.told(await asha.types(f"/place-call {IMMEDIATE}"))
    await company.expect_asked("No provider was asked before the button was pressed.")
    await asha.presses(preview, "Place call")
    await company.olive.reads(AUDIT, "✅ Placed", _masked(IMMEDIATE))
    await asha.is_answered(IMMEDIATE[-4:])
    await company.expect_asked("CallKaro was asked once.", _placed(IMMEDIATE))


async def scheduled_by_form(company: Company) -> None:
    """Play a call placed by form: a field error first, without losing typed values."""
    asha = company.asha
    form = asha.looking(await asha.types("/place-call"))
    wrong = {"Phone number": SCHEDULED, "Call time": "25:00"}
    form = asha.looking(await asha.submits(form, wrong))
    kept = [next(iter(form.values[block].values()))["value"] for block in ("targets", "at")]
    company.narrator.expect(
        "The fault stands under its field, and nothing typed is lost.",
        holds=[*form.errors] == ["at"] and kept == [*wrong.values()],
        seen=(form.errors, kept),
    )
    at = f"{datetime.now(_KOLKATA) + timedelta(days=1):%Y-%m-%d}T09:30:00"
    preview = asha.looking(await asha.submits(form, {"Call time": "tomorrow 9:30"}))
    await asha.expects(preview, "The preview shows the time, and its zone.", "9:30 AM IST")
    await asha.submits(preview)
    await company.olive.reads(AUDIT, "✅ Scheduled", _masked(SCHEDULED))
    await company.expect_asked("CallKaro was asked once, for that time.", _placed(SCHEDULED, schedule_at=at))


async def cancelled_by_number(company: Company) -> None:
    """Play a cancellation by number: approved, sent, announced."""
    request = await company.asha.asks(f"/cancel-call {SCHEDULED} customer asked")
    card = await company.mira.reads(APPROVALS, "Requested by", request)
    await company.expect_asked("Nothing is sent until somebody approves.")
    await company.mira.submits(await company.mira.opens(card, "Review…"))
    await company.asha.is_written_to("🚫 Cancelled", request)
    await company.olive.reads(AUDIT, "🚫 Cancelled", "approved by", request)
    await company.expect_asked(
        "CallKaro was asked once, and what was scheduled is gone there.",
        Asked(
            "callkaro",
            f"POST {DELETE}?agent_id={AGENT}",
            {"to_number": _digits(SCHEDULED)},
            200,
            ("removed",),
        ),
    )


async def denied(company: Company) -> None:
    """Play a denied cancellation by id: the requester reads the reason, a late approver reads who decided."""
    mira, sam, why = company.mira, company.sam, "She confirmed it this morning"
    request = await company.asha.asks("/calls cancel vx_1001 via voxworks reason=customer is away")
    card = await mira.reads(APPROVALS, "Requested by", request)
    form = await mira.opens(await mira.opens(card, "Review…"), "Deny…")
    await mira.submits(form, {"In your words": why})
    await company.asha.is_written_to("✋ Denied by", why, request)
    await company.olive.reads(AUDIT, "✋ Denied by", why, request)
    await sam.reads(APPROVALS, "✋ Denied by", request)
    late = await sam.opens(card, "Review…", stale=True)
    await sam.expects(late, "Who comes late reads who decided, and when.", "Already denied by @mira, today")
    await sam.closes(late)
    await company.expect_asked("Voxworks was asked nothing.")


async def own_request(company: Company) -> None:
    """Play a manager's own request: its requester may not approve it, another manager may."""
    mira, sam = company.mira, company.sam
    request = await mira.asks("/calls cancel vx_1002 via voxworks reason=wrong number")
    card = await mira.reads(APPROVALS, "Requested by", request)
    refused = await mira.opens(card, "Review…")
    await mira.expects(refused, "Mira may not decide what she asked for.", "Someone else in")
    company.narrator.expect(
        "The modal has no button that approves.", holds=refused.submit is None, seen=refused
    )
    await mira.closes(refused)
    await company.expect_asked("Nothing was sent.")
    with company.narrator.briefly():
        await sam.submits(await sam.opens(card, "Review…"))
    await mira.is_written_to("🚫 Cancelled", request)
    await company.expect_asked("Voxworks was asked once.", _cancelled("vx_1002"))


async def two_at_once(company: Company) -> None:
    """Play two approvals at once: one wins, and the other manager reads who approved and when."""
    both = (company.mira, company.sam)
    with company.narrator.briefly():
        request = await company.asha.asks("/calls cancel vx_1003 via voxworks reason=duplicate")
        card = await company.mira.reads(APPROVALS, "Requested by", request)
        modals = [await one.opens(card, "Review…") for one in both]
    company.narrator.tells("Mira and Sam press [Approve] at the same moment")
    heard = await asyncio.gather(*(one.person.submit(view) for one, view in zip(both, modals, strict=True)))
    late = [(one, told.view) for one, told in zip(both, heard, strict=True) if told.view]
    company.narrator.expect("Exactly one of them wins.", holds=len(late) == 1, seen=heard)
    for loser, view in late:
        winner = next(one.name for one in both if one is not loser)
        company.narrator.tells(f"{winner} was first; {loser.name} reads")
        await loser.sees(view)
        sentence = f"{loser.name} reads that {winner} approved it, and when."
        await loser.expects(view, sentence, f"Already approved by @{winner.lower()}, today")
        await loser.closes(view)
    await company.asha.is_written_to("🚫 Cancelled", request)
    await company.expect_asked("Voxworks was asked once.", _cancelled("vx_1003"))


async def double_click(company: Company) -> None:
    """Play a double click, which makes a single call."""
    asha = company.asha
    with company.narrator.briefly():
        preview = asha.told(await asha.types(f"/place-call {TWICE}"))
    await asha.presses_twice(preview, "Place call")
    await company.olive.reads(AUDIT, "✅ Placed", _masked(TWICE))
    await company.expect_asked("CallKaro was asked once.", _placed(TWICE))


async def no_answer(company: Company) -> None:
    """Play a provider without a reply: the outcome is unknown until an entitled person records it."""
    asha, mira, olive = company.asha, company.mira, company.olive
    company.narrator.tells("CallKaro will do what it is asked next, but not answer")
    await company.stage.providers.fail("callkaro", Fault(does="silence", effect=True))
    with company.narrator.briefly():
        preview = asha.told(await asha.types(f"/place-call {SILENT}"))
    await asha.presses(preview, "Place call")
    await asha.is_written_to(UNKNOWN, _masked(SILENT))
    message = await olive.reads(AUDIT, UNKNOWN, _masked(SILENT))
    for one, why in ((asha, "your own request"), (olive, "Only managers may")):
        refused = await one.opens(message, "Record outcome…")
        await one.expects(refused, f"{one.name} may not record the outcome.", why)
        await one.closes(refused)
    form = await mira.opens(message, "Record outcome…")
    found = {
        "Outcome": "The call was placed",
        "Where did you check?": "CallKaro dashboard",
        "What did you see?": "CallKaro's call list shows it",
    }
    await mira.submits(form, found)
    await asha.is_written_to("✅ Placed", _masked(SILENT))
    await olive.reads(AUDIT, "✅ Placed", _masked(SILENT))
    await company.expect_asked("CallKaro was asked once, and never again.", _placed(SILENT, None))


async def put_off(company: Company) -> None:
    """Play a 429 with Retry-After: the retry is not earlier than told."""
    company.narrator.tells(f"Voxworks will answer the next request with 429 and Retry-After: {RETRY_AFTER}")
    await company.stage.providers.fail(
        "voxworks", Fault(does="rate_limited", headers={"Retry-After": str(RETRY_AFTER)})
    )
    with company.narrator.briefly():
        request = await company.asha.asks("/calls cancel vx_1001 via voxworks reason=asked for it after all")
        card = await company.sam.reads(APPROVALS, "Requested by", request)
        await company.sam.submits(await company.sam.opens(card, "Review…"))
    await company.olive.reads(AUDIT, "Retrying", request)
    await company.asha.is_written_to("🚫 Cancelled", request)
    await company.olive.reads(AUDIT, "🚫 Cancelled", request)
    await company.expect_asked(
        "Voxworks was asked twice: it had not processed the first request.",
        _cancelled("vx_1001", 429),
        _cancelled("vx_1001"),
    )
    first, second = (await company.exchanges())[-2:]
    waited = (second.request.at - first.request.at).total_seconds()
    told = f"It waited the {RETRY_AFTER} seconds it was told to."
    company.narrator.expect(told, holds=waited >= RETRY_AFTER, seen=f"{waited:.3f} s")


async def killed(company: Company) -> None:
    """Play a kill -9 during a request: the outcome is unknown, with a notice, and nothing is sent again."""
    asha, olive, stage = company.asha, company.olive, company.stage
    company.narrator.tells("CallKaro will take its time with the next request")
    await stage.providers.fail("callkaro", Fault(does="silence", effect=True))
    with company.narrator.briefly():
        preview = asha.told(await asha.types(f"/place-call {KILLED}"))
    await asha.presses(preview, "Place call")
    await olive.reads(AUDIT, "⏳", _masked(KILLED))
    await company.request_reaches_provider()
    company.narrator.tells("CallKaro has the request and has not answered; the bot is killed with -9")
    await stage.kill_bot()
    company.narrator.tells("The bot is started again")
    await stage.start_bot()
    within = company.patience + OUTBOX_LEASE
    await asha.is_written_to(UNKNOWN, "CallOps stopped", _masked(KILLED), within=within)
    await olive.reads(AUDIT, UNKNOWN, _masked(KILLED))
    await company.expect_asked(
        "CallKaro was asked once, before the kill, and not again.", _placed(KILLED, None)
    )


async def how_calls_end(company: Company) -> None:
    """Play the ends of two calls: somebody answers the first, and nobody the second, which is tried again."""
    asha, olive, stage = company.asha, company.olive, company.stage
    company.narrator.tells("From here on, CallKaro tells CallOps how its calls end")
    await stage.report_ends(wanted=True)
    await stage.providers.ring("callkaro", Ringing(rings=8, seconds=150))
    with company.narrator.briefly():
        await asha.presses(asha.told(await asha.types(f"/place-call {ANSWERED}")), "Place call")
        await olive.reads(AUDIT, "✅ Placed", _masked(ANSWERED))
    company.narrator.tells("Somebody answers, and talks for two and a half minutes")
    await stage.providers.advance(160)
    await olive.reads(AUDIT, "✅ Placed", "Answered, 2 min 30 s.", _masked(ANSWERED))
    await stage.providers.ring("callkaro", Ringing(end="no_answer", rings=30))
    with company.narrator.briefly():
        preview = await asha.types(f"/place-call {UNANSWERED} retries=1 gap=30")
        await asha.presses(asha.told(preview), "Place call")
        await olive.reads(AUDIT, "✅ Placed", _masked(UNANSWERED))
    company.narrator.tells("It rings for half a minute, and nobody answers")
    await stage.providers.advance(30)
    await olive.reads(AUDIT, "✅ Placed", "No answer (try 1 of 2), again", _masked(UNANSWERED))
    await company.expect_asked(
        "CallKaro was asked once for each, and tries again by itself.",
        _placed(ANSWERED),
        _placed(UNANSWERED, number_of_retries=1, gap_between_retries=30),
    )
    await stage.report_ends(wanted=False)


async def on_home(company: Company) -> None:
    """Play a Home tab: what comes up, and the form behind a button of a row."""
    asha = company.asha
    with company.narrator.briefly():
        preview = asha.told(await asha.types(f"/place-call {UPCOMING} tomorrow 17:00"))
        await asha.presses(preview, "Place call")
        await company.olive.reads(AUDIT, "✅ Scheduled", _masked(UPCOMING))
    at = f"{datetime.now(_KOLKATA) + timedelta(days=1):%Y-%m-%d}T17:00:00"
    await company.expect_asked("CallKaro was asked once.", _placed(UPCOMING, schedule_at=at))
    home = await asha.opens_home("Coming up", _masked(UPCOMING))
    form = asha.looking(await asha.presses(home, "Cancel a call…"))
    await asha.expects(form, "The form offers the call.", _masked(UPCOMING))
    await asha.closes(form)


async def paused(company: Company) -> None:
    """Play a pause: a manager sets it on Home, a call waits, and goes out once after the resume."""
    asha, mira, olive = company.asha, company.mira, company.olive
    form = await mira.opens(await mira.opens_home("Pause calls…"), "Pause calls…")
    await mira.expects(form, "The form says what is waiting.", "waiting to be sent")
    pause = {"Connection": "reminders", "Reason (required)": "wrong list"}
    answer = mira.looking(await mira.submits(form, pause))
    await mira.expects(answer, "Mira reads what stands still.", "Calls through reminders are paused")
    await mira.closes(answer)
    await olive.reads(AUDIT, "mira paused calls through reminders", "wrong list")
    preview = asha.told(await asha.types(f"/place-call {HELD}"))
    await asha.expects(preview, "The preview says so, too.", "Paused by @mira since")
    await asha.presses(preview, "Place call")
    await olive.reads(AUDIT, "Paused by mira", _masked(HELD))
    await company.expect_asked("Nothing was sent.")
    await mira.presses(await mira.home("Paused by @mira since"), "Resume")
    await mira.home(without="Paused by")
    await olive.reads(AUDIT, "mira resumed calls through reminders")
    await olive.reads(AUDIT, "✅ Placed", _masked(HELD))
    await company.expect_asked("CallKaro was asked once, after the resume.", _placed(HELD))


async def listed(company: Company) -> None:
    """Play a call list: a bad line is left out, a manager approves the file, and its call goes out."""
    asha, mira, olive = company.asha, company.mira, company.olive
    form = await asha.opens(await asha.opens_home("Call list…"), "Call list…")
    rows = f"Mobile No,Customer\n+{_digits(LISTED)},Asha\n12,Nobody\n"
    form = await asha.picks(form, "CSV file", "reminders.csv", rows)
    asked = {"Connection": "reminders", "Reason": "monthly reminder"}
    await asha.submits(form, asked)
    checked = await asha.person.wait_for_view(lambda view: view.submit is None and len(view.blocks) > 1)
    await asha.sees(checked)
    await asha.expects(checked, "The bad line is named.", "1 line can't be used", "line 3")
    ready = await asha.opens(checked, "Leave out bad lines")
    await asha.submits(ready)
    card = await mira.reads(APPROVALS, "Place 1 call from the list", "SHA-256 of the file")
    review = await mira.opens(card, "Review…")
    await mira.submits(review)
    await olive.reads(AUDIT, "✅ Finished", "1 done")
    await company.expect_asked("CallKaro was asked once.", _placed(LISTED, metadata={"name": "Asha"}))


def _masked(number: str) -> str:
    return f"+91\u00a0•••{number[-4:]}"


def _digits(number: str) -> str:
    return "91" + number.replace(" ", "")


def _placed(number: str, status: int | None = 200, **more: object) -> Asked:
    said = {"to_number": f"+{_digits(number)}", "agent_id": AGENT, **more}
    return Asked("callkaro", f"POST {PLACE}", said, status, ("placed",))


def _cancelled(call_id: str, status: int = 200) -> Asked:
    effects = ("cancelled",) if status == HTTPStatus.OK else ()
    return Asked("voxworks", f"POST /api/v1/cancel-call/{call_id}", {}, status, effects)


SCENES: tuple[tuple[str, Scene], ...] = (
    ("A call, placed at once", placed_at_once),
    ("A call for tomorrow, by form, after a slip of the finger", scheduled_by_form),
    ("A cancellation by number, approved", cancelled_by_number),
    ("A cancellation by id, denied with a reason", denied),
    ("Nobody decides about their own request", own_request),
    ("Two managers approve at once", two_at_once),
    ("A double click", double_click),
    ("Somebody answers a call, and nobody another", how_calls_end),
    ("A provider that answers nothing", no_answer),
    ("A provider that is busy: 429", put_off),
    ("Killed with -9 while a request is out", killed),
    ("The Home tab", on_home),
    ("A manager pauses calls, and resumes them", paused),
    ("A file of calls is one request", listed),
    ("Help", asking_for_help),
)
"""The scenes, each with its title."""

LOG = (
    f"place_call {_masked(IMMEDIATE)} succeeded",
    f"place_call {_masked(SCHEDULED)} succeeded",
    f"cancel_call {_masked(SCHEDULED)} succeeded",
    "cancel_call vx_1001 denied",
    "cancel_call vx_1002 succeeded",
    "cancel_call vx_1003 succeeded",
    f"place_call {_masked(TWICE)} succeeded",
    f"place_call {_masked(ANSWERED)} succeeded",
    f"place_call {_masked(UNANSWERED)} succeeded",
    f"place_call {_masked(SILENT)} succeeded",
    "cancel_call vx_1001 succeeded",
    f"place_call {_masked(KILLED)} unknown",
    f"place_call {_masked(UPCOMING)} succeeded",
    f"place_call {_masked(HELD)} succeeded",
    "place_list reminders.csv succeeded",
    f"place_call {_masked(LISTED)} succeeded",
)
"""The actions in the log at the end."""
PAUSES = 1
"""The pauses, each with a message of its own in the audit channel."""
ROWS = 1
"""The rows of call lists, which have none."""
