"""Kore.ai, for the contract suite."""

from providers.actions import CampaignRef, DeleteCampaign
from tests.providers.contract_case import CANARY, Ask, Case

ID = "cd-2129073-58d9-44d5-a5d1-454b1220xxxx"
DELETE = DeleteCampaign(target=CampaignRef(campaign_id=ID))
HEADERS = {"auth": CANARY, "iid": "st-1", "accountid": "acc-1", "content-type": "application/json"}

CASE = Case(
    settings={"app_id": "st-1", "account_id": "acc-1", "token": CANARY},
    asks={
        "delete": Ask(
            DELETE,
            method="DELETE",
            path=f"/agentassist/api/v1/public/st-1/campaign/{ID}?campaignType=voice",
            headers=HEADERS,
        ),
        "delete with another iid": Ask(
            DELETE,
            method="DELETE",
            path=f"/agentassist/api/v1/public/st-1/campaign/{ID}?campaignType=voice",
            headers=HEADERS | {"iid": "st-2"},
            settings={"iid": "st-2"},
        ),
        "delete in the second style": Ask(
            DELETE,
            method="DELETE",
            path=f"/campaign/api/v2/public/st-1/campaign/{ID}?accountId=acc-1&campaignType=voice",
            headers=HEADERS,
            settings={"api_style": "campaign-v2"},
        ),
        "delete under a path of one's own": Ask(
            DeleteCampaign(target=CampaignRef(campaign_id="cd:1")),
            method="DELETE",
            path="/x/cd%3A1/of/st%3A1?campaignType=voice",
            headers=HEADERS | {"iid": "st:1"},
            settings={"path_template": "/x/{campaignId}/of/{IId}", "app_id": "st:1"},
        ),
    },
)
