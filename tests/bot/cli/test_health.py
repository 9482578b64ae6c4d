"""`callops health` before real servers: a bot that is well, one that is not, and none."""

import asyncio
from argparse import Namespace

import pytest

from bot.cli.health import run
from bot.config.environment import ConfigError
from bot.web import Health, Web, create_web, health_routes


async def asked(health: Health | None, host: str = "127.0.0.1") -> int:
    """Return the status of `health` beside a server on a free port. None is a server without `/healthz`."""
    web = await Web.start(create_web(health_routes(health) if health else ()), host, 0)
    port = web.address.rpartition(":")[2]
    try:
        return await asyncio.to_thread(run, Namespace(), {"HOST": host, "PORT": port})
    finally:
        await web.stop()


@pytest.mark.parametrize("host", ["127.0.0.1", "0.0.0.0", "localhost"])
async def test_a_bot_that_is_well(host: str, capsys: pytest.CaptureFixture[str]) -> None:
    """The status is 0, also for a bot that listens on every address."""
    assert await asked(Health(), host) == 0
    assert capsys.readouterr().out == "healthy\n"


async def test_a_bot_that_is_not_well_says_why(capsys: pytest.CaptureFixture[str]) -> None:
    """The status is 1, with the sentences of `/healthz`."""
    assert await asked(Health(ended=lambda: ["outbox"])) == 1
    assert capsys.readouterr().err == "The outbox has ended.\n"


async def test_a_server_that_is_no_bot(capsys: pytest.CaptureFixture[str]) -> None:
    """Another program may listen there. Its answer is no verdict."""
    assert await asked(None) == 1
    assert "The bot doesn't answer at 127.0.0.1" in capsys.readouterr().err


def test_nobody_listens(capsys: pytest.CaptureFixture[str]) -> None:
    """The address is named."""
    assert run(Namespace(), {"PORT": "9"}) == 1
    assert capsys.readouterr().err.startswith("The bot doesn't answer at 127.0.0.1, port 9: ")


def test_a_port_that_is_none() -> None:
    """A fault of the environment reads as everywhere."""
    with pytest.raises(ConfigError, match="PORT is x"):
        run(Namespace(), {"PORT": "x"})
