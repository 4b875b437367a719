"""What a NodeODM server does behind its HTTP API, with its oddities."""

from __future__ import annotations

import json
import re
import shutil
import threading
import time
import zipfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

QUEUED, RUNNING, FAILED, COMPLETED, CANCELED = 10, 20, 30, 40, 50
ERRORS = {1: "Cannot process dataset", 3: "Installation issue", 132: "Unsupported CPU", 137: "Not enough memory"}
STAGES = ("dataset", "opensfm", "openmvs", "odm_georeferencing", "odm_orthophoto", "odm_report")
OPTIONS = [
    {"name": "dsm", "type": "bool", "value": "false", "domain": "bool", "help": ""},
    {"name": "skip-3dmodel", "type": "bool", "value": "false", "domain": "bool", "help": ""},
    {"name": "no-gpu", "type": "bool", "value": "false", "domain": "bool", "help": ""},
    {"name": "orthophoto-resolution", "type": "float", "value": "5", "domain": "float > 0.0", "help": ""},
    {"name": "max-concurrency", "type": "int", "value": "4", "domain": "positive integer", "help": ""},
    {"name": "boundary", "type": "string", "value": "", "domain": "json", "help": ""},
    {"name": "matcher-neighbors", "type": "int", "value": "0", "domain": "positive integer", "help": ""},
]


@dataclass
class Scenario:
    """What becomes of the next task: its lines, one each ``pause`` seconds, then its end.

    It waits in the queue for ``queued`` seconds before, and for ``hold`` after its lines.
    """

    lines: tuple[str, ...] = tuple(
        f"[INFO]    {verb} {stage} stage" for stage in STAGES for verb in ("Running", "Finished")
    )
    pause: float = 0.0
    exit_code: int = 0
    results: bytes = b""
    hold: threading.Event | None = None
    queued: float = 0.0


@dataclass
class Faults:
    """What goes wrong, each so many times."""

    cut_uploads: int = 0
    failing_uploads: int = 0
    failing_gets: int = 0
    cut_downloads: int = 0
    lost_commits: int = 0


@dataclass
class ServedTask:
    uuid: str
    name: str
    options: list[dict[str, Any]]
    folder: Path
    scenario: Scenario
    body: dict[str, str]
    status: dict[str, Any] = field(default_factory=lambda: {"code": QUEUED})
    created: float = field(default_factory=time.time)
    lasted: float = -1
    progress: float = 0.0
    output: list[str] = field(default_factory=list)

    @property
    def images(self) -> list[str]:
        return sorted(file.name for file in (self.folder / "images").iterdir())

    def info(self) -> dict[str, Any]:
        return {
            "uuid": self.uuid,
            "name": self.name,
            "dateCreated": int(self.created * 1000),
            "processingTime": int(self.lasted * 1000) if self.lasted >= 0 else -1,
            "status": self.status,
            "options": self.options,
            "imagesCount": len(self.images),
            "progress": self.progress,
        }


class Node:
    """``cluster`` gives out its own uuids, as ClusterODM does; ``listing`` is whether it has /task/list."""

    def __init__(self, root: Path, token: str = "", max_images: int | None = None) -> None:
        self.root, self.token, self.max_images = root, token, max_images
        self.cluster, self.listing = False, True
        # What a proxy answers in place of the node; how long an upload takes.
        self.answer_of_proxy, self.upload_seconds = "", 0.0
        self.scenario, self.faults = Scenario(), Faults()
        self.tasks: dict[str, ServedTask] = {}
        self.requests: list[str] = []
        self.lock = threading.RLock()
        # Changes with each start of the server; work that was begun before it ends.
        self.generation = 0

    def upload_folder(self, uuid: str) -> Path:
        return self.root / "tmp" / uuid

    def fails(self, fault: str) -> bool:
        with self.lock:
            left = getattr(self.faults, fault)
            setattr(self.faults, fault, max(0, left - 1))
        return bool(left)

    def init(self, wished: str | None, body: dict[str, str]) -> dict[str, Any]:
        uuid = wished if wished and not self.cluster else str(uuid4())
        if uuid in self.tasks or not re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", uuid):
            return {"error": f"Invalid set-uuid: {uuid}"}
        folder = self.upload_folder(uuid)
        if refused := _refused_options(body.get("options", "[]")):
            shutil.rmtree(folder, ignore_errors=True)
            return {"error": refused}
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "body.json").write_text(json.dumps(body))
        return {"uuid": uuid}

    def store(self, uuid: str, name: str, content: bytes) -> None:
        """As multer and NodeODM do: a second file of a name is kept beside the first."""
        with self.lock:
            file = self.upload_folder(uuid) / name
            while file.exists():
                file = file.with_name(f"{file.stem}_{file.suffix}")
            file.write_bytes(content)

    def commit(self, uuid: str) -> dict[str, Any]:
        source, folder = self.upload_folder(uuid), self.root / "data" / uuid
        body = json.loads((source / "body.json").read_text())
        (source / "body.json").unlink()
        shutil.rmtree(folder, ignore_errors=True)
        (folder / "gcp").mkdir(parents=True)
        source.rename(folder / "images")
        known = {option["name"] for option in OPTIONS}
        options = [each for each in json.loads(body["options"]) if each["name"] in known]
        task = ServedTask(uuid, body.get("name", ""), options, folder, self.scenario, body)
        self.tasks[uuid] = task
        seed = folder / "images" / "seed.zip"
        if seed.exists():
            with zipfile.ZipFile(seed) as packed:
                packed.extractall(folder)
            seed.unlink()
        for text in (folder / "images").glob("*.txt"):
            text.rename(folder / "gcp" / text.name)
        count = len(task.images)
        if self.max_images is not None and count > self.max_images:
            text = f"{count} images uploaded, but this node can only process up to {self.max_images}."
            task.status = {"code": FAILED, "errorMessage": text}
        else:
            self.process(task)
        return {"uuid": uuid}

    def cancel(self, uuid: str) -> dict[str, Any]:
        if uuid not in self.tasks:
            return {"error": f"{uuid} not found"}
        self.tasks[uuid].status = {"code": CANCELED}
        return {"success": True}

    def remove(self, uuid: str) -> dict[str, Any]:
        if uuid not in self.tasks:
            return {"error": f"{uuid} not found"}
        self.cancel(uuid)
        shutil.rmtree(self.tasks.pop(uuid).folder)
        return {"success": True}

    def restart(self, uuid: str) -> dict[str, Any]:
        task = self.tasks.get(uuid)
        if task is None or task.status["code"] in {QUEUED, RUNNING}:
            return {"error": "Task cannot be restarted"}
        task.status, task.output, task.progress = {"code": QUEUED}, [], 0.0
        self.process(task)
        return {"success": True}

    def process(self, task: ServedTask) -> None:
        threading.Thread(target=self._work, args=(task, self.generation), daemon=True).start()

    def _work(self, task: ServedTask, generation: int) -> None:
        scenario = task.scenario
        time.sleep(scenario.queued)
        if task.status["code"] == CANCELED or self.generation != generation:
            return
        task.status = {"code": RUNNING}
        for number, line in enumerate(scenario.lines, 1):
            time.sleep(scenario.pause)
            if task.status["code"] == CANCELED or self.generation != generation:
                return
            task.output.append(line)
            task.progress = 90.0 * number / len(scenario.lines)
        while scenario.hold is not None and not scenario.hold.wait(0.02):
            if task.status["code"] == CANCELED or self.generation != generation:
                return
        task.lasted, task.progress = time.time() - task.created, 100.0
        if scenario.exit_code == 0:
            (task.folder / "all.zip").write_bytes(scenario.results)
            task.status = {"code": COMPLETED}
        else:
            code = scenario.exit_code
            known = ERRORS[1] if code in {134, 139} else ERRORS.get(code, f"Processing failed ({code})")
            task.status = {"code": FAILED, "errorMessage": known}


def _refused_options(text: str) -> str:
    try:
        options = json.loads(text)
    except ValueError as error:
        return str(error)
    numeric = {option["name"] for option in OPTIONS if option["type"] in {"int", "float"}}
    wrong = [
        {"name": each["name"], "error": f"Invalid value {each['value']} (out of range)"}
        for each in options
        if each["name"] in numeric and float(each["value"]) < 0
    ]
    return json.dumps(wrong) if wrong else ""
