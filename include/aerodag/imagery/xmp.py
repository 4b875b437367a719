"""XMP packets of drone images: every property of every ``rdf:Description``, as attribute or as element.

Format: ISO 16684-1 (XMP), the ``drone-dji`` namespace of DJI and the ``Camera`` namespace of Pix4D.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from xml.etree.ElementTree import Element, ParseError

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import fromstring

_RDF = "{http://www.w3.org/1999/02/22-rdf-syntax-ns#}"
# Firmware disagrees on trailing slashes and paths, so a namespace is known by a part of its address.
_PREFIXES = (
    ("dji.com/drone-dji", "drone-dji"),
    ("dji.com/flir", "FLIR"),
    ("pix4d.com", "Camera"),
    ("micasense.com", "MicaSense"),
    ("ns.adobe.com/xap/1.0", "xmp"),
    ("ns.adobe.com/exif/1.0", "exif"),
    ("ns.adobe.com/tiff/1.0", "tiff"),
)
_MAX_VALUE = 256


class XmpDamagedError(ValueError):
    """The packet is present and cannot be parsed."""


def parse_xmp(packet: bytes) -> dict[str, str]:
    """Flatten an XMP packet to ``{"drone-dji:GpsLatitude": "+50.688", ...}``; lists are joined by commas.

    Namespaces no drone writes are left out, as are values longer than 256 characters.

    Raises:
        XmpDamagedError: the packet is not well-formed XML or uses entities.
    """
    document = _document(packet)
    if not document:
        return {}
    try:
        root = fromstring(document)
    except (ParseError, DefusedXmlException, ValueError, LookupError) as error:
        raise XmpDamagedError(str(error)) from error
    found: dict[str, str] = {}
    for description in root.iter(f"{_RDF}Description"):
        for key, value in _properties(description):
            if value and len(value) <= _MAX_VALUE:
                found.setdefault(key, value)
    return found


def number(properties: Mapping[str, str], *keys: str) -> float | None:
    """First of the keys that holds a finite number; DJI's leading ``+`` is accepted."""
    for key in keys:
        try:
            value = float(properties[key])
        except (KeyError, ValueError):
            continue
        if math.isfinite(value):
            return value
    return None


def _document(packet: bytes) -> bytes:
    start, end = packet.find(b"<x:xmpmeta"), packet.rfind(b"</x:xmpmeta>")
    if start < 0 or end < 0:
        return packet.strip(b"\x00 \r\n\t")
    return packet[start : end + len(b"</x:xmpmeta>")]


def _properties(description: Element) -> Iterator[tuple[str, str]]:
    for tag, value in description.attrib.items():
        if key := _key(tag):
            yield key, value.strip()
    for child in description:
        if key := _key(child.tag):
            yield key, _text(child)


def _text(element: Element) -> str:
    items = [item.text.strip() for item in element.iter(f"{_RDF}li") if item.text]
    return ",".join(items) if items else (element.text or "").strip()


def _key(tag: str) -> str | None:
    namespace, _, local = tag.rpartition("}")
    lowered = namespace.lower()
    return next((f"{prefix}:{local}" for part, prefix in _PREFIXES if part in lowered), None)
