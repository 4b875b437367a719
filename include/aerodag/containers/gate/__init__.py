"""A door to a Docker engine for workers: the calls that an engine run needs, and no way to the rest of the host.

Whoever may create containers as he likes is root on the Docker host. Behind this door a worker that was taken over can
start the engine's own images, as the worker's own user, on the data root, and look at nothing but what it started.
"""

from aerodag.containers.gate.app import gate
from aerodag.containers.gate.rules import Policy

__all__ = ["Policy", "gate"]
