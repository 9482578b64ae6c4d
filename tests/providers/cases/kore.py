"""Kore.ai, for the contract suite."""

from collections.abc import Mapping

from providers.actions import CallAction, CampaignRef, DeleteCampaign, StartCampaign, StopCampaign
from tests.providers.contract.case import CANARY, Ask, Case

ID = "cd-2129073-58d9-44d5-a5d1-454b1220xxxx"
DELETE = DeleteCampaign(target=CampaignRef(campaign_id=ID))
STOP = StopCampaign(target=CampaignRef(campaign_id=ID))
START = StartCampaign(target=CampaignRef(campaign_id=ID))

HEADERS = {"auth": CANARY, "iid": "st-1", "accountid": "acc-1", "content-type": "application/json"}
SECOND = {"api_style": "campaign-v2", "allow_undocumented": True}

CAMPAIGN = f"/agentassist/api/v1/public/st-1/campaign/{ID}?campaignType=voice"
CAMPAIGN_2 = f"/campaign/api/v2/public/st-1/campaign/{ID}?accountId=acc-1&campaignType=voice"
TRIGGER = f"/campaign/api/v1/public/st-1/campaign/{ID}?campaignType=voice&trigger="
TRIGGER_2 = f"/api/v2/public/st-1/campaign/trigger/{ID}?accountId=acc-1&campaignType=voice&trigger="


def _delete(path: str, settings: Mapping[str, object], look_up: str | None = None) -> Ask:
    return Ask(DELETE, "DELETE", path, HEADERS, settings=settings, look_up=look_up)


def _trigger(action: CallAction, path: str, look_up: str, settings: Mapping[str, object]) -> Ask:
    look_up = look_up.replace("?", "/status?") + "&view=status"
    return Ask(action, "POST", path, HEADERS, body={}, look_up=look_up, looks_up_by="POST", settings=settings)


CASE = Case(
    settings={"app_id": "st-1", "account_id": "acc-1", "token": CANARY},
    asks={
        "delete": _delete(CAMPAIGN, {}),
        "delete after a look-up": _delete(CAMPAIGN, {"allow_undocumented": True}, CAMPAIGN),
        "delete in the second style": _delete(CAMPAIGN_2, SECOND, CAMPAIGN_2),
        "delete with another iid": Ask(
            DELETE, "DELETE", CAMPAIGN, HEADERS | {"iid": "st-2"}, settings={"iid": "st-2"}
        ),
        "delete under a path of one's own": Ask(
            DeleteCampaign(target=CampaignRef(campaign_id="cd:1")),
            method="DELETE",
            path="/x/cd%3A1/of/st%3A1?campaignType=voice",
            headers=HEADERS | {"iid": "st:1"},
            settings={"path_template": "/x/{campaignId}/of/{IId}", "app_id": "st:1"},
        ),
        "stop": _trigger(STOP, f"{TRIGGER}stop", CAMPAIGN, {}),
        "stop in the second style": _trigger(STOP, f"{TRIGGER_2}stop", CAMPAIGN_2, SECOND),
        "stop under a path of one's own": _trigger(
            STOP,
            f"/x/{ID}?campaignType=voice&trigger=stop",
            CAMPAIGN,
            {"trigger_template": "/x/{campaignId}"},
        ),
        "start": _trigger(START, f"{TRIGGER}play", CAMPAIGN, {}),
        "start in the second style": _trigger(START, f"{TRIGGER_2}play", CAMPAIGN_2, SECOND),
    },
)
