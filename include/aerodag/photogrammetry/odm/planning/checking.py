"""Whether a person may give these options to the engine, before anything waits in a queue."""

from __future__ import annotations

import difflib
import math
import re
from collections.abc import Callable, Mapping
from typing import Any

from aerodag.errors import ConfigError
from aerodag.photogrammetry.odm.planning.options import OPTIONS, TEXT_PATTERN, Kind, Option, Value


def checked(options: Mapping[str, Any], flavour: str, *, models: bool = False) -> dict[str, Value]:
    """The same options, sorted, with the types that the engine expects.

    ``models`` tells whether the AI models of ODM are at hand.

    Raises:
        ConfigError: ``odm.option_unknown`` (also where only the other flavour has it), ``odm.option_forbidden``,
            ``odm.option_value``.
    """
    return {name: _value(_option(name, flavour, models), options[name], flavour) for name in sorted(options)}


def _option(name: str, flavour: str, models: bool) -> Option:
    option = OPTIONS.get(name)
    if option is None or flavour not in option.flavours:
        raise _unknown(name, flavour, models)
    if not option.allowed(models):
        reason = option.refusal or "it loads AI models from the internet at run time, and no folder of models is set"
        raise ConfigError(
            "odm.option_forbidden",
            f"The option {name} cannot be given: {reason}.",
            advice="Remove it from the engine options."
            if option.refusal
            else "Remove it, or set AERODAG_ODM__MODELS to a folder with ODM's models.",
            numbers={"option": name},
        )
    return option


def _unknown(name: str, flavour: str, models: bool) -> ConfigError:
    names = [known.name for known in OPTIONS.values() if known.allowed(models) and flavour in known.flavours]
    near = difflib.get_close_matches(name.lstrip("-").replace("_", "-").lower(), names, n=1)
    return ConfigError(
        "odm.option_unknown",
        f"{flavour} has no option {name!r}.",
        advice=f"Did you mean {near[0]}?" if near else "Options are ODM's long names without dashes in front.",
        numbers={"option": name, "nearest": near[0] if near else None},
    )


def _value(option: Option, value: object, flavour: str) -> Value:
    if option.kind is Kind.CHOICE:
        return _chosen(option, value, flavour)
    return _CONVERT[option.kind](option, value)


def _flag(option: Option, value: object) -> bool:
    if not isinstance(value, bool):
        raise _wrong(option, value, "true or false")
    return value


def _integer(option: Option, value: object) -> int:
    number = _number(option, value)
    if number != math.floor(number):
        raise _wrong(option, value, "a whole number")
    return int(number)


def _number(option: Option, value: object) -> int | float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise _wrong(option, value, "a number")
    if option.minimum is not None and value < option.minimum:
        raise _wrong(option, value, f"at least {option.minimum:g}")
    if option.maximum is not None and value > option.maximum:
        raise _wrong(option, value, f"at most {option.maximum:g}")
    return value


def _text(option: Option, value: object) -> str:
    if not isinstance(value, str) or not re.fullmatch(TEXT_PATTERN, value):
        raise _wrong(option, value, "a word")
    return value


_CONVERT: dict[Kind, Callable[[Option, object], Value]] = {
    Kind.FLAG: _flag,
    Kind.INTEGER: _integer,
    Kind.NUMBER: _number,
    Kind.TEXT: _text,
}


def _chosen(option: Option, value: object, flavour: str) -> str:
    choices = option.choices_of(flavour)
    if not isinstance(value, str) or value not in choices:
        raise _wrong(option, value, f"one of {', '.join(choices)}")
    return value


def _wrong(option: Option, value: object, expected: str) -> ConfigError:
    return ConfigError(
        "odm.option_value",
        f"The option {option.name} cannot be {str(value)[:80]!r}.",
        advice=f"It has to be {expected}.",
        numbers={"option": option.name, "value": str(value)[:80]},
    )
