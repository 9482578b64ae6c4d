"""What is asked a second time: how long ago it was, and what can be done about the earlier one."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from bot.line import ConnectionWords
from bot.repeats import LATELY, ago, already_asked, cancel_first, earlier
from playground.blocks import faults
from providers.actions import CallRef, CancelCall, Code, Kind, NumberRef
from storage.lifecycle import State
from tests.bot.test_messages import entry, request
from tests.storage.samples import NOON, NUMBER
