"""From a line without faults to what is asked, and a wish as a draft keeps it. Pure."""

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import TypeAdapter

from bot.parsing.command import Line, Verb
from bot.parsing.numbers import NumberTarget
from bot.parsing.targets import IdTarget
from bot.services.requests import Wish
from providers.actions import (
    CallAction,
    CallRef,
    CampaignRef,
    CancelCall,
    DeleteCampaign,
    NumberRef,
    PlaceCall,
    StartCampaign,
    StopCampaign,
)
from storage.entries import Draft

_ACTIONS: TypeAdapter[tuple[CallAction, ...]] = TypeAdapter(tuple[CallAction, ...])
_DONE_TO_CAMPAIGNS: Mapping[Verb, type[DeleteCampaign | StopCampaign | StartCampaign]] = {
    Verb.DELETE_CAMPAIGN: DeleteCampaign,
    Verb.STOP_CAMPAIGN: StopCampaign,
    Verb.START_CAMPAIGN: StartCampaign,
}


class Incomplete(ValueError):
    """A line that leaves open what it asks for: the field that is missing."""


def actions_of(line: Line) -> Sequence[CallAction]:
    """What a line without faults asks for, one action for each target. Raises `Incomplete`."""
    match line.verb:
        case Verb.PLACE:
            numbers = [target for target in line.targets if isinstance(target, NumberTarget)]
            return [_place(line, target.phone.e164) for target in numbers]
        case Verb.CANCEL:
            return _cancel(line)
        case Verb.DELETE_CAMPAIGN | Verb.STOP_CAMPAIGN | Verb.START_CAMPAIGN as verb:
            ids = [target.provider_id for target in line.targets if isinstance(target, IdTarget)]
            action = _DONE_TO_CAMPAIGNS[verb]
            return [action(target=CampaignRef(campaign_id=campaign_id)) for campaign_id in ids]
        case _:
            raise Incomplete("verb")


def _place(line: Line, to: str) -> PlaceCall:
    return PlaceCall(
        to=to,
        agent=line.agent or "",
        at=line.at,
        retries=line.retries,
        gap=line.gap,
        earliest=line.earliest,
        latest=line.latest,
        carry_over=line.carry_over,
        priority=line.priority,
        language=line.language,
        batch=line.batch,
        metadata={**line.metadata} or None,
    )


def _cancel(line: Line) -> list[CancelCall]:
    if line.agent is None and any(isinstance(target, NumberTarget) for target in line.targets):
        raise Incomplete("agent")
    return [
        CancelCall(target=NumberRef(agent=line.agent or "", to=target.phone.e164))
        if isinstance(target, NumberTarget)
        else CancelCall(target=CallRef(call_id=target.provider_id))
        for target in line.targets
    ]


def kept(wish: Wish | None, line: Line) -> dict[str, object]:
    """A line, and the wish it became if it did, as a draft's content."""
    return {
        "text": line.text,
        "rest": line.rest,
        "verb": line.verb,
        "answers": list(line.answers),
        "wish": _written(wish) if wish else None,
    }


def _written(wish: Wish) -> dict[str, object]:
    actions = _ACTIONS.dump_python(tuple(wish.actions), mode="json")
    said = {"reason": wish.reason, "purpose": wish.purpose, "consent": wish.consent, "zone": wish.zone}
    return {"connection": wish.connection, "actions": actions, **said}


def read_wish(draft: Draft) -> Wish:
    """The wish that a draft holds."""
    content: Any = draft.content["wish"]
    return Wish(**(content | {"actions": _ACTIONS.validate_python(content["actions"])}))
