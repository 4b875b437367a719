"""Settings: everything that differs between installations."""

from aerodag.settings.checks import Checks
from aerodag.settings.engines import NodeOdm, Odm
from aerodag.settings.installation import PROJECT_ROOT, Settings, get_settings
from aerodag.settings.operations import Disk, Housekeeping, Mail, Reprocessing, Review, Webhooks
from aerodag.settings.products import Layer, Products
from aerodag.settings.storage import S3Account, SftpServer, StorageRoots
from aerodag.settings.uploads import Uploads

__all__ = [
    "PROJECT_ROOT",
    "Checks",
    "Disk",
    "Housekeeping",
    "Layer",
    "Mail",
    "NodeOdm",
    "Odm",
    "Products",
    "Reprocessing",
    "Review",
    "S3Account",
    "Settings",
    "SftpServer",
    "StorageRoots",
    "Uploads",
    "Webhooks",
    "get_settings",
]
