"""Writes the tables of providers in README.md and docs/providers from the adapters' capabilities.

`python -m providers.feature_matrix` replaces the text between two comments in each file.
"""

import re
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Final

from providers.actions import Kind
from providers.base import Adapter, Capability
from providers.registry import PROVIDERS

_BEGIN: Final = "<!-- {name}: made by `make provider-table` -->"
_END: Final = "<!-- end of {name} -->"

_Adapters = Sequence[type[Adapter]]


def matrix(adapters: _Adapters) -> str:
    """Return a table with a row for each provider and a column for each supported kind of action."""
    kinds = [kind for kind in Kind if any(_of(adapter, kind) for adapter in adapters)]
    head = ["provider", *(kind.replace("_", " ") for kind in kinds)]
    rows = [
        [
            f"[{adapter.title}](docs/providers/{adapter.provider}.md)",
            *(_cell(adapter, kind) for kind in kinds),
        ]
        for adapter in adapters
    ]
    return "\n".join([_row(head), _row(["---"] * len(head)), *map(_row, rows), "", *_placed(adapters)])


def index(adapters: _Adapters) -> str:
    """Return the list of the providers' pages."""
    return "\n".join(f"- [{adapter.title}]({adapter.provider}.md)" for adapter in adapters)


TABLES: Final[dict[str, tuple[str, Callable[[_Adapters], str]]]] = {
    "README.md": ("provider table", matrix),
    "docs/providers/README.md": ("pages", index),
}
"""For each file, the name of its generated part and the function that generates it."""


def written(text: str, name: str, made: str) -> str:
    """Return a file's text with the part between its two comments replaced.

    Raises:
        ValueError: The comments are missing.
    """
    begin, end = _BEGIN.format(name=name), _END.format(name=name)
    between = re.compile(f"{re.escape(begin)}\n.*?{re.escape(end)}", re.DOTALL)
    if len(between.findall(text)) != 1:
        raise ValueError(f"there should be one {begin} and after it one {end}")
    return between.sub(lambda _: f"{begin}\n{made}\n{end}", text)


def _page(adapter: type[Adapter]) -> str:
    return f"[{adapter.title}](docs/providers/{adapter.provider}.md)"


def _of(adapter: type[Adapter], kind: Kind) -> Capability | None:
    return next((known for known in adapter.capabilities if known.kind is kind), None)


def _cell(adapter: type[Adapter], kind: Kind) -> str:
    known = _of(adapter, kind)
    if known is None:
        return ""
    by = "number" if known.target is None else known.target.model_fields["by"].default.replace("_", " ")
    notes = ", all at once" * known.removes_all + ", for good" * known.irreversible
    return f"{known.source}: by {by}{notes}"


def _placed(adapters: _Adapters) -> Iterable[str]:
    for adapter in adapters:
        if (known := _of(adapter, Kind.PLACE_CALL)) and known.fields:
            yield f"A call placed by {adapter.title} may have {', '.join(sorted(known.fields))}."


def _row(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def main() -> None:
    """Write each table into its file."""
    for file, (name, make) in TABLES.items():
        path = Path(file)
        made = make(tuple(PROVIDERS.values()))
        path.write_text(written(path.read_text(encoding="utf-8"), name, made), encoding="utf-8")


if __name__ == "__main__":
    main()
