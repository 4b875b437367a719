"""How many threads the engine may use in the memory it gets."""

from __future__ import annotations

_BYTES_PER_MEGAPIXEL = 1024**3 / 2


def max_concurrency(cpus: float, memory_bytes: int, megapixels: float) -> int:
    """Threads for ``--max-concurrency``, at least 1: one a core, each with 1 GiB for every 2 megapixels of an image.

    ODM's own default is the host's cores, whatever the container may use; the memory is the rule of its ``--help``.
    ``megapixels`` of the largest images; 0 where unknown, then the cores alone decide.
    """
    threads = int(cpus)
    if megapixels > 0:
        threads = min(threads, int(memory_bytes / (megapixels * _BYTES_PER_MEGAPIXEL)))
    return max(1, threads)
