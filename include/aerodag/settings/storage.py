"""Where files live: on this disk, on SFTP servers, in S3 buckets."""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, SecretStr


class StorageRoots(BaseModel):
    """Where each class of storage is; each is ``AERODAG_STORAGE__<CLASS>`` in the environment.

    ``sftp://NAME/folder`` is a folder on the server of that name, ``s3://NAME@bucket/prefix`` a prefix in a bucket of
    the account of that name; what is not given lies on this machine's disk, below the data root.
    """

    model_config = ConfigDict(frozen=True)

    incoming: str | None = Field(default=None, description="Where uploads land.")
    raw_images: str | None = Field(default=None, description="Registered uploads.")
    archive: str | None = Field(default=None, description="Orthophotos and what is made in full quality.")
    cogs: str | None = Field(default=None, description="COGs for maps, vegetation indices.")
    thumbnails: str | None = None
    metadata: str | None = None
    reports: str | None = Field(default=None, description="Pre-flight pages, the engine's logs and forensics.")
    stac: str | None = None
    quarantine: str | None = Field(default=None, description="Inputs that cannot be processed, with the reason.")


class SftpServer(BaseModel):
    """An SFTP server; ``AERODAG_SFTP__<NAME>__<FIELD>``, or the Airflow connection NAME (type ssh or sftp)."""

    model_config = ConfigDict(frozen=True)

    host: str
    port: int = 22
    user: str | None = None
    key_file: Path | None = Field(default=None, description="Private key; the agent's and the user's own otherwise.")
    private_key: SecretStr | None = Field(default=None, description="The key itself, in OpenSSH's text format.")
    passphrase: SecretStr | None = None
    password: SecretStr | None = None
    host_key: str | None = Field(
        default=None,
        description="The server's public key (ssh-ed25519 AAAA...), or several, a line each; the user's known_hosts "
        "when not given. A server with another key is refused.",
    )
    connect_seconds: float = 15.0
    keepalive_seconds: int = 30
    idle_seconds: float = Field(default=60.0, description="A transfer without a byte for so long is broken.")


class S3Account(BaseModel):
    """An account of an S3 service; ``AERODAG_S3__<NAME>__<FIELD>``, or the Airflow connection NAME (type aws).

    Without keys, boto3 looks for credentials itself (environment, profile, instance role).
    """

    model_config = ConfigDict(frozen=True)

    endpoint_url: str | None = Field(default=None, description="Of MinIO and others; Amazon's when not given.")
    access_key: str | None = None
    secret_key: SecretStr | None = None
    region: str | None = None
    verify: bool | Path = Field(default=True, description="Check the service's certificate; a path names an authority.")
