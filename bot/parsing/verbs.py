"""Reads the verb at the beginning of a line, and decides which one was meant if there is none."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from bot.parsing.command import CAMPAIGN, FORMS, OF_CAMPAIGNS, OF_PAUSES, CommandContext, Verb
from bot.parsing.options import FieldProblems
from bot.text import parse_errors
from bot.text.formatting import closest

_CALLS: Final = frozenset({Verb.PLACE, Verb.CANCEL, Verb.MOVE})
"""The verbs about one call or several."""
_LIKELY_VERB: Final = 0.7
"""The least similarity to a verb (difflib's ratio) for a word to be a misspelling of it."""
_DONE_TO_CAMPAIGNS: Final[Mapping[str, Verb]] = {
    **{verb.removeprefix(f"{CAMPAIGN} "): verb for verb in OF_CAMPAIGNS},
    **dict.fromkeys(("pause", "halt"), Verb.STOP_CAMPAIGN),
    **dict.fromkeys(("play", "resume", "run", "launch"), Verb.START_CAMPAIGN),
    **dict.fromkeys(("remove", "erase"), Verb.DELETE_CAMPAIGN),
}
"""The verbs for campaigns, by their own words and by other words that people type."""
_NOT_DONE_TO_CAMPAIGNS: Final = ("status", "show", "list", "log", "help", "approve", "deny", "move")
"""Words that are no misspelling of a campaign's verb, and whose misspellings are none."""
_STATUS: Final = frozenset({"stat", "stats", "state", "states"})
_TO_BE_NEAR: Final[Mapping[str, Verb]] = {
    str(verb): verb
    for verb in (Verb.PLACE, Verb.CANCEL, Verb.MOVE, Verb.LIST, Verb.STATUS, Verb.LOG, Verb.HELP)
}
"""The verbs that a misspelling may stand for. A word that resembles another verb must not start anything."""
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
    **dict.fromkeys(("upload", "file", "csv"), Verb.IMPORT),
}
"""Words that people type in place of a verb."""
_WITH_A_NUMBER: Final[Mapping[Verb, tuple[Verb, ...]]] = {
    Verb.DELETE_CAMPAIGN: (Verb.CANCEL,),
    Verb.STOP_CAMPAIGN: (Verb.CANCEL, Verb.STOP),
    Verb.START_CAMPAIGN: (Verb.PLACE,),
}
"""The verbs that a word for a campaign can mean before a phone number."""

_LIKE_A_TARGET: Final = re.compile(r"[+(]?\d[\d\s().-]{5,}|(?=\S*\d)[\w+-]{4,}(?:\s|$)")
"""A number or an id. "pause" before one is not meant for all calls."""
_NUMBER: Final = re.compile(r"[+(]?(?:\d[\s().-]{0,2}){7}")
_NOUN: Final = re.compile(
    r"(?:(?:an?|the|this|that|my)\s+)?(?:scheduled\s+)?calls?\s+(?:(?:to|of|for|with|back)\s+)?(?=\S*\d)",
    re.IGNORECASE,
)
"""Words between a verb and its target, as in "the call to"."""
_PARTICLE: Final = re.compile(r"^(?:back|up|to)\s+(?=\S*\d)", re.IGNORECASE)
"""The particle of words such as "call back" and "hang up"."""
_STOP_ONE: Final = re.compile(
    r"stop\s+(?:(?:an?|the|this|that|my)\s+)?(?:scheduled\s+)?call\b(?!=)", re.IGNORECASE
)
_STOP_ALL: Final = re.compile(
    r"(?:stop\s+(?:all\s+)?(?:calls|calling)|(?:do\s+not|don[\'\u2019]?t|never)\s+(?:call|dial|ring|phone))\b(?!=)",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Read:
    """A line's verb, the verb whose grammar applies, and the text behind it.

    ``rest`` is None if that text is not read. ``verbs`` are the verbs to choose from if the line has none.
    """

    verb: Verb | None
    grammar: Verb | None = None
    rest: str | None = None
    verbs: tuple[Verb, ...] = ()


def read_verb(
    text: str, default_verb: Verb | None, *, vocabulary: CommandContext, faults: FieldProblems
) -> Read:
    """Return the verb and the text behind it. Add an error with the likely verbs if there is none."""
    first, *others = text.split(maxsplit=1) or [""]
    word, rest = _bare(first), "".join(others)
    if word in {"help", "?"} and not (default_verb and rest):
        return Read(Verb.HELP)
    if default_verb:
        behind = _behind(default_verb, text)
        return Read(default_verb, default_verb, _target(default_verb, text if behind is None else behind))
    if known := _asked_to_stop(text, faults) or _campaign_behind(word, rest, faults) or _begins(text):
        return known
    if (behind := _behind(CAMPAIGN, text)) is not None:
        return _of_campaigns(behind, vocabulary, faults)
    if word.replace("-", "").isalpha():
        return _misspelt(first, rest, vocabulary, faults)
    return Read(None, None, text)


def _asked_to_stop(text: str, faults: FieldProblems) -> Read | None:
    """Return the reading of a line such as "do not call", with an error that asks which verb is meant."""
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
    """Return the reading of a line in which "campaign" stands behind its verb, with an error."""
    done, behind = _DONE_TO_CAMPAIGNS.get(word), _behind(CAMPAIGN, rest)
    if done is None or behind is None:
        return None
    faults.add("verb", parse_errors.campaign_first(done), done)
    return Read(None, done, behind, (done,))


def _begins(text: str) -> Read | None:
    """Return the reading of a line that begins with a verb, None for other lines."""
    for verb in Verb:
        behind = _behind(verb, text)
        if behind is not None and not (verb in OF_PAUSES and _LIKE_A_TARGET.match(behind)):
            return Read(verb, verb, _target(verb, behind))
    return None


def _target(verb: Verb, rest: str) -> str:
    """Return the text behind a verb, without the noun that people put before the target."""
    return _NOUN.sub("", rest, count=1) if verb in _CALLS and _NOUN.match(rest) else rest


def _misspelt(first: str, rest: str, vocabulary: CommandContext, faults: FieldProblems) -> Read:
    """Return the reading of a line whose first word is no verb, with the likely verb in the error."""
    word = _bare(first)
    unknown = word not in OF_PAUSES
    message = parse_errors.not_a_verb(first) if unknown else parse_errors.of_all_calls(word)
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
    """Return the reading of a campaign's verb before a number or an id."""
    bare = _target(Verb.CANCEL, rest)
    of_call = bare != rest or bool(_NUMBER.match(rest)) or not vocabulary.can((done,))
    verbs = _WITH_A_NUMBER[done] if of_call else (done,)
    if done is Verb.DELETE_CAMPAIGN and not of_call and vocabulary.can((Verb.CANCEL,)):
        verbs = (Verb.CANCEL, done)  # an id may be a call's or a campaign's
    faults.add("verb", message, verbs[0] if len(verbs) == 1 else None)
    return Read(None, verbs[0], bare, verbs)


def _of_campaigns(rest: str, vocabulary: CommandContext, faults: FieldProblems) -> Read:
    """Return the reading of a line that begins with "campaign" and has no verb."""
    can = vocabulary.can(OF_CAMPAIGNS)
    if len(can) == 1 and not rest:
        return Read(can[0], can[0], rest)
    meant, behind = _done_to_campaigns(rest, vocabulary)
    message = parse_errors.which_for_campaigns(can) if can else parse_errors.NOTHING_FOR_CAMPAIGNS
    faults.add("verb", message, meant)
    return _one_of(meant, behind, vocabulary)


def _done_to_campaigns(rest: str, vocabulary: CommandContext) -> tuple[Verb | None, str]:
    """Return the likely verb for a campaign, None if there is none, and the text behind it."""
    first, *others = rest.split(maxsplit=1) or [""]
    word = _bare(first)
    if not word.isalpha():
        can = vocabulary.can(OF_CAMPAIGNS)
        return can[0] if len(can) == 1 else None, rest
    known = [*_DONE_TO_CAMPAIGNS, *_NOT_DONE_TO_CAMPAIGNS]
    spelt = None if word in _STATUS else closest(word, known, alike=_LIKELY_VERB)
    return _DONE_TO_CAMPAIGNS.get(spelt or ""), "".join(others)


def _one_of(meant: Verb | None, rest: str, vocabulary: CommandContext) -> Read:
    """Return a line about a campaign whose verb must still be chosen. Those verbs share one grammar."""
    can = vocabulary.can(OF_CAMPAIGNS)
    return Read(None, meant or Verb.DELETE_CAMPAIGN, rest, (meant,) if meant else can)


def _bare(word: str) -> str:
    return word.lower().rstrip(":,")


def _behind(beginning: str, text: str) -> str | None:
    """Return the text behind some words at the beginning of a text, None if it does not begin with them."""
    pattern = r"\s+".join(beginning.split()) + r"[:,]*(?:\s+|$)"
    found = re.match(pattern, text, re.IGNORECASE)
    return text[found.end() :] if found else None
