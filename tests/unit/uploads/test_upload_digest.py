"""Content-Digest, as RFC 9530 writes it and as others do."""

import base64
import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aerodag.errors import DataError
from aerodag.uploads import content_sha256

DIGEST = hashlib.sha256(b'{"hello": "world"}\n').digest()
FIELD = f"sha-256=:{base64.b64encode(DIGEST).decode()}:"


def test_the_example_of_the_rfc():
    assert FIELD == "sha-256=:RK/0qy18MlBSVnWgjwz6lZEWjP/lF5HF9bvEF8FabDg=:"
    assert content_sha256(FIELD) == DIGEST


@pytest.mark.parametrize("field", [f"sha-512=:{'A' * 86}==:, {FIELD}", f" {FIELD} ", f"{FIELD};q=1, md5=:AAAA:"])
def test_it_is_found_among_others(field):
    assert content_sha256(field) == DIGEST


@pytest.mark.parametrize(
    "field",
    [None, "", "sha-256", "sha-256=", "sha-256=::", "sha-256=:AAAA:", "sha-256=:!!!:", FIELD.upper(),
     FIELD.replace("sha-256", "sha-512"), FIELD.replace(":", '"'), f"sha-256=:{DIGEST.hex()}:"],
)  # fmt: skip
def test_without_one_the_chunk_is_refused_with_advice(field):
    with pytest.raises(DataError, match=r"upload\.no_digest.*Content-Digest"):
        content_sha256(field)


@given(st.text(st.characters(exclude_characters="="), max_size=200))
def test_no_other_text_gives_one(field):
    with pytest.raises(DataError, match=r"upload\.no_digest"):
        content_sha256(field)


@given(st.binary(min_size=32, max_size=32), st.sampled_from([",", ", ", " ,\t"]))
def test_any_digest_is_read_back(digest, separator):
    field = separator.join(["crc32c=:AAAAAA==:", f"sha-256=:{base64.b64encode(digest).decode()}:"])
    assert content_sha256(field) == digest
