"""ODM's command line as a node wants it: a list of names and values, and files beside them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from aerodag.errors import ConfigError

# A node takes the content of these, as its user has no files there.
_BY_CONTENT = ("boundary", "cameras")
# A node finds these by their names among what is uploaded; they are no options of it.
_BY_FILE = {"geo": "geo.txt", "gcp": "gcp_list.txt", "split-image-groups": "image_groups.txt"}
_ALIGN = "align"


def split_arguments(arguments: Sequence[str], project: Path) -> tuple[dict[str, Any], dict[str, Path]]:
    """ODM's ``arguments`` as ``({option: value}, {name: file to upload})``; a flag's value is True.

    Side files that lie in the project's root go along unasked, as ODM itself finds them there.

    Raises:
        ConfigError: ``odm.option_value`` for a file that is not there or holds no JSON.
    """
    options: dict[str, Any] = {}
    files = {name: project / name for name in _BY_FILE.values() if (project / name).is_file()}
    for name, value in _pairs(arguments):
        if name in _BY_CONTENT:
            options[name] = _content(name, str(value), project)
        elif name in _BY_FILE:
            files[_BY_FILE[name]] = _file(name, str(value), project)
        elif name == _ALIGN:
            file = _file(name, str(value), project)
            files[f"align{file.suffix.lower()}"] = file
        else:
            options[name] = value
    return options, files


def _pairs(arguments: Sequence[str]) -> Iterator[tuple[str, str | bool]]:
    place = 0
    while place < len(arguments):
        word = arguments[place]
        place += 1
        if not word.startswith("--"):
            raise _bad_value(word, "stands where the name of an option is expected")
        name, equals, value = word[2:].partition("=")
        if equals:
            yield name, value
        elif place < len(arguments) and not arguments[place].startswith("--"):
            yield name, arguments[place]
            place += 1
        else:
            yield name, True


def check_options(options: Mapping[str, Any], offered: Iterable[Mapping[str, Any]]) -> None:
    """Refuse what the node would pass over in silence.

    Raises:
        ConfigError: ``odm.option_unknown``; ``odm.option_value`` for a value beside a flag or none beside another.
    """
    types = {str(option.get("name")): option.get("type") for option in offered}
    unknown = sorted(set(options) - set(types))
    if unknown:
        raise ConfigError(
            "odm.option_unknown",
            f"The node does not know {len(unknown)} of the options: {', '.join(unknown)}.",
            advice="Leave them out, or use a node with a version of ODM that has them.",
            numbers={"unknown": unknown},
        )
    for name, value in options.items():
        if value is True and types[name] != "bool":
            raise _bad_value(name, "needs a value")
        if value is not True and types[name] == "bool" and str(value).lower() not in {"true", "false"}:
            raise _bad_value(name, f"is a switch and cannot be {value!r}")


def _content(name: str, value: str, project: Path) -> str:
    try:
        text = value if value.lstrip().startswith("{") else _file(name, value, project).read_text(encoding="utf-8")
        return json.dumps(json.loads(text), separators=(",", ":"))
    except ValueError as error:
        raise _bad_value(name, f"is not valid JSON ({error})") from error


def _file(name: str, value: str, project: Path) -> Path:
    path = project / value
    if not path.is_file():
        raise _bad_value(name, f"names a file that is not there: {path}")
    return path


def _bad_value(name: str, what: str) -> ConfigError:
    return ConfigError(
        "odm.option_value",
        f"The option {name} {what}.",
        advice="Correct the option in the run's engine options.",
        numbers={"option": name},
    )
