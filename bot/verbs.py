"""The verb at the beginning of a line, and what was meant where there is none. Pure."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from bot.keys import Faults
from bot.line import CAMPAIGN, FORMS, OF_CAMPAIGNS, OF_STOPS, Verb, Vocabulary
from bot.messages import typed
from bot.words import closest

_DONE_TO_CAMPAIGNS: Final[Mapping[str, Verb]] = {
    **{verb.removeprefix(f"{CAMPAIGN} "): verb for verb in OF_CAMPAIGNS},
    **dict.fromkeys(("pause", "halt"), Verb.STOP_CAMPAIGN),
    **dict.fromkeys(("play", "resume", "run", "launch"), Verb.START_CAMPAIGN),
    **dict.fromkeys(("remove", "erase"), Verb.DELETE_CAMPAIGN),
}
"""The words for what is done to a campaign, and what people type for them."""
_FIRST_WORDS: Final[Mapping[str, Verb]] = {
    **{
        str(verb): verb
        for verb in (
            Verb.PLACE,
            Verb.CANCEL,
            Verb.MOVE,
            *OF_STOPS,
            Verb.LIST,
            Verb.STATUS,
            Verb.LOG,
            Verb.HELP,
        )
    },
    **{word: verb for word, verb in _DONE_TO_CAMPAIGNS.items() if word != "stop"},
    **dict.fromkeys(("unstop", "unblock", "resume-calls"), Verb.ALLOW),
    **dict.fromkeys(("block", "dnc"), Verb.STOP),
}


@dataclass(frozen=True, slots=True)
class Read:
    """A line's verb, the one by whose grammar the rest is read, and that rest (None: it is not read).

    ``verbs`` are the ones it could be, where it is none.
    """

    verb: Verb | None
    grammar: Verb | None = None
    rest: str | None = None
    verbs: tuple[Verb, ...] = ()


def read_verb(text: str, door: Verb | None, *, vocabulary: Vocabulary, faults: Faults) -> Read:
    """The verb and what stands behind it; what it could be is among the faults."""
    first, *others = text.split(maxsplit=1) or [""]
    word, rest = _bare(first), "".join(others)
    if word in {"help", "?"} and not (door and rest):
        return Read(Verb.HELP)
    if door:
        behind = _behind(door, text)
        return Read(door, door, text if behind is None else behind)
    for verb in Verb:
        if (behind := _behind(verb, text)) is not None:
            return Read(verb, verb, behind)
    if (behind := _behind(CAMPAIGN, text)) is not None:
        return _of_campaigns(behind, vocabulary, faults)
    if word.replace("-", "").isalpha():
        return _misspelt(first, rest, vocabulary, faults)
    return Read(None, None, text)


def _misspelt(first: str, rest: str, vocabulary: Vocabulary, faults: Faults) -> Read:
    """What a first word that is no verb here was meant to be."""
    word = _bare(first)
    message = typed.not_a_verb(first)
    spelt = closest(word, [*_FIRST_WORDS, CAMPAIGN])
    if spelt == CAMPAIGN:
        meant, rest = _done_to_campaigns(rest, vocabulary)
        faults.add("verb", message, meant or CAMPAIGN)
        return _one_of(meant, rest, vocabulary)
    meant = _FIRST_WORDS[spelt] if spelt else None
    faults.add("verb", message, meant)
    return Read(None, meant, rest, (meant,) if meant and meant in FORMS else ())


def _of_campaigns(rest: str, vocabulary: Vocabulary, faults: Faults) -> Read:
    """What stands behind the word "campaign", where no verb does."""
    can = vocabulary.can(OF_CAMPAIGNS)
    if len(can) == 1 and not rest:
        return Read(can[0], can[0], rest)
    meant, behind = _done_to_campaigns(rest, vocabulary)
    message = typed.which_for_campaigns(can) if can else typed.NOTHING_FOR_CAMPAIGNS
    faults.add("verb", message, meant)
    return _one_of(meant, behind, vocabulary)


def _done_to_campaigns(rest: str, vocabulary: Vocabulary) -> tuple[Verb | None, str]:
    """What was probably meant to be done to a campaign, and what stands behind that."""
    first, *others = rest.split(maxsplit=1) or [""]
    word = _bare(first)
    if not word.isalpha():
        can = vocabulary.can(OF_CAMPAIGNS)
        return can[0] if len(can) == 1 else None, rest
    spelt = closest(word, _DONE_TO_CAMPAIGNS)
    return _DONE_TO_CAMPAIGNS[spelt] if spelt else None, "".join(others)


def _one_of(meant: Verb | None, rest: str, vocabulary: Vocabulary) -> Read:
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
