"""Trouble on demand: failures of the next calls of a Web API method."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

Does = Literal["ratelimited", "server_error", "error", "garbled", "silence", "reset"]
ANY = "*"


@dataclass
class Trouble:
    """A failure of the next `times` calls of a method.

    - `ratelimited`: 429 with `Retry-After`.
    - `server_error`: 500 without JSON.
    - `error`: HTTP 200 with `code`.
    - `garbled`: HTTP 200 with half a JSON.
    - `silence`: no answer until the client gives up.
    - `reset`: the connection is cut.

    With `after_effect` the method is carried out, and only its answer is lost. `where` limits it to calls
    with these arguments.
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
    """The planned trouble, the delay of every answer and the offset of Slack's clock, in seconds."""

    planned: list[Trouble] = field(default_factory=list)
    latency: float = 0.0
    ahead: float = 0.0

    def next(self, method: str, args: Mapping[str, Any]) -> Trouble | None:
        """Return the trouble for this call and count it, or None."""
        for trouble in self.planned:
            here = trouble.method in {method, ANY} and trouble.where.items() <= args.items()
            if here and trouble.times > 0:
                trouble.times -= 1
                return trouble
        return None
