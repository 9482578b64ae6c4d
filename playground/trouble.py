"""Trouble on demand: what goes wrong with the next calls of a Web API method."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

Does = Literal["ratelimited", "server_error", "error", "garbled", "silence", "reset"]
ANY = "*"


@dataclass
class Trouble:
    """What befalls the next `times` calls of a method.

    `ratelimited`: 429 with `Retry-After`. `server_error`: 500 without JSON. `error`: HTTP 200 with `code`.
    `garbled`: HTTP 200 with half a JSON.
    `silence`: no answer until the client gives up. `reset`: the connection is cut. With `after_effect` the
    method does its work first and only the answer is lost. `where`: only calls with these arguments.
    """

    method: str
    does: Does
    times: int = 1
    retry_after: int = 1
    code: str = "internal_error"
    after_effect: bool = False
    where: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.does not in get_args(Does):
            raise ValueError(f"{self.does!r} is none of {', '.join(get_args(Does))}")


@dataclass
class Troubles:
    """What is planned, how many seconds every answer takes, and how far Slack's clock seems to be ahead."""

    planned: list[Trouble] = field(default_factory=list)
    latency: float = 0.0
    ahead: float = 0.0

    def next(self, method: str, args: Mapping[str, Any]) -> Trouble | None:
        """What befalls this call; used up."""
        for trouble in self.planned:
            here = trouble.method in {method, ANY} and trouble.where.items() <= args.items()
            if here and trouble.times > 0:
                trouble.times -= 1
                return trouble
        return None
