"""A task's results into the project directory."""

from __future__ import annotations

import shutil
import stat
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

import requests
import structlog

from aerodag.errors import EngineError, InfrastructureError
from aerodag.photogrammetry.nodeodm.client import Client

log = structlog.get_logger(__name__)

ORTHOPHOTO = PurePosixPath("odm_orthophoto/odm_orthophoto.tif")
_BLOCK = 1 << 20
_ATTEMPTS = 4
# What ODM and NodeODM make at the top of a project. Not images: ours are the ones that were sent.
_FOLDERS = {
    *("odm_orthophoto", "odm_dem", "odm_georeferencing", "odm_texturing", "odm_texturing_25d", "odm_meshing"),
    *("odm_filterpoints", "odm_report", "opensfm", "entwine_pointcloud", "potree_pointcloud", "3d_tiles"),
    *("orthophoto_tiles", "dsm_tiles", "dtm_tiles"),
}
_FILES = {"images.json", "cameras.json", "options.json", "log.json", "task_output.txt", "benchmark.txt", "img_list.txt"}
_RESULTS = _FOLDERS | _FILES


def download(client: Client, uuid: str, target: Path) -> None:
    """``all.zip`` of the task to ``target``, going on where an earlier call stopped.

    Raises:
        InfrastructureError: ``engine.unreachable`` when it breaks off again and again without a byte more.
    """
    part = target.with_name(target.name + ".part")
    for attempt in range(1, _ATTEMPTS + 1):
        before = _size(part)
        try:
            _append(client, uuid, part)
        except (requests.RequestException, InfrastructureError) as error:
            if attempt == _ATTEMPTS:
                raise client.unreachable(f"the download broke off after {_size(part)} bytes: {error}") from error
            log.warning("download goes on", task=uuid, before=before, bytes=_size(part), reason=str(error))
        else:
            part.replace(target)
            return


def _append(client: Client, uuid: str, part: Path) -> None:
    have = _size(part)
    headers = {"Range": f"bytes={have}-"} if have else {}
    with client.stream(f"/task/{uuid}/download/all.zip", headers) as response:
        if response.status_code == 416:
            part.unlink()
            raise client.unreachable("the archive is shorter than what was received of it")
        if response.status_code not in {200, 206} or "json" in response.headers.get("Content-Type", ""):
            client.answer(response)
            raise client.unreachable(f"instead of the archive came status {response.status_code}")
        whole = response.status_code == 200
        length = response.headers.get("Content-Length")
        with part.open("wb" if whole else "ab") as out:
            for block in response.iter_content(_BLOCK):
                out.write(block)
    expected = int(length) + (0 if whole else have) if length is not None else None
    if expected is not None and _size(part) != expected:
        raise client.unreachable(f"{_size(part)} of {expected} bytes came")


def unpack(archive: Path, project: Path) -> int:
    """ODM's results from ``archive`` into ``project``; what lies there already is left alone. Returns files written.

    Raises:
        EngineError: ``engine.archive_unsafe`` for a name that leads out of the project; ``engine.no_orthophoto``.
        InfrastructureError: ``engine.archive_damaged``; ``engine.disk_full``.
    """
    try:
        with zipfile.ZipFile(archive) as packed:
            members = list(_results(packed))
            _refuse_without_space(members, project)
            written = sum(_write(packed, member, project) for member in members)
    except (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError) as error:
        archive.unlink()
        raise InfrastructureError(
            "engine.archive_damaged",
            f"The node's archive of results is damaged: {error}.",
            advice="The step can be tried again; it downloads the archive once more.",
        ) from error
    if not (project / ORTHOPHOTO).is_file():
        raise EngineError(
            "engine.no_orthophoto",
            f"The node calls the task completed, but there is no orthophoto among its {len(members)} results.",
            advice="See the engine's log for the step that made none; fewer or other options may help.",
            numbers={"results": len(members)},
        )
    return written


def _results(packed: zipfile.ZipFile) -> Iterator[zipfile.ZipInfo]:
    unknown: set[str] = set()
    for member in packed.infolist():
        path = PurePosixPath(member.filename)
        if _unsafe(member, path):
            raise EngineError(
                "engine.archive_unsafe",
                f"The node's archive holds the entry {member.filename!r}, which is no plain file in the project.",
                advice="Check which server answers at the node's address.",
            )
        if member.is_dir():
            continue
        if path.parts[0] in _RESULTS:
            yield member
        else:
            unknown.add(path.parts[0])
    if unknown:
        log.info("entries of the archive left out", names=sorted(unknown)[:20])


def _unsafe(member: zipfile.ZipInfo, path: PurePosixPath) -> bool:
    kind = stat.S_IFMT(member.external_attr >> 16)
    leads_out = path.is_absolute() or ".." in path.parts or "\\" in member.filename or ":" in member.filename
    return leads_out or not path.parts or kind not in {0, stat.S_IFREG, stat.S_IFDIR}


def _refuse_without_space(members: list[zipfile.ZipInfo], project: Path) -> None:
    needed, free = sum(member.file_size for member in members), shutil.disk_usage(project).free
    if needed > free:
        raise InfrastructureError(
            "engine.disk_full",
            f"The results need {needed} bytes on the work disk, {free} are free.",
            advice="Free space on the work disk; the step can then be tried again.",
            numbers={"needed": needed, "free": free},
        )


def _write(packed: zipfile.ZipFile, member: zipfile.ZipInfo, project: Path) -> int:
    file = project / member.filename
    if not file.resolve().is_relative_to(project.resolve()):
        raise EngineError(
            "engine.archive_unsafe",
            f"{member.filename} would be written outside the project, through a link that lies there.",
            advice="Remove the link from the project directory.",
        )
    if _same(file, member):
        return 0
    file.parent.mkdir(parents=True, exist_ok=True)
    part = file.with_name(f".{file.name}.part")
    part.unlink(missing_ok=True)
    with packed.open(member) as source, part.open("xb") as out:
        shutil.copyfileobj(source, out, _BLOCK)
    part.replace(file)
    return 1


def _same(file: Path, member: zipfile.ZipInfo) -> bool:
    if file.is_symlink() or not file.is_file() or file.stat().st_size != member.file_size:
        return False
    crc = 0
    with file.open("rb") as stream:
        while block := stream.read(_BLOCK):
            crc = zlib.crc32(block, crc)
    return crc == member.CRC


def _size(file: Path) -> int:
    return file.stat().st_size if file.is_file() else 0
