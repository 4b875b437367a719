"""XMP packets of drone images: every property of every ``rdf:Description``, as attribute, element or structure.

Formats: ISO 16684-1 (XMP); the ``Camera`` namespace of Pix4D, which senseFly, Parrot, Sentera, MicaSense, DJI's
multispectral cameras and Autel's older firmware write; the namespaces of DJI (Autel's newer firmware writes DJI's
under the prefix ``drone``), Skydio, Parrot, Yuneec, FLIR and MicaSense.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Mapping
from xml.etree.ElementTree import Element, ParseError

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import fromstring

_RDF = "{http://www.w3.org/1999/02/22-rdf-syntax-ns#}"
# Firmware disagrees on prefixes, trailing slashes and paths, so a namespace is known by a part of its address.
_PREFIXES = (
    ("dji.com/drone-dji", "drone-dji"),
    ("pix4d.com", "Camera"),
    ("sensefly.com/camera", "Camera"),
    ("skydio.com/drone-skydio", "drone-skydio"),
    ("parrot.com/drone-parrot", "drone-parrot"),
    ("yuneec.com/drone-yuneec", "drone-yuneec"),
    ("micasense.com/dls", "DLS"),
    ("micasense.com", "MicaSense"),
    ("flir", "FLIR"),
    ("ns.adobe.com/xap/1.0", "xmp"),
    ("ns.adobe.com/exif/1.0", "exif"),
    ("ns.adobe.com/tiff/1.0", "tiff"),
)
_MAX_VALUE, _MAX_PROPERTIES, _MAX_PACKET = 256, 500, 2 * 1024**2
_DECIMAL = r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]{1,3})?"
_NUMBER = re.compile(rf"\s*({_DECIMAL})(?:/({_DECIMAL}))?\s*")


class XmpDamagedError(ValueError):
    """The packet is present and cannot be parsed."""


def parse_xmp(packet: bytes) -> dict[str, str]:
    """Flatten an XMP packet to ``{"drone-dji:GpsLatitude": "+50.688", ...}``.

    Lists are joined by commas, fields of a structure are ``drone-skydio:CameraOrientationNED/Pitch``. Namespaces no
    drone writes are left out, as are values longer than 256 characters and what exceeds 500 properties.

    Raises:
        XmpDamagedError: the packet is not well-formed XML, uses entities or is larger than 2 MiB.
    """
    document = _document(packet)
    if not document:
        return {}
    if len(document) > _MAX_PACKET:
        raise XmpDamagedError(f"the packet has {len(document)} bytes")
    try:
        root = fromstring(document)
    except (ParseError, DefusedXmlException, ValueError, LookupError) as error:
        raise XmpDamagedError(str(error)) from error
    found: dict[str, str] = {}
    for description in _descriptions(root):
        for key, value in _properties(description):
            if value and len(value) <= _MAX_VALUE and len(found) < _MAX_PROPERTIES:
                found.setdefault(key, value)
    return found


def merge_packets(packets: Iterable[bytes]) -> tuple[dict[str, str], tuple[str, ...]]:
    """Properties of all packets of an image, the first that has one winning, and ``xmp.damaged`` if one was."""
    properties: dict[str, str] = {}
    problems: dict[str, None] = {}
    for packet in packets:
        try:
            properties = {**parse_xmp(packet), **properties}
        except XmpDamagedError:
            problems["xmp.damaged"] = None
    return properties, tuple(problems)


def number(properties: Mapping[str, str], *keys: str) -> float | None:
    """First of the keys that holds a finite number: decimal, with DJI's leading ``+``, or Parrot's fraction."""
    for key in keys:
        value = _real(properties.get(key, ""))
        if value is not None:
            return value
    return None


def _real(text: str) -> float | None:
    match = _NUMBER.fullmatch(text)
    if match is None:
        return None
    try:
        value = float(match[1]) / float(match[2] or 1)
    except (ZeroDivisionError, OverflowError):
        return None
    return value if math.isfinite(value) else None


def _document(packet: bytes) -> bytes:
    start, end = packet.find(b"<x:xmpmeta"), packet.rfind(b"</x:xmpmeta>")
    if start < 0 or end < 0:
        return packet.strip(b"\x00 \r\n\t")
    return packet[start : end + len(b"</x:xmpmeta>")]


def _descriptions(root: Element) -> Iterator[Element]:
    """Only those right under ``rdf:RDF``: deeper ones are the values of structures."""
    for rdf in root.iter(f"{_RDF}RDF"):
        yield from rdf.findall(f"{_RDF}Description")


def _properties(description: Element) -> Iterator[tuple[str, str]]:
    for tag, value in description.attrib.items():
        if key := _key(tag):
            yield key, value.strip()
    for child in description:
        if key := _key(child.tag):
            fields = dict(_fields(child))
            if fields:
                yield from ((f"{key}/{name}", value) for name, value in fields.items())
            else:
                yield key, _text(child)


def _fields(element: Element) -> Iterator[tuple[str, str]]:
    """Fields of a structure in any of RDF's three notations: attributes, ``parseType="Resource"``, Description."""
    for holder in (element, *element.findall(f"{_RDF}Description")):
        for tag, value in holder.attrib.items():
            if _key(tag):
                yield tag.rpartition("}")[2], value.strip()
        for child in holder:
            if _key(child.tag):
                yield child.tag.rpartition("}")[2], _text(child)


def _text(element: Element) -> str:
    items = [item.text.strip() for item in element.iter(f"{_RDF}li") if item.text]
    return ",".join(items) if items else (element.text or "").strip()


def _key(tag: str) -> str | None:
    namespace, _, local = tag.rpartition("}")
    lowered = namespace.lower()
    return next((f"{prefix}:{local}" for part, prefix in _PREFIXES if part in lowered), None)
