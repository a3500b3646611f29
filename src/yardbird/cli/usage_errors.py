"""Errors of options and arguments as one line, instead of the box that Typer draws."""

from collections.abc import Sequence
from typing import Any

from typer.exceptions import TyperException

from yardbird.errors import YardbirdError

#: Kind of a pydantic error → the text after "expected".
_EXPECTED = {
    "int_parsing": "an integer",
    "float_parsing": "a number",
    "bool_parsing": "true or false",
    "greater_than_equal": "{ge} or more",
    "less_than_equal": "at most {le}",
}


def usage_line(error: TyperException, arguments: Sequence[str]) -> str:
    """One line: the command, the option, what was expected, what was found, and the command that prints the help.

    Args:
        arguments: those of the command line, since Typer does not name the command in every error.
    """
    context = getattr(error, "ctx", None)
    named = next((word for word in arguments if not word.startswith("-")), "")
    command = context.command_path if context else f"yardbird {named}".strip()
    return str(YardbirdError(f"{command}: {_fault(error)}; see `{command} --help`"))


def _fault(error: Any) -> str:
    if name := getattr(error, "option_name", ""):
        if not hasattr(error, "possibilities"):  # a value is missing, or one too many
            return _plain(error.message)
        similar = " or ".join(sorted(error.possibilities or ()))
        return f"expected a known option{f', such as {similar}' if similar else ''}, found {name}"
    param = getattr(error, "param", None)
    if param is None:
        return _plain(error.format_message())
    place = next((option for option in param.opts if option.startswith("--")), param.name)
    if hasattr(error, "param_type"):
        return f"{place}: expected a value, found nothing"
    faults: list[Any] = getattr(error.__cause__, "errors", list)()
    expected = _EXPECTED.get(faults[0]["type"]) if faults else None
    if expected is None:
        return f"{place}: {_plain(error.message)}"
    return f"{place}: expected {expected.format(**faults[0].get('ctx', {}))}, found {faults[0]['input']}"


def _plain(message: str) -> str:
    text, _, similar = message.removeprefix("Value error, ").removesuffix(".").partition(". Did you mean ")
    return text[:1].lower() + text[1:] + (f" (did you mean {similar})" if similar else "")
