"""Copying inside S3 without the bytes coming here."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from aerodag.errors import InfrastructureError
from aerodag.storage.remote.s3.bucket import SHA256, Bucket, Head
from aerodag.storage.remote.s3.errors import refusal

if TYPE_CHECKING:
    from mypy_boto3_s3.type_defs import CompletedPartTypeDef


def copy(bucket: Bucket, key: str, to: str) -> None:
    """Copy an object with its label, and verify that the copy is as large. Raises what boto3 raises."""
    source = bucket.present(key)
    if source.entry.size > bucket.tuning.copy_bytes:
        _in_parts(bucket, source, to, {SHA256: source.sha256} if source.sha256 else {})
    else:
        bucket.client.copy_object(
            Bucket=bucket.name,
            Key=to,
            CopySource={"Bucket": bucket.name, "Key": key},
            CopySourceIfMatch=source.entry.version,
        )
    there = bucket.present(to)
    if (there.entry.size, there.sha256) != (source.entry.size, source.sha256):
        raise InfrastructureError(
            "storage.replaced",
            f"The copy {bucket.place}/{to} has {there.entry.size} bytes, {key} has {source.entry.size}.",
            advice="Check who else writes there; the step is tried again.",
        )


def relabel(bucket: Bucket, there: Head, sha256: str) -> None:
    """Give an object the label of its content; one that was replaced meanwhile is left alone."""
    from botocore.exceptions import ClientError

    label, key = {SHA256: sha256}, there.entry.key
    try:
        if there.entry.size > bucket.tuning.copy_bytes:
            _in_parts(bucket, there, key, label)
        else:
            bucket.client.copy_object(
                Bucket=bucket.name,
                Key=key,
                CopySource={"Bucket": bucket.name, "Key": key},
                CopySourceIfMatch=there.entry.version,
                Metadata=label,
                MetadataDirective="REPLACE",
            )
    except ClientError as error:
        if refusal(error) != "PreconditionFailed":
            raise


def _in_parts(bucket: Bucket, source: Head, to: str, label: dict[str, str]) -> None:
    tuning = bucket.tuning
    upload_id = bucket.client.create_multipart_upload(
        Bucket=bucket.name, Key=to, Metadata=label, ContentType=source.content_type
    )["UploadId"]

    def part(number: int) -> CompletedPartTypeDef:
        start = (number - 1) * tuning.copy_part_bytes
        end = min(start + tuning.copy_part_bytes, source.entry.size) - 1
        answer = bucket.client.upload_part_copy(
            Bucket=bucket.name,
            Key=to,
            UploadId=upload_id,
            PartNumber=number,
            CopySource={"Bucket": bucket.name, "Key": source.entry.key},
            CopySourceRange=f"bytes={start}-{end}",
            CopySourceIfMatch=source.entry.version,
        )
        return {"PartNumber": number, "ETag": answer["CopyPartResult"]["ETag"]}

    try:
        with ThreadPoolExecutor(tuning.workers, "s3-copy") as pool:
            parts = list(pool.map(part, range(1, -(-source.entry.size // tuning.copy_part_bytes) + 1)))
        bucket.client.complete_multipart_upload(
            Bucket=bucket.name, Key=to, UploadId=upload_id, MultipartUpload={"Parts": parts}
        )
    except BaseException:
        bucket.client.abort_multipart_upload(Bucket=bucket.name, Key=to, UploadId=upload_id)
        raise
