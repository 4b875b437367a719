"""The image of ODM's double: BusyBox and a script, made here without a registry."""

from __future__ import annotations

import io
import subprocess
import tarfile
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from docker import APIClient

BUSYBOX = Path("/bin/busybox")
IMAGE = "aerodag-test/odm:3.5.6"
GPU_IMAGE = "aerodag-test/odm:gpu"

_HERE = Path(__file__).parent


def build(client: APIClient) -> None:
    """Puts `IMAGE`, and `GPU_IMAGE` with an nvidia-smi, on the Docker host."""
    applets = subprocess.run([BUSYBOX, "--list"], check=True, capture_output=True, text=True).stdout.split()
    for image, extra in ((IMAGE, {}), (GPU_IMAGE, {"bin/nvidia-smi": _HERE / "nvidia-smi"})):
        files = {"bin/busybox": BUSYBOX, "code/run.sh": _HERE / "run.sh", "code/options": _HERE / "options.txt"} | extra
        name, _, tag = image.partition(":")
        client.import_image_from_data(
            _archive(files, [applet for applet in applets if applet not in {"busybox", "nvidia-smi"}]),
            repository=name,
            tag=tag,
            changes=[
                'ENTRYPOINT ["sh", "/code/run.sh"]',
                "WORKDIR /code",
                "ENV PATH=/bin",
                "ENV NVIDIA_VISIBLE_DEVICES=all",
                "LABEL org.opencontainers.image.version=3.5.6",
            ],
        )


def _archive(files: dict[str, Path], applets: list[str]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for folder, mode in (("bin", 0o755), ("code", 0o755), ("code/storage", 0o755), ("tmp", 0o1777), ("etc", 0o755)):
            entry = tarfile.TarInfo(folder)
            entry.type, entry.mode = tarfile.DIRTYPE, mode
            archive.addfile(entry)
        for name, source in files.items():
            content = source.read_bytes()
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode = len(content), 0o755
            archive.addfile(entry, io.BytesIO(content))
        for applet in applets:
            entry = tarfile.TarInfo(f"bin/{applet}")
            entry.type, entry.linkname = tarfile.SYMTYPE, "busybox"
            archive.addfile(entry)
    return buffer.getvalue()
