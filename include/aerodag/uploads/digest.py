"""The checksum of a body as HTTP carries it: the field ``Content-Digest`` of RFC 9530."""

from __future__ import annotations

import base64
import binascii
import re

from aerodag.errors import DataError

SHA256_BYTES = 32
# A member of the field's dictionary (RFC 8941): key, bytes between colons, parameters that mean nothing here.
_MEMBER = re.compile(r"\s*([a-z*][a-z0-9_.*-]*)=:([A-Za-z0-9+/=]*):(?:;[^,]*)?\s*")


def content_sha256(field: str | None) -> bytes:
    """The SHA-256 that a ``Content-Digest`` field gives, 32 bytes; of other algorithms beside it nothing is read.

    Raises ``DataError`` ``upload.no_digest`` where it gives none.
    """
    for member in (field or "").split(","):
        found = _MEMBER.fullmatch(member)
        if found is None or found[1] != "sha-256":
            continue
        digest = _decoded(found[2])
        if digest is not None:
            return digest
    raise DataError(
        "upload.no_digest",
        "The chunk comes without a SHA-256 of its bytes.",
        advice="Send the header 'Content-Digest: sha-256=:BASE64:' (RFC 9530).",
    )


def _decoded(text: str) -> bytes | None:
    try:
        digest = base64.b64decode(text, validate=True)
    except binascii.Error:
        return None
    return digest if len(digest) == SHA256_BYTES else None
