"""Contract of every provider in the registry, and the parts that each provider must have."""

import pytest

from tests.providers.contract.case import built_in, missing, named
from tests.providers.contract.suite import ProviderContract


class TestContract(ProviderContract):
    """The built-in providers."""

    subjects = built_in()


@pytest.mark.parametrize("provider", named())
def test_a_provider_is_whole(provider: str) -> None:
    """A provider has an adapter in the registry, a case file, replies, a page, and a row in each table."""
    lacking = missing(provider)
    assert not lacking, "\n".join(lacking)
