"""The same work on many entries at once."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


def in_parallel(work: Callable[[Item], Result], items: Sequence[Item]) -> list[Result]:
    """Results in order. Reading, unpacking and hashing leave the interpreter free, so threads use all cores.

    After the first error nothing new is begun.
    """
    with ThreadPoolExecutor(len(os.sched_getaffinity(0)), thread_name_prefix="archive") as pool:
        try:
            return list(pool.map(work, items))
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise
