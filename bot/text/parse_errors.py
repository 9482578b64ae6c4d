"""Sentences on faults in a typed command, and what to type instead."""

from collections.abc import Iterable, Sequence

from bot.text.formatting import listed, short

DID_YOU_MEAN = "Did you mean {}?"
SCHEDULE_IT = "The next possible time is {}."
NOT_SENT = "*Not sent yet.*"
FIX_THIS = "Fix this:"
FIX_THESE = "Fix these:"
MORE_TO_FIX = "… and {} more to fix"
HELP_SHOWS = "Type `/calls help` to see all commands."


def use_instead(suggestions: Sequence[str]) -> str:
    """Return the button that goes on with a corrected command that has a preview."""
    return f"Use {listed(suggestions, 'and')}"


def request_corrected(act: str, targets: Sequence[str], time: str | None) -> str:
    """Return the button that sends a corrected command, named after its act."""
    of = {0: "", 1: f" of {targets[0]}"}.get(len(targets), f" of {len(targets)} targets") if targets else ""
    return f"{act}{of}{f' to {time}' if time else ''}"


def not_a_verb(word: str) -> str:
    """Return the fault of an unknown first word. The likely verb follows it, if there is one."""
    return f"Unknown command “{short(word)}”."


def campaign_first(verb: str) -> str:
    return f"For a campaign, start with “{verb}”."


STOP_OR_CANCEL = "“stop” blocks all calls to a number. To cancel one call, start with “cancel”."
STOP_IS_THE_VERB = "To block all calls to a number, type “stop” and the number."


def which_for_campaigns(verbs: Sequence[str]) -> str:
    return f"What should happen to the campaign? Start with {listed(verbs, 'or')}."


NOTHING_FOR_CAMPAIGNS = "No connection here can change campaigns. Ask your CallOps admin."


def use(names: Iterable[str]) -> str:
    """Return the names that could be typed instead of an unknown one."""
    match list(names):
        case []:
            return "There are none here. Ask your CallOps admin."
        case [name]:
            return f"Use {name}."
        case several:
            return f"Use one of: {', '.join(several)}."


QUOTE_LEFT_OPEN = "A quotation mark is missing. Close the quote, or remove it."


def not_a_key(key: str) -> str:
    return f"“{short(key)}=” isn't an option."


def not_one_of_the_keys(key: str, keys: Iterable[str]) -> str:
    return f"{not_a_key(key)} {use(keys)}"


def not_a_key_of_calls(key: str, keys: Iterable[str], name: str) -> str:
    return f"{not_one_of_the_keys(key, keys)} For the voice agent's own data, write meta.{name}=."


def not_for(key: str, doing: str, keys: Iterable[str]) -> str:
    takes = f"{doing[0].upper()}{doing[1:]} takes {', '.join(keys)}."
    return f"Remove {key}=. It doesn't work for {doing}. {takes}"


def twice(key: str) -> str:
    return f"You used {key}= twice. Keep one."


def nothing_behind(key: str) -> str:
    return f"{key}= is empty. Fill it in, or remove it."


def no_name(line: str) -> str:
    return f"“{short(line)}” has no name. Write name=value, one per line, e.g. city=Pune."


def not_a_name(name: str) -> str:
    return f"“{short(name)}” isn't a valid name. Use one word, e.g. city=Pune."


def no_value(name: str) -> str:
    return f"“{short(name)}” has no value. Add one, e.g. city=Pune, or remove the line."


def name_twice(name: str) -> str:
    return f"You used “{short(name)}” twice. Keep one."


def further_faults(count: int) -> str:
    return f"And {count} more."


def not_a_whole_number(key: str) -> str:
    return f"{key}= needs a whole number, e.g. {key}=3."


def no_news_of_ends(connection: str) -> str:
    """Return the error for tell-me at a connection whose calls' ends are never told."""
    return f"CallOps isn't told how calls through {connection} end. Leave out tell-me."


def not_yes_or_no(key: str) -> str:
    return f"{key}= needs yes or no, e.g. {key}=yes."


NOT_MINUTES = "gap= needs minutes, e.g. gap=30 or gap=30,60."
NOT_A_LANGUAGE = "lang= needs a language code, e.g. lang=hi or lang=en."


def too_long(field: str, length: int, most: int) -> str:
    return f"The {field} has {length} characters. Use {most} or fewer."


def no_connection(name: str, connections: Iterable[str]) -> str:
    return f"There's no connection “{short(name)}”. {use(connections)}"


def near_connection(name: str, meant: str) -> str:
    return f"There's no connection “{short(name)}”. Is it {meant}?"


def through(name: str) -> str:
    return f"connection {name}"


def as_words(text: str) -> str:
    return f"“{short(text)}” is text"


def reason_around_via(names: Sequence[str]) -> str:
    return f"There are words before and after “via {listed(names, 'and')}”."


def as_reason(text: str) -> str:
    return f"the reason is “{short(text)}”"


def two_connections(connections: Iterable[str]) -> str:
    return f"You named two connections: {' and '.join(connections)}. Keep one."


HOLDS_FOR_EVERY_CONNECTION = "This applies to every connection. Remove “via”."


def no_agent(name: str, agents: Sequence[str], connection: str | None) -> str:
    where = f"{connection} has no voice agent" if connection else "There's no voice agent"
    there_are = use(agents) if agents else "Remove agent=."
    return f"{where} “{short(name)}”. {there_are}"


def not_a_phone(text: str) -> str:
    return f"“{short(text)}” isn't a phone number."


def nothing_to_cancel(word: str) -> str:
    return f"“{short(word)}” isn't a phone number or call ID. Put the number first, then the reason."


def nobody_to_stop(word: str) -> str:
    return f"{not_a_phone(word)} To stop a campaign, type “campaign stop” and its ID."


def nobody_to_allow(word: str) -> str:
    return f"{not_a_phone(word)} Put the number first, then the reason."


def not_a_campaign(word: str) -> str:
    return f"“{short(word)}” isn't a campaign ID. Put the ID first, then the reason."


def not_understood(text: str, why: str) -> str:
    return f"“{short(text)}”: {why}"


def which_reading(text: str, labels: Sequence[str]) -> str:
    if len(labels) == 1:
        return f"“{short(text)}” could mean {labels[0]}. Put a comma after the number."
    return f"“{short(text)}” could mean {listed(labels, 'or')}. Put a comma after the right one."


def reading(pretty: str, behind: str) -> str:
    """Return a way to read a number, with the digits that would then belong to the text."""
    return f"{pretty} (then “{short(behind.strip())}”)" if behind.strip() else pretty


def reading_as_id(text: str) -> str:
    return f"the ID {short(text)}"


NOT_A_DECIMAL = "A spreadsheet turned this into a decimal. Type only the digits of the phone number."
NO_EXTENSION = "CallOps can't dial extensions. Remove the extension."
TOO_MANY_DIGITS = "That's too many digits for one request. Split them into several."


def behind_words(text: str) -> str:
    return (
        f"“{short(text)}” comes after words. Put all numbers first, with commas between them. "
        "If it's part of the reason, write reason= before the reason."
    )


def row_without_number(number: int, text: str, why: str | None = None) -> str:
    """Return the fault of a pasted line that has no target. ``number`` counts pasted lines from 1."""
    return f"Line {number}, “{short(text)}”: {why or 'it has no phone number or ID.'}"


def rows_left_out(numbers: Sequence[int]) -> str:
    lines = ", ".join(map(str, numbers))
    return f"go on without {'line' if len(numbers) == 1 else 'lines'} {lines}"


def bad_rows(faults: Sequence[str]) -> str:
    """Return the faults of pasted lines without a target. The first ones are given in full."""
    shown, more = faults[:MOST_ROWS], len(faults) - MOST_ROWS
    return " ".join([*shown, f"{more} more lines have the same problem." if more > 0 else ""]).strip()


MOST_ROWS = 5
"""Lines of a list that a message quotes."""
TWO_NUMBERS = "it has two numbers. Keep one."


def which_column(columns: Sequence[str]) -> str:
    return f"Your list has several columns of numbers: {listed(columns, 'and')}."


def column(place: int, header: str | None, example: str) -> str:
    """Return the name of a column of a pasted list. ``place`` counts from 1."""
    return f"column {place}, {header or example}"


def strange_in_an_id(text: str, is_external: str) -> str:
    return f"{_not_an_id(text)} an ID can't contain “{is_external}”. {_COPY}"


def too_long_for_an_id(text: str, most: int) -> str:
    return f"{_not_an_id(text)} it has more than {most} characters. {_COPY}"


def no_beginning_of_an_id(text: str) -> str:
    return f"{_not_an_id(text)} an ID starts with a letter or a digit. {_COPY}"


def _not_an_id(text: str) -> str:
    return f"“{short(text)}” isn't an ID:"


_COPY = "Copy it from the provider."


def no_request(named: str) -> str:
    return f"There's no request {named}. Check the ID."


def beside_others(named: str) -> str:
    return f"Use {named} alone. Put the other numbers or IDs in another command."


def too_many(count: int, most: int) -> str:
    return f"You listed {count}. Use at most {most} per request."


ONE_NUMBER = "You can use one number at a time."
ONE_CAMPAIGN = "You can use one campaign at a time."
ONE_PLACED = "You can place one call at a time."
NO_TARGET = "Add a phone number or ID, e.g. +91 98765 43210."
NO_NUMBER = "Add a phone number, e.g. +91 98765 43210."


def either_time(text: str) -> str:
    return f"You gave two times: “{short(text)}” and at=. Keep one."


def behind_the_time(text: str) -> str:
    return f"I didn't understand “{short(text)}”. Remove it, or try a time like “tomorrow 9:30 am”."


def neither_number_nor_time(word: str) -> str:
    return f"“{short(word)}” isn't a phone number or a time. Put the number first."


def which_time(why: str, forms: Iterable[str]) -> str:
    return f"{why} Type {' or '.join(f'“{form}”' for form in forms)}."


def either_reason(text: str) -> str:
    return f"You gave two reasons: “{short(text)}” and reason=. Keep one."


def no_words(text: str) -> str:
    return (
        f"I didn't understand “{short(text)}”. Check the number, or give a reason in words, "
        "e.g. “customer asked”."
    )


def of_all_calls(word: str) -> str:
    """Return the fault of "pause" or "resume" before a number or an id."""
    return f"“{short(word)}” is for all calls of a connection, not for one number or campaign."


def paused(until: str) -> str:
    return f"paused {short(until)}"


def until_behind(until: str) -> str:
    return f"“{short(until)}” stands behind the reason."


def no_end_of_pause(text: str) -> str:
    return f"“{short(text)}” isn't a time."


def behind_resume(text: str) -> str:
    return f"Remove “{short(text)}”. After resume, only via NAME is read."


UNTIL_NOW = "A pause can't end now. Use a later time, or leave out “until”."
WHY_PAUSE = "Add a reason, e.g. “wrong list”."
WHY_ALLOW = "Add a reason, e.g. “asked us to call again”."


BY = {"number": "number", "call_id": "call ID"}
"""The ways to identify a call to cancel."""


def which_connection(connections: Sequence[str]) -> str:
    return f"Which connection: {listed(connections, 'or')}? Add via NAME."


def which_agent(agents: Sequence[str]) -> str:
    return f"Which voice agent: {listed(agents, 'or')}? Add agent=NAME."


def no_agent_yet(connection: str) -> str:
    return (
        f"{connection} has no voice agent yet. Ask your CallOps admin to add one under "
        f"[connections.{connection}.agents]."
    )


def no_agent_of(connections: Sequence[str], agent: str) -> str:
    return f"{listed(connections, 'or')} has no voice agent “{short(agent)}”. Name another one."


def takes_no(title: str, field: str) -> str:
    return f"{title} doesn't support {field}. Remove it, or use another connection."


def tried_out(connection: str, number: str) -> str:
    who = "Ask your CallOps admin to add it to allow_numbers."
    return f"{connection} is on trial and can't call {number}. {who}"


def cannot(connection: str, does: str, able: Sequence[str]) -> str:
    return f"{connection} can't {does}.{_instead(able)}"


def cancels_by(connection: str, by: str, not_by: str, able: Sequence[str]) -> str:
    return f"{connection} cancels by {BY[by]}, not by {BY[not_by]}.{_instead(able)}"


def _instead(connections: Sequence[str]) -> str:
    return f" Try via {listed(connections, 'or')}." if connections else ""


def nobody_can(does: str) -> str:
    return f"No connection here can {does}. Ask your CallOps admin."


def nobody_cancels_by(does: str, by: str) -> str:
    return f"No connection here can {does} by {BY[by]}. Ask your CallOps admin."


NUMBERS_AND_IDS = (
    "You can't cancel numbers and IDs in one request. Put the numbers in one command and the IDs in another."
)


def undocumented(titles: Sequence[str]) -> str:
    """Return the sentence that marks what the providers' documents do not promise."""
    return f"{listed(titles, 'and')} didn't document this, so it may not work."
