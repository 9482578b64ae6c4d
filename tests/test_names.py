"""Names of the code: one word for one thing, and the field's own word wherever there is one."""

import ast
from collections.abc import Iterator
from typing import Final

from tests.support.tree import ROOT

RETIRED: Final = {
    "ActionLog": "Store",
    "AlreadyAsked": "DuplicateRequestError",
    "ANSWER_WITHIN": "SLACK_TIMEOUT",
    "answered_with": "http_status",
    "APART": "MIN_INTERVAL",
    "ask_next": "next_approver_after",
    "Asking": "ApprovalNotifier",
    "at_decision": "can_decide",
    "at_dispatch": "can_dispatch",
    "at_lifting": "can_unblock",
    "AT_ONCE": "MAX_CONCURRENT",
    "at_reading": "can_search",
    "at_request": "can_request",
    "at_reveal": "can_reveal",
    "at_settlement": "can_settle",
    "believed": "verified_outcome",
    "Beside": "PendingContext",
    "beyond_documents": "allow_undocumented",
    "Budget": "RateLimit",
    "Chain": "EventWriter",
    "Change": "ChangeSet",
    "coming_up": "upcoming_calls",
    "Conflict": "ConflictError",
    "ConnectionWords": "ConnectionInfo",
    "Consequence": "OutcomeDecision",
    "CostlyNumberFault": "PremiumNumberError",
    "Crew": "BotDriver",
    "Daily": "DailySummary",
    "Decisions": "ApprovalListeners",
    "Deed": "Permission",
    "Directory": "UserDirectory",
    "DispatchTable": "DispatchSettings",
    "doubted": "maybe_executed",
    "Doubts": "UnknownReminders",
    "doubts": "unknown_reminders",
    "Earlier": "RecentCall",
    "Erased": "PurgeResult",
    "Erasing": "PurgeFilter",
    "Faults": "FieldProblems",
    "Followed": "SecondStep",
    "goes_out": "reported_call_time",
    "Ground": "Source",
    "GroupsTable": "GroupSettings",
    "heed": "on_response",
    "Hit": "SearchHit",
    "House": "Runtime",
    "IllegalMove": "InvalidTransitionError",
    "infer": "fill_defaults",
    "Inferred": "FilledCommand",
    "Instances": "Processes",
    "Intake": "CommandService",
    "joins": "deduplicate",
    "keep_rules": "record_rules",
    "Keeping": "RetentionWorker",
    "Kept": "Retained",
    "Keys": "Options",
    "known_call": "find_scheduled",
    "lapsed": "lease_expired",
    "last_asked": "last_notified_at",
    "Later": "SuggestedTime",
    "left_out": "ignored_words",
    "lift": "unblock or reset",
    "Line": "Command",
    "Links": "ChainVerifier",
    "Lists": "RequestLists",
    "LogEntry": "ActionRecord",
    "entry_of": "record_of",
    "select_entries": "select_actions",
    "LookUps": "TargetLookups",
    "may_lift": "may_unblock",
    "Move": "Transition",
    "Moved": "Reschedule",
    "moves_due": "reschedules_due",
    "moves_followed": "reschedules_completed",
    "moves_to": "new_time",
    "NoAdapter": "AdapterNotFoundError",
    "NoSuchRequest": "RequestNotFoundError",
    "not_again": "stop_retrying",
    "NotAllowed": "PermissionDeniedError",
    "Note": "Annotation",
    "Notice": "ProviderEvent",
    "Notices": "ProviderEvents",
    "NotNow": "OutsideCallingHoursError",
    "ODD": "UNKNOWN",
    "Offer": "CallOptions",
    "Opening": "FormOpener",
    "Operations": "RequestService and ApprovalService",
    "Origin": "RequestSource",
    "Outgoing": "OutboxItem",
    "overdue": "retry_window_expired",
    "Pace": "RateLimiter",
    "Party": "ErrorMapper",
    "PersonUnreadable": "UserUnavailableError",
    "PhoneFault": "InvalidNumberError",
    "placed_lately": "recent_call_to",
    "Post": "Notification",
    "read_again": "parse_stored_response",
    "Refused": "CannotSendError",
    "Reloading": "ConfigReloader",
    "Replies": "EphemeralResponder",
    "Reply": "Response",
    "RetentionTable": "RetentionSettings",
    "Rounds": "PeriodicTask",
    "SettingsFault": "ConfigError",
    "SHUT": "CHANNEL_UNAVAILABLE",
    "sighted": "lookup_found",
    "sighted_before": "found_before_attempt",
    "Sighting": "LookupResult",
    "SLACK_TROUBLE": "SLACK_ERRORS",
    "SlackTable": "SlackSettings",
    "something_to_do": "wake_workers",
    "Sources": "WriteContext",
    "SQLiteLog": "Store",
    "standing": "ineligible_reason",
    "Standstill": "ConnectionOutage",
    "Stop": "DoNotCallEntry",
    "StopNews": "an announcement",
    "Stopping": "DoNotCallService",
    "stranger": "is_external",
    "Submissions": "FormSubmissions",
    "Surfaces": "Listeners",
    "take_back": "withdraw",
    "time_came": "call_time_passed",
    "TimeFault": "InvalidTimeError",
    "to_edit": "edit_limits",
    "to_post": "post_limits",
    "TooLate": "StaleChangeError",
    "turn_away": "record_denied_attempt",
    "Typist": "a time zone",
    "undecided": "decision_expired",
    "unsighted": "awaiting_lookup",
    "Vocabulary": "CommandContext",
    "Waiting": "PendingRequest",
    "wanted_by": "context_of_request",
    "Whole": "RequestHistory",
    "Windows": "ModalClient",
    "wish": "request_spec",
    "Wish": "RequestSpec",
    "ZoneFault": "InvalidZoneError",
}
"""Words that meant something here alone, each with the name that a newcomer knows."""
PACKAGES: Final = ("bot", "storage", "providers", "playground", "tests")


def names(source: str) -> Iterator[str]:
    """Yield the names that a module gives to classes, functions, attributes and its own values."""
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.ClassDef(name=name) | ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
                yield name
            case ast.Attribute(attr=name, ctx=ast.Store()):
                yield name
        if isinstance(node, ast.ClassDef | ast.Module):
            yield from (
                target.id
                for statement in node.body
                if isinstance(statement, ast.AnnAssign | ast.Assign)
                for target in (statement.targets if isinstance(statement, ast.Assign) else [statement.target])
                if isinstance(target, ast.Name)
            )


def test_no_retired_word_names_anything() -> None:
    """A retired word is the whole name of no module, class, function, attribute or constant."""
    modules = [path for package in PACKAGES for path in sorted((ROOT / package).rglob("*.py"))]
    found = [
        f"{path.relative_to(ROOT)}: {name} is called {RETIRED[name]}"
        for path in modules
        for name in (path.stem, *names(path.read_text(encoding="utf-8")))
        if name in RETIRED
    ]
    assert found == []


def test_a_retired_word_is_found_wherever_it_names_something() -> None:
    """A name is seen in each place where one can be given."""
    given = """
APART = 1

class Move:
    doubted: bool
    lift = 1

    async def wish(self) -> None:
        self.sighted = 2
"""
    assert set(names(given)) == {"APART", "Move", "doubted", "lift", "wish", "sighted"}
