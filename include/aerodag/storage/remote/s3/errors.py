"""What the refusals of an S3 service mean to a person.

Codes: https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html; those with an X are MinIO's own.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from aerodag.errors import AerodagError, ConfigError, InfrastructureError

if TYPE_CHECKING:
    from botocore.exceptions import BotoCoreError, ClientError


@dataclass(frozen=True, slots=True)
class _Meaning:
    kind: type[AerodagError]
    code: str
    advice: str


_LOGIN = _Meaning(
    ConfigError,
    "storage.login_refused",
    "Correct the access key and the secret key of the account (or what boto3 finds where none are set).",
)
_DENIED = _Meaning(
    ConfigError,
    "storage.access_denied",
    "Give these keys the rights to list, read, write and delete there, and to list and abort multipart uploads.",
)
_CLOCK = _Meaning(
    ConfigError, "storage.clock_skew", "Set the clock of this machine and of the service (NTP); they differ too much."
)
_BUCKET = _Meaning(
    ConfigError, "storage.no_bucket", "Create the bucket, or correct its name in the settings (AERODAG_STORAGE__...)."
)
_REGION = _Meaning(
    ConfigError, "storage.wrong_region", "Set the region and the endpoint of the account to the bucket's."
)
_CERTIFICATE = _Meaning(
    ConfigError,
    "storage.certificate",
    "Name the authority of the service's certificate in the account's setting 'verify', or correct the endpoint.",
)
_ENDPOINT = _Meaning(ConfigError, "storage.endpoint", "Correct the endpoint of the account: http(s)://host:port.")
_FULL = _Meaning(
    InfrastructureError,
    "storage.disk_full",
    "Free space on the storage service or raise its quota; the step is tried again.",
)
_BUSY = _Meaning(
    InfrastructureError,
    "storage.busy",
    "The service asks to slow down; run fewer transfers at once. It is tried again.",
)
_MISSING = _Meaning(
    InfrastructureError, "storage.missing", "Check who removes files from the bucket; the step is tried again."
)
_CORRUPTED = _Meaning(
    InfrastructureError, "storage.corrupted", "Check the network and the memory of both machines; it is tried again."
)
_REPLACED = _Meaning(
    InfrastructureError, "storage.replaced", "The file was replaced during the transfer; the step is tried again."
)
_FAILED = _Meaning(
    InfrastructureError,
    "storage.failed",
    "Look into the service's log, and whether its disk is full; the step is tried again.",
)
_UNREACHABLE = _Meaning(
    InfrastructureError,
    "storage.unreachable",
    "Check that the service runs, the endpoint and the network; the step is tried again.",
)
_BROKEN_OFF = _Meaning(
    InfrastructureError,
    "storage.broken_off",
    "Check the network; the step is tried again and the transfer gone on with.",
)

_CODES: dict[str, _Meaning] = {
    **dict.fromkeys(
        (
            "InvalidAccessKeyId",
            "SignatureDoesNotMatch",
            "ExpiredToken",
            "InvalidToken",
            "TokenRefreshRequired",
            "InvalidSecurity",
        ),
        _LOGIN,
    ),
    **dict.fromkeys(("AccessDenied", "AllAccessDisabled", "AccountProblem", "403", "401", "MethodNotAllowed"), _DENIED),
    **dict.fromkeys(("RequestTimeTooSkewed", "RequestExpired"), _CLOCK),
    **dict.fromkeys(("NoSuchBucket", "InvalidBucketName"), _BUCKET),
    **dict.fromkeys(("PermanentRedirect", "TemporaryRedirect", "AuthorizationHeaderMalformed", "301"), _REGION),
    **dict.fromkeys(("XMinioStorageFull", "XMinioAdminBucketQuotaExceeded", "QuotaExceeded", "507"), _FULL),
    **dict.fromkeys(("SlowDown", "SlowDownRead", "SlowDownWrite", "ServiceUnavailable", "503", "429"), _BUSY),
    **dict.fromkeys(("Throttling", "ThrottlingException", "TooManyRequests", "RequestLimitExceeded"), _BUSY),
    **dict.fromkeys(("NoSuchKey", "404"), _MISSING),
    **dict.fromkeys(("BadDigest", "XAmzContentSHA256Mismatch", "XAmzContentChecksumMismatch"), _CORRUPTED),
    **dict.fromkeys(("PreconditionFailed", "412", "InvalidRange", "416", "InvalidPart", "NoSuchUpload"), _REPLACED),
    **dict.fromkeys(("RequestTimeout", "IncompleteBody"), _BROKEN_OFF),
}
# Services that run on a file system put its words into a plain 500.
_FULL_WORDS = (
    "no space left",
    "disk full",
    "storage full",
    "quota exceeded",
    "not enough space",
    "insufficient storage",
)


def refusal(error: ClientError) -> str:
    """The service's code of an error; the HTTP status where it gave none (answers to HEAD have no text)."""
    response = error.response
    return str(response.get("Error", {}).get("Code") or response["ResponseMetadata"]["HTTPStatusCode"])


@contextmanager
def explaining(place: str) -> Iterator[None]:
    """Turn what boto3 raises into this project's errors; ``place`` is where, for a person."""
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        yield
    except ClientError as error:
        raise _refused(error, place) from error
    except BotoCoreError as error:
        raise _unanswered(error, place) from error


def _refused(error: ClientError, place: str) -> AerodagError:
    details, code = error.response.get("Error", {}), refusal(error)
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    said = str(details.get("Message") or "")
    meaning = _CODES.get(code) or _CODES.get(str(status)) or _FAILED
    if status >= 500 and any(words in said.lower() for words in _FULL_WORDS):
        meaning = _FULL
    return meaning.kind(
        meaning.code,
        f"{place} refuses {error.operation_name}: {said or 'no reason given'} ({code}).",
        advice=meaning.advice,
        numbers={"operation": error.operation_name, "service_code": code, "status": status},
    )


def _unanswered(error: BotoCoreError, place: str) -> AerodagError:
    from botocore import exceptions as boto

    meanings = (
        ((boto.SSLError,), _CERTIFICATE),
        ((boto.InvalidEndpointDiscoveryConfigurationError, boto.EndpointProviderError), _ENDPOINT),
        ((boto.NoCredentialsError, boto.PartialCredentialsError, boto.CredentialRetrievalError), _LOGIN),
        ((boto.ProfileNotFound, boto.TokenRetrievalError, boto.RefreshWithMFAUnsupportedError), _LOGIN),
        ((boto.NoRegionError,), _REGION),
        ((boto.FlexibleChecksumError,), _CORRUPTED),
        ((boto.IncompleteReadError, boto.ResponseStreamingError, boto.ReadTimeoutError), _BROKEN_OFF),
        ((boto.ConnectionClosedError,), _BROKEN_OFF),
        ((boto.ConnectionError, boto.HTTPClientError), _UNREACHABLE),
    )
    meaning = next((meaning for kinds, meaning in meanings if isinstance(error, kinds)), _FAILED)
    return meaning.kind(meaning.code, f"{place}: {error}", advice=meaning.advice)
