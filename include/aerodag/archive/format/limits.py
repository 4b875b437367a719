"""Bounds on what a ZIP may claim."""

from __future__ import annotations

from dataclasses import dataclass

from aerodag.settings import Settings, get_settings


@dataclass(frozen=True, slots=True)
class Limits:
    """Most entries, bytes of one and of all used entries, expansion (unpacked / packed), and least images.

    ``damaged_share`` is the share of images that may be damaged before the whole upload is refused. The values are
    those of the settings; there are no others.
    """

    entries: int
    entry_bytes: int
    total_bytes: int
    ratio: float
    min_images: int
    damaged_share: float

    @classmethod
    def of(cls, settings: Settings) -> Limits:
        """The limits that ``settings`` state."""
        return cls(
            entries=settings.max_entries,
            entry_bytes=settings.max_entry_bytes,
            total_bytes=settings.max_total_bytes,
            ratio=settings.max_ratio,
            min_images=settings.min_images,
            damaged_share=settings.max_damaged_share,
        )

    @classmethod
    def installed(cls) -> Limits:
        """The limits of this installation."""
        return cls.of(get_settings())
