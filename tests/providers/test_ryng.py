import pytest
from pydantic import ValidationError

from providers.actions import CallRef, CancelCall
from providers.ryng import RyngSettings
from tests.providers.made import CONTEXT, KEY, ryng

CANCEL = CancelCall(target=CallRef(call_id="40961"))


def test_the_subdomain_says_where() -> None:
    """The account's subdomain is the host, over https, unless an address is set."""
    assert ryng().prepare(CANCEL, CONTEXT).url.startswith("https://tenant.ryng.in/rest-api/v1/")
    assert ryng(subdomain="a-1").settings.base_url == "https://a-1.ryng.in"
    assert ryng("http://127.0.0.1:4810").settings.base_url == "http://127.0.0.1:4810"


@pytest.mark.parametrize(
    "subdomain",
    ["", "evil.example/", "evil.example#", "evil.example?", "a.b", "a@b", "a:1", "-a", "a-", "a b", "ä", "a\n", "x" * 64],
)  # fmt: skip
def test_a_subdomain_is_one_label(subdomain: str) -> None:
    """A value that could send the token to another host is refused at load, as a single fault."""
    with pytest.raises(ValidationError) as refused:
        RyngSettings.model_validate({"subdomain": subdomain, "access_token": KEY})
    assert [fault["loc"] for fault in refused.value.errors()] == [("subdomain",)]
    assert KEY not in str(refused.value)


def test_what_is_missing_is_named() -> None:
    """Without a subdomain or a token there is no connection."""
    with pytest.raises(ValidationError) as refused:
        RyngSettings.model_validate({})
    assert {fault["loc"] for fault in refused.value.errors()} == {("subdomain",), ("access_token",)}


def test_where_it_goes_is_in_the_fingerprint() -> None:
    """Another subdomain gives another fingerprint."""
    assert ryng().fingerprint(None) != ryng(subdomain="other").fingerprint(None)
