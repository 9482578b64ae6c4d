"""What an adapter declares that its provider can be asked for, and how well that is known. Pure."""

from dataclasses import dataclass
from typing import Literal

from providers.actions import CallRef, CampaignRef, Kind, NumberRef


@dataclass(frozen=True, slots=True)
class Capability:
    """One kind of action that a provider can be asked for.

    ``target`` is what it is aimed at (None: a call to be placed), ``fields`` the optional fields of
    `PlaceCall` it can express. ``removes_all``: it takes away everything that matches, not one call.
    ``source`` is how well it is known: from the document, from the provider's other pages, or assumed.
    """

    kind: Kind
    target: type[CallRef | NumberRef | CampaignRef] | None = None
    fields: frozenset[str] = frozenset()
    irreversible: bool = False
    removes_all: bool = False
    source: Literal["documented", "beyond", "assumed"] = "documented"
