"""Photographs for the tests of the imagery room: real ones, and small ones with any header one likes."""

from __future__ import annotations

import io
import os
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from aerodag.imagery import ImageMetadata, read_metadata

DATA = Path(os.environ.get("AERODAG_TEST_DATA") or Path(__file__).parents[2].parent / "shared" / "data")
needs_data = pytest.mark.skipif(not DATA.is_dir(), reason="the shared test images are absent (AERODAG_TEST_DATA)")
GPS = {1: "N", 2: (46.0, 30.0, 36.0), 3: "W", 4: (91.0, 15.0, 0.0), 5: b"\x00", 6: 200.5}

_XMP = """<?xpacket begin="\ufeff"?><x:xmpmeta xmlns:x="adobe:ns:meta/">
<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
<rdf:Description xmlns:drone-dji="http://www.dji.com/drone-dji/1.0/" {attributes}/>
<rdf:Description xmlns:Camera="http://pix4d.com/camera/1.0">{elements}</rdf:Description>
</rdf:RDF></x:xmpmeta>"""


def xmp(elements: str = "", **attributes: object) -> bytes:
    """A packet of two descriptions: DJI's properties as attributes, Pix4D's ``Camera`` ones as elements."""
    listed = " ".join(f'drone-dji:{key}="{value}"' for key, value in attributes.items())
    return _XMP.format(attributes=listed, elements=elements).encode()


def description(namespaces: str, attributes: str = "", elements: str = "") -> bytes:
    """A packet of one description in any namespaces."""
    return (
        '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
        f"<rdf:Description {namespaces} {attributes}>{elements}</rdf:Description></rdf:RDF></x:xmpmeta>"
    ).encode()


def jpeg(
    packet: bytes | None = None,
    *,
    main: dict[int, Any] | None = None,
    exif: dict[int, Any] | None = None,
    gps: dict[int, Any] | None = None,
    size: tuple[int, int] = (400, 300),
) -> bytes:
    """A black JPEG with these tags."""
    image, tags = Image.new("RGB", size), Image.Exif()
    for number, value in (main or {}).items():
        tags[number] = value
    if exif:
        tags.get_ifd(0x8769).update(exif)
    if gps:
        tags.get_ifd(0x8825).update(gps)
    buffer = io.BytesIO()
    options: dict[str, Any] = {} if packet is None else {"xmp": packet}
    image.save(buffer, "JPEG", exif=tags, **options)
    return buffer.getvalue()


def photo(packet: bytes | None = None, *, name: str = "photo.jpg", **tags: Any) -> ImageMetadata:
    """What is read of such a JPEG."""
    return read_metadata(io.BytesIO(jpeg(packet, **tags)), name)


def at(path: str) -> ImageMetadata:
    """What is read of a real image."""
    with (DATA / path).open("rb") as file:
        return read_metadata(file, path)


def without_xmp(content: bytes) -> bytes:
    """The JPEG without its (first) XMP packet; anything else as it is."""
    start = content.find(b"http://ns.adobe.com/xap/1.0/\0")
    if start < 0:
        return content
    length = int.from_bytes(content[start - 2 : start], "big")
    return content[: start - 4] + content[start - 2 + length :]
