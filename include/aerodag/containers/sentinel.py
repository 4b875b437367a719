"""Whether the Docker host means the same folder as this host by the same path, and may write there."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import uuid4

from aerodag.containers.ownership import hand_over
from aerodag.containers.spec import Bind
from aerodag.containers.throwaway import Answer, ask
from aerodag.errors import AerodagError, ConfigError, InfrastructureError

if TYPE_CHECKING:
    from docker import APIClient

_SCRIPT = 'cat "$1/question" && cp "$1/question" "$1/answer"'


def check_paths(client: APIClient, image: str, folder: Path, user: str) -> AerodagError | None:
    """A file goes into a container by way of ``folder`` and comes back; what is wrong, if it does not.

    ``folder`` lies below the data root, ``user`` is that of the engine's containers.

    Returns:
        None, or ``engine.paths_differ`` or ``engine.not_writable`` to raise or to show.

    Raises:
        AerodagError: where the container cannot be started for another reason.
    """
    secret = uuid4().hex
    place = Path(tempfile.mkdtemp(prefix=".sentinel-", dir=folder))
    try:
        (place / "question").write_text(secret, encoding="ascii")
        hand_over(place, user)
        try:
            answer = ask(
                client, image, ["sh", "-c", _SCRIPT, "sh", str(place)], user=user, binds=[Bind(place)], seconds=120
            )
        except InfrastructureError as error:
            if error.code == "engine.paths_differ":
                return error
            raise
        return _judged(answer, place, secret, user)
    finally:
        shutil.rmtree(place, ignore_errors=True)


def _judged(answer: Answer, place: Path, secret: str, user: str) -> AerodagError | None:
    if secret not in answer.output and "permission denied" not in answer.output.lower():
        return InfrastructureError(
            "engine.paths_differ",
            f"The Docker host has another folder at {place.parent} than this host.",
            advice="The data root must be the same folder at the same path here and on the Docker host; mount it so.",
        )
    returned = place / "answer"
    try:
        written = returned.read_text(encoding="ascii") == secret
    except OSError:
        written = False
    if written:
        return None
    return ConfigError(
        "engine.not_writable",
        f"A container as user {user} cannot write below {place.parent}: {answer.output.replace(secret, '').strip()}",
        advice="Set AERODAG_ODM__USER to the user who owns the data root, or let that user write there.",
    )
