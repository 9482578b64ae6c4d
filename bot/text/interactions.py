"""What is said to what is pressed on a message, where more is to be said than the form that opens. Pure."""

from bot.parsing.mentions import MOST_READ

TOO_OLD = "This is more than a day old, so it is forgotten. Type the command again."

NOTHING_TO_CHANGE = "Nothing to change"
USED_ALREADY = "This was used already. Type the command again for another."

NOT_YOURS_TO_SEE = "Not for you to see"

MENTIONED = "This is what the message mentions. Look through it before you ask."
NOTHING_MENTIONED = "There is no phone number in this message, and no id that CallOps knows. Give one here."
READ_IN_PART = f"⚠️ The message is long: only its first {MOST_READ:,} characters were read."


def mentioned(*, anything: bool, whole: bool) -> str:
    """The hint above the form that a message fills in."""
    found = MENTIONED if anything else NOTHING_MENTIONED
    return found if whole else f"{found}\n{READ_IN_PART}"


def not_looked_up(count: int) -> str:
    return (
        f"⚠️ The message is long: {count} more of its words may be ids, and were not looked up. "
        "Add what is missing."
    )


EARLIER_IS_GONE = "The earlier call cannot be cancelled any more."
TYPE_AGAIN = "Type the command again to see how it stands."
PLACE_THE_NEW = "Place the new call…"
