"""The providers that are built in, by the name that settings use.

Here and not in the package itself, so that the vocabulary can be imported without any adapter or httpx.
"""

from typing import Final

from providers.base import Adapter
from providers.callkaro import CallKaro
from providers.kore import Kore
from providers.ryng import Ryng
from providers.voxworks import Voxworks

PROVIDERS: Final[dict[str, type[Adapter]]] = {
    adapter.provider: adapter for adapter in (CallKaro, Voxworks, Ryng, Kore)
}
