"""Sentences on faults in a typed command, and what to type instead."""

from collections.abc import Iterable, Sequence

from bot.text.formatting import listed, short

DID_YOU_MEAN = "Did you mean {}?"
SCHEDULE_IT = "Schedule it: at={}"


def not_a_verb(word: str) -> str:
    return (
        f"CallOps does not know “{short(word)}”. Begin with place, cancel, move or campaign; help shows how."
    )


def campaign_first(verb: str) -> str:
    return f"For a campaign, begin with {verb}."


STOP_OR_CANCEL = "“stop” ends all calls to a number, from now on. For one call, begin with cancel."
STOP_IS_THE_VERB = "To end all calls to a number, begin with stop and the number."


def which_for_campaigns(verbs: Sequence[str]) -> str:
    return f"Say what to do with a campaign: {listed(verbs, 'or')}."


NOTHING_FOR_CAMPAIGNS = "No connection here can do anything with campaigns. Ask whoever runs CallOps."


def use(names: Iterable[str]) -> str:
    """Return the names that could be typed instead of an unknown one."""
    match list(names):
        case []:
            return "There is none here. Ask whoever runs CallOps."
        case [name]:
            return f"Use {name}."
        case several:
            return f"Use one of: {', '.join(several)}."


QUOTE_LEFT_OPEN = "A quote is opened and not closed. Close it, or leave it out."


def not_a_key(key: str) -> str:
    return f"“{short(key)}=” is not a key."


def not_one_of_the_keys(key: str, keys: Iterable[str]) -> str:
    return f"{not_a_key(key)} {use(keys)}"


def not_a_key_of_calls(key: str, keys: Iterable[str], name: str) -> str:
    return f"{not_one_of_the_keys(key, keys)} For the agent's own data write meta.{name}=."


def not_for(key: str, doing: str, keys: Iterable[str]) -> str:
    takes = f"{doing[0].upper()}{doing[1:]} takes {', '.join(keys)}."
    return f"{key}= is not for {doing}. Leave it out. {takes}"


def twice(key: str) -> str:
    return f"{key}= is there twice. Keep one."


def nothing_behind(key: str) -> str:
    return f"{key}= is empty. Fill it in, or leave {key}= out."


def no_name(line: str) -> str:
    return f"“{short(line)}” has no name. Write name=value, each on a line of its own."


def not_a_name(name: str) -> str:
    return f"“{short(name)}” is not a name for the agent's data: a name is one word."


def no_value(name: str) -> str:
    return f"“{short(name)}” has no value. Write one behind it, or take the line out."


def name_twice(name: str) -> str:
    return f"“{short(name)}” is there twice. Keep one."


def further_faults(count: int) -> str:
    return f"And {count} more."


def not_a_whole_number(key: str) -> str:
    return f"{key}= takes a whole number, like {key}=3."


def not_yes_or_no(key: str) -> str:
    return f"{key}= takes yes or no; {key} alone means yes."


NOT_MINUTES = "gap= takes minutes, one number or several: gap=30 or gap=30,60."
NOT_A_LANGUAGE = "lang= takes a language's code, like lang=hi or lang=en."


def too_long(field: str, length: int, most: int) -> str:
    return f"The {field} has {length} characters: {most} at most."


def no_connection(name: str, connections: Iterable[str]) -> str:
    return f"There is no connection “{short(name)}”. {use(connections)}"


def near_connection(name: str, meant: str) -> str:
    return f"There is no connection “{short(name)}”, but there is {meant}."


def through(name: str) -> str:
    return f"through {name}"


def as_words(text: str) -> str:
    return f"“{short(text)}” is text"


def reason_around_via(names: Sequence[str]) -> str:
    return f"Words stand before and behind via {listed(names, 'and')}."


def as_reason(text: str) -> str:
    return f"the reason is “{short(text)}”"


def two_connections(connections: Iterable[str]) -> str:
    return f"There are two connections: {' and '.join(connections)}. Keep one."


HOLDS_FOR_EVERY_CONNECTION = "This holds for every connection. Leave via out."


def no_agent(name: str, agents: Sequence[str], connection: str | None) -> str:
    where = f"{connection} has no agent" if connection else "There is no agent"
    there_are = use(agents) if agents else "Leave agent= out."
    return f"{where} “{short(name)}”. {there_are}"


def not_a_phone(text: str) -> str:
    return f"“{short(text)}” is not a phone number."


def nothing_to_cancel(word: str) -> str:
    return f"“{short(word)}” is neither a phone number nor a call's id. Begin with one, then give the reason."


def nobody_to_stop(word: str) -> str:
    return f"{not_a_phone(word)} A campaign is stopped by its id: campaign stop ID."


def nobody_to_allow(word: str) -> str:
    return f"{not_a_phone(word)} Begin with one, then give the reason."


def not_a_campaign(word: str) -> str:
    return f"“{short(word)}” is not a campaign's id. Begin with the id, then give the reason."


def not_understood(text: str, why: str) -> str:
    return f"“{short(text)}”: {why}"


def which_reading(text: str, labels: Sequence[str]) -> str:
    if len(labels) == 1:
        return f"“{short(text)}” may mean {labels[0]}. Write it alone, with a comma behind it."
    return f"“{short(text)}” may mean {listed(labels, 'or')}. Write only that, with a comma behind it."


def reading(pretty: str, behind: str) -> str:
    """Return a way to read a number, with the digits that would then belong to the text."""
    return f"{pretty} (then “{short(behind.strip())}”)" if behind.strip() else pretty


def reading_as_id(text: str) -> str:
    return f"the id {short(text)}"


NOT_A_DECIMAL = "A spreadsheet has made a decimal number of that. Write the phone number's digits alone."
NO_EXTENSION = "Extensions cannot be dialled. Give the number alone."
TOO_MANY_DIGITS = "There are more digits than CallOps reads at once. Ask in parts."


def behind_words(text: str) -> str:
    return (
        f"“{short(text)}” stands behind words. Put all numbers first, with commas between them, then the "
        "reason. If it belongs to the reason, write reason= before that."
    )


def row_without_number(number: int, text: str, why: str | None = None) -> str:
    """Return the fault of a pasted line that has no target. ``number`` counts pasted lines from 1."""
    return f"Line {number}, “{short(text)}”: {why or 'no phone number or id stands there.'}"


def rows_left_out(numbers: Sequence[int]) -> str:
    lines = ", ".join(map(str, numbers))
    return f"go on without {'line' if len(numbers) == 1 else 'lines'} {lines}"


def bad_rows(faults: Sequence[str]) -> str:
    """Return the faults of pasted lines without a target. The first ones are given in full."""
    shown, more = faults[:MOST_ROWS], len(faults) - MOST_ROWS
    return " ".join([*shown, f"{more} more lines cannot be read either." if more > 0 else ""]).strip()


MOST_ROWS = 5
"""Lines of a list that a message quotes."""
TWO_NUMBERS = "two numbers stand there. Leave one."


def which_column(columns: Sequence[str]) -> str:
    return f"The list has several columns of numbers: {listed(columns, 'and')}."


def column(place: int, header: str | None, example: str) -> str:
    """Return the name of a column of a pasted list. ``place`` counts from 1."""
    return f"column {place}, {header or example}"


def strange_in_an_id(text: str, is_external: str) -> str:
    return f"{_not_an_id(text)} an id cannot hold “{is_external}”. {_COPY}"


def too_long_for_an_id(text: str, most: int) -> str:
    return f"{_not_an_id(text)} it is longer than {most} characters. {_COPY}"


def no_beginning_of_an_id(text: str) -> str:
    return f"{_not_an_id(text)} an id begins with a letter or a digit. {_COPY}"


def _not_an_id(text: str) -> str:
    return f"“{short(text)}” is not an id:"


_COPY = "Copy it as the provider shows it."


def no_request(named: str) -> str:
    return f"There is no request {named}. Check the id."


def beside_others(named: str) -> str:
    return f"{named} stands beside other numbers or ids. Ask for it in a line of its own."


def too_many(count: int, most: int) -> str:
    return f"{count} are too many: {most} in one request at most. Split them."


ONE_NUMBER = "One number at a time. Type a line for each."
ONE_CAMPAIGN = "One campaign at a time. Ask for each in a line of its own."
ONE_PLACED = "One call at a time: each is placed with a button of its own."
NO_TARGET = "A number or an id is missing. Add one."
NO_NUMBER = "A number is missing. Add one."


def either_time(text: str) -> str:
    return f"Either “{short(text)}” or at= is the time. Keep one."


def behind_the_time(text: str) -> str:
    return f"“{short(text)}” does not belong to the time. Leave it out, or write it as key=value."


def neither_number_nor_time(word: str) -> str:
    return f"“{short(word)}” is neither a phone number nor a time. Begin with the number."


def which_time(why: str, forms: Iterable[str]) -> str:
    return f"{why} Type {' or '.join(f'“{form}”' for form in forms)}."


def either_reason(text: str) -> str:
    return f"Either “{short(text)}” or reason= is the reason. Keep one."


def no_words(text: str) -> str:
    return (
        f"“{short(text)}” is neither part of the number nor a reason. Check the number, or give the reason "
        "in words."
    )


WHY_ALLOW = "Why may they go out again? Say it, in a few words."


BY = {"number": "number", "call_id": "call id"}
"""The ways to identify a call to cancel."""


def which_connection(connections: Sequence[str]) -> str:
    return f"Which connection: {listed(connections, 'or')}? Add via NAME."


def which_agent(agents: Sequence[str]) -> str:
    return f"Which agent: {listed(agents, 'or')}? Add agent=NAME."


def no_agent_yet(connection: str) -> str:
    return (
        f"{connection} has no agent yet. Ask whoever runs CallOps to add one under "
        f"[connections.{connection}.agents]."
    )


def no_agent_of(connections: Sequence[str], agent: str) -> str:
    return f"{agent} is no agent of {listed(connections, 'or')}, which could do this. Name another agent."


def takes_no(title: str, field: str) -> str:
    return f"{title} takes no {field}. Leave it out, or use another connection."


def tried_out(connection: str, number: str) -> str:
    return (
        f"{connection} may call only the numbers in its allow_numbers, and {number} is not one of them. "
        "Use one that is, or ask whoever runs CallOps to add it."
    )


def cannot(connection: str, does: str, able: Sequence[str]) -> str:
    return f"{connection} cannot {does}.{_instead(able)}"


def cancels_by(connection: str, by: str, not_by: str, able: Sequence[str]) -> str:
    return f"{connection} cancels by {BY[by]}, not by {BY[not_by]}.{_instead(able)}"


def _instead(connections: Sequence[str]) -> str:
    return f" Use via {listed(connections, 'or')}." if connections else ""


def nobody_can(does: str) -> str:
    return f"No connection here can {does}. Ask whoever runs CallOps."


def nobody_cancels_by(does: str, by: str) -> str:
    return f"No connection here can {does} by {BY[by]}. Ask whoever runs CallOps."


NUMBERS_AND_IDS = (
    "Numbers and ids cannot be cancelled in one request. Ask for the numbers in one line, and for the ids in "
    "another."
)


def undocumented(titles: Sequence[str]) -> str:
    """Return the sentence that marks what the providers' documents do not promise."""
    return f"Undocumented by {listed(titles, 'and')}: it may not work as we expect."
