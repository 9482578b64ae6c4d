"""The verb at the beginning of a line, and what was meant where there is none. Pure."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from bot.parsing.command import CAMPAIGN, FORMS, OF_CAMPAIGNS, CommandContext, Verb
from bot.parsing.options import FieldProblems
from bot.text import parse_errors
from bot.text.formatting import closest

_CALLS: Final = frozenset({Verb.PLACE, Verb.CANCEL, Verb.MOVE})
"""The verbs about one call or several."""
_LIKELY_VERB: Final = 0.7
"""How alike a word must be to a verb to be a slip of it (difflib's ratio)."""
_DONE_TO_CAMPAIGNS: Final[Mapping[str, Verb]] = {
    **{verb.removeprefix(f"{CAMPAIGN} "): verb for verb in OF_CAMPAIGNS},
    **dict.fromkeys(("pause", "halt"), Verb.STOP_CAMPAIGN),
    **dict.fromkeys(("play", "resume", "run", "launch"), Verb.START_CAMPAIGN),
    **dict.fromkeys(("remove", "erase"), Verb.DELETE_CAMPAIGN),
}
"""The words for what is done to a campaign, and what people type for them."""
_NOT_DONE_TO_CAMPAIGNS: Final = ("status", "show", "list", "log", "help", "approve", "deny", "move")
"""Words that are no slip of one of those, and whose slips are none."""
_STATUS: Final = frozenset({"stat", "stats", "state", "states"})
_TO_BE_NEAR: Final[Mapping[str, Verb]] = {
    str(verb): verb
    for verb in (Verb.PLACE, Verb.CANCEL, Verb.MOVE, Verb.LIST, Verb.STATUS, Verb.LOG, Verb.HELP)
}
"""The verbs that a slip is taken for. A word that is only like one of the others must not start anything."""
_SAID_FOR: Final[Mapping[str, Verb]] = {
    **dict.fromkeys(("call", "calls", "calling", "dial", "redial", "ring", "phone", "telephone"), Verb.PLACE),
    **dict.fromkeys(("callback", "schedule", "book", "make", "place-call", "new"), Verb.PLACE),
    **dict.fromkeys(("abort", "unschedule", "drop", "revoke", "hangup", "hang", "kill", "end"), Verb.CANCEL),
    **dict.fromkeys(("cancel-call", "cancellation", "uncall", "unbook"), Verb.CANCEL),
    **dict.fromkeys(("reschedule", "postpone", "prepone", "delay", "shift"), Verb.MOVE),
    **dict.fromkeys(("unstop", "unblock", "resume-calls"), Verb.ALLOW),
    **dict.fromkeys(("block", "dnc", "do-not-call", "donotcall"), Verb.STOP),
    **dict.fromkeys((*_STATUS, "check", "show"), Verb.STATUS),
    **dict.fromkeys(("search", "find", "history", "audit", "export"), Verb.LOG),
    **dict.fromkeys(("pending", "mine", "waiting", "scheduled"), Verb.LIST),
}
"""The words that people type for a verb, and that are none."""
_WITH_A_NUMBER: Final[Mapping[Verb, tuple[Verb, ...]]] = {
    Verb.DELETE_CAMPAIGN: (Verb.CANCEL,),
    Verb.STOP_CAMPAIGN: (Verb.CANCEL, Verb.STOP),
    Verb.START_CAMPAIGN: (Verb.PLACE,),
}
"""What a word for what is done to a campaign can mean before a phone number."""

_NUMBER: Final = re.compile(r"[+(]?(?:\d[\s().-]{0,2}){7}")
_NOUN: Final = re.compile(
    r"(?:(?:an?|the|this|that|my)\s+)?(?:scheduled\s+)?calls?\s+(?:(?:to|of|for|with|back)\s+)?(?=\S*\d)",
    re.IGNORECASE,
)
"""What people put between a verb and its target: "the call to"."""
_PARTICLE: Final = re.compile(r"^(?:back|up|to)\s+(?=\S*\d)", re.IGNORECASE)
"""What goes with some words for a verb: "call back", "hang up"."""
_STOP_ONE: Final = re.compile(
    r"stop\s+(?:(?:an?|the|this|that|my)\s+)?(?:scheduled\s+)?call\b(?!=)", re.IGNORECASE
)
_STOP_ALL: Final = re.compile(
    r"(?:stop\s+(?:all\s+)?(?:calls|calling)|(?:do\s+not|don[\'\u2019]?t|never)\s+(?:call|dial|ring|phone))\b(?!=)",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Read:
    """A line's verb, the one by whose grammar the rest is read, and that rest (None: it is not read).

    ``verbs`` are the ones it could be, where it is none.
    """

    verb: Verb | None
    grammar: Verb | None = None
    rest: str | None = None
    verbs: tuple[Verb, ...] = ()


def read_verb(text: str, door: Verb | None, *, vocabulary: CommandContext, faults: FieldProblems) -> Read:
    """The verb and what stands behind it; what it could be is among the faults."""
    first, *others = text.split(maxsplit=1) or [""]
    word, rest = _bare(first), "".join(others)
    if word in {"help", "?"} and not (door and rest):
        return Read(Verb.HELP)
    if door:
        behind = _behind(door, text)
        return Read(door, door, _target(door, text if behind is None else behind))
    if known := _asked_to_stop(text, faults) or _campaign_behind(word, rest, faults) or _begins(text):
        return known
    if (behind := _behind(CAMPAIGN, text)) is not None:
        return _of_campaigns(behind, vocabulary, faults)
    if word.replace("-", "").isalpha():
        return _misspelt(first, rest, vocabulary, faults)
    return Read(None, None, text)


def _asked_to_stop(text: str, faults: FieldProblems) -> Read | None:
    """A line that stops calls in words of its own: which of the two it means is asked."""
    if found := _STOP_ONE.match(text):
        faults.add("verb", parse_errors.STOP_OR_CANCEL, Verb.CANCEL)
        verbs: tuple[Verb, ...] = (Verb.CANCEL, Verb.STOP)
    elif found := _STOP_ALL.match(text):
        faults.add("verb", parse_errors.STOP_IS_THE_VERB, Verb.STOP)
        verbs = (Verb.STOP,)
    else:
        return None
    rest = re.sub(r"^\s*(?:to|of|for)\s+", "", text[found.end() :]).strip()
    return Read(None, verbs[0], rest, verbs)


def _campaign_behind(word: str, rest: str, faults: FieldProblems) -> Read | None:
    """A line in which the word "campaign" stands behind what is to be done to it."""
    done, behind = _DONE_TO_CAMPAIGNS.get(word), _behind(CAMPAIGN, rest)
    if done is None or behind is None:
        return None
    faults.add("verb", parse_errors.campaign_first(done), done)
    return Read(None, done, behind, (done,))


def _begins(text: str) -> Read | None:
    """A line that begins with a verb."""
    for verb in Verb:
        if (behind := _behind(verb, text)) is not None:
            return Read(verb, verb, _target(verb, behind))
    return None


def _target(verb: Verb, rest: str) -> str:
    """What stands behind a verb, without the noun that people put before the target."""
    return _NOUN.sub("", rest, count=1) if verb in _CALLS and _NOUN.match(rest) else rest


def _misspelt(first: str, rest: str, vocabulary: CommandContext, faults: FieldProblems) -> Read:
    """What a first word that is no verb here was meant to be."""
    word = _bare(first)
    message = parse_errors.not_a_verb(first)
    if word in _DONE_TO_CAMPAIGNS:
        return _done_in_other_words(_DONE_TO_CAMPAIGNS[word], message, rest, vocabulary, faults)
    spelt = None if word in _SAID_FOR else closest(word, [*_TO_BE_NEAR, CAMPAIGN], alike=_LIKELY_VERB)
    if spelt == CAMPAIGN:
        meant, rest = _done_to_campaigns(rest, vocabulary)
        faults.add("verb", message, meant or CAMPAIGN)
        return _one_of(meant, rest, vocabulary)
    verb = _SAID_FOR.get(word) or (_TO_BE_NEAR[spelt] if spelt else None)
    rest = _PARTICLE.sub("", rest)
    faults.add("verb", message, verb)
    return Read(None, verb, _target(verb, rest) if verb else rest, (verb,) if verb and verb in FORMS else ())


def _done_in_other_words(
    done: Verb, message: str, rest: str, vocabulary: CommandContext, faults: FieldProblems
) -> Read:
    """What a word for what is done to campaigns means before a number or an id."""
    bare = _target(Verb.CANCEL, rest)
    of_call = bare != rest or bool(_NUMBER.match(rest)) or not vocabulary.can((done,))
    verbs = _WITH_A_NUMBER[done] if of_call else (done,)
    if done is Verb.DELETE_CAMPAIGN and not of_call and vocabulary.can((Verb.CANCEL,)):
        verbs = (Verb.CANCEL, done)  # an id may be either's
    faults.add("verb", message, verbs[0] if len(verbs) == 1 else None)
    return Read(None, verbs[0], bare, verbs)


def _of_campaigns(rest: str, vocabulary: CommandContext, faults: FieldProblems) -> Read:
    """What stands behind the word "campaign", where no verb does."""
    can = vocabulary.can(OF_CAMPAIGNS)
    if len(can) == 1 and not rest:
        return Read(can[0], can[0], rest)
    meant, behind = _done_to_campaigns(rest, vocabulary)
    message = parse_errors.which_for_campaigns(can) if can else parse_errors.NOTHING_FOR_CAMPAIGNS
    faults.add("verb", message, meant)
    return _one_of(meant, behind, vocabulary)


def _done_to_campaigns(rest: str, vocabulary: CommandContext) -> tuple[Verb | None, str]:
    """What was probably meant to be done to a campaign, and what stands behind that."""
    first, *others = rest.split(maxsplit=1) or [""]
    word = _bare(first)
    if not word.isalpha():
        can = vocabulary.can(OF_CAMPAIGNS)
        return can[0] if len(can) == 1 else None, rest
    known = [*_DONE_TO_CAMPAIGNS, *_NOT_DONE_TO_CAMPAIGNS]
    spelt = None if word in _STATUS else closest(word, known, alike=_LIKELY_VERB)
    return _DONE_TO_CAMPAIGNS.get(spelt or ""), "".join(others)


def _one_of(meant: Verb | None, rest: str, vocabulary: CommandContext) -> Read:
    """A line about a campaign whose verb is still to be chosen; all of them are read alike."""
    can = vocabulary.can(OF_CAMPAIGNS)
    return Read(None, meant or Verb.DELETE_CAMPAIGN, rest, (meant,) if meant else can)


def _bare(word: str) -> str:
    return word.lower().rstrip(":,")


def _behind(beginning: str, text: str) -> str | None:
    """What follows some words at a text's beginning, None where it does not begin with them."""
    pattern = r"\s+".join(beginning.split()) + r"[:,]*(?:\s+|$)"
    found = re.match(pattern, text, re.IGNORECASE)
    return text[found.end() :] if found else None
