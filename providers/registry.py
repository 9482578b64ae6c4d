"""Registry of the built-in adapters, by the name that settings use, and the loading of others.

It is no part of `providers` itself, so that the actions can be imported without any adapter or httpx.
"""

import importlib
import re
import traceback
from inspect import isabstract, isclass
from pathlib import Path
from types import ModuleType
from typing import Final

from providers import ProviderError
from providers.base import Adapter
from providers.callkaro import CallKaro
from providers.kore import Kore
from providers.ryng import Ryng
from providers.settings import ConnectionSettings
from providers.voxworks import Voxworks

PROVIDERS: Final[dict[str, type[Adapter]]] = {
    adapter.provider: adapter
    for adapter in (
        CallKaro,
        Voxworks,
        Ryng,
        Kore,
    )
}

_DOTTED: Final = re.compile(r"(?P<module>[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*):(?P<name>[A-Za-z_]\w*)", re.ASCII)

_DECLARED: Final = ("provider", "title", "support", "settings_type", "capabilities")
"""The attributes that every adapter must declare, because they have no default."""


class AdapterNotFoundError(ProviderError):
    """A name refers to no adapter. The message says why."""


def find(provider: str) -> type[Adapter]:
    """Return the adapter of a name in settings: a built-in one, or a class elsewhere as ``module:Name``.

    Importing such a module runs it.

    Raises:
        AdapterNotFoundError: There is no such adapter, or it is incomplete.
    """
    if provider in PROVIDERS:
        return PROVIDERS[provider]
    dotted = _DOTTED.fullmatch(provider)
    if dotted is None:
        raise AdapterNotFoundError(f'"{provider}" is no provider built in')
    module = _imported(dotted["module"])
    found = getattr(module, dotted["name"], None)
    if found is None:
        raise AdapterNotFoundError(f'"{module.__name__}" has nothing called {dotted["name"]}')
    if not (isclass(found) and issubclass(found, Adapter)):
        raise AdapterNotFoundError(
            f'"{provider}" is no adapter: it has to be a class made from {_name(Adapter)}'
        )
    if lacking := _lacking(found):
        raise AdapterNotFoundError(f'"{provider}" is no whole adapter: it lacks {", ".join(lacking)}')
    if not (isclass(found.settings_type) and issubclass(found.settings_type, ConnectionSettings)):
        wanted = _name(ConnectionSettings)
        raise AdapterNotFoundError(
            f'"{provider}" is no whole adapter: its settings_type has to be made from {wanted}'
        )
    return found


def _imported(name: str) -> ModuleType:
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as fault:
        if fault.name and f"{name}.".startswith(f"{fault.name}."):
            raise AdapterNotFoundError(
                f'there is no module "{fault.name}": it is looked for in the working folder and '
                "among what is installed"
            ) from fault
        raise AdapterNotFoundError(_broken(name, fault)) from fault
    except Exception as fault:  # a third-party module may fail in any way while it is imported
        raise AdapterNotFoundError(_broken(name, fault)) from fault


def _broken(name: str, fault: Exception) -> str:
    if isinstance(fault, SyntaxError):
        where, line, said = fault.filename or name, fault.lineno, fault.msg
    else:
        last = traceback.extract_tb(fault.__traceback__)[-1]
        where, line, said = last.filename, last.lineno, str(fault)
    return f'"{name}" cannot be imported: {type(fault).__name__}: {said} ({Path(where).name}, line {line})'


def _lacking(adapter: type[Adapter]) -> list[str]:
    unsaid = [name for name in _DECLARED if not hasattr(adapter, name)]
    return unsaid + sorted(adapter.__abstractmethods__ if isabstract(adapter) else ())


def _name(known: type) -> str:
    return f"{known.__module__}.{known.__name__}"
