"""The checks that need no Airflow, in the order in which they stand on each other."""

from __future__ import annotations

from aerodag.doctor import database, docker_host, engine_image, engines, host
from aerodag.doctor.examination import Check

# In other rooms than this one the ledger is reached through a connection of its own, which may be missing.
LEDGER_CONNECTION = "ledger.connection"

CHECKS = (
    Check("settings", host.settings),
    Check("data.root", host.data_root),
    Check("data.disk", host.disk),
    Check("host.resources", host.resources),
    Check("ledger.reachable", database.reachable, (LEDGER_CONNECTION,)),
    Check("ledger.schema", database.schema, ("ledger.reachable",)),
    Check("ledger.rights", database.rights, ("ledger.reachable",)),
    Check("docker.reachable", docker_host.reachable),
    Check("docker.live_restore", docker_host.live_restore, ("docker.reachable",)),
    Check("docker.limits", docker_host.limits, ("docker.reachable",)),
    Check("docker.image", engine_image.present, ("docker.reachable",)),
    Check("docker.start", engine_image.starts, ("docker.image", "docker.limits", "data.root"), seconds=150),
    Check("docker.paths", docker_host.paths, ("docker.image", "data.root"), seconds=150),
    Check("docker.gpu", docker_host.gpu, ("docker.image",), seconds=180),
    Check("nodeodm", engines.node),
    Check("embedded", engines.embedded),
)
