"""The contract, run over every provider of the registry, and what each provider must come with."""

import pytest

from tests.providers.contract.case import built_in, missing, named
from tests.providers.contract.suite import ProviderContract


class TestContract(ProviderContract):
    """The providers that are built in."""

    subjects = built_in()


@pytest.mark.parametrize("provider", named())
def test_a_provider_is_whole(provider: str) -> None:
    """A provider has an adapter in the registry, a case file, replies, a page, and a row in each table."""
    lacking = missing(provider)
    assert not lacking, "\n".join(lacking)
