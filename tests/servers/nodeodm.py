"""A small server that speaks NodeODM's HTTP API on a real socket."""

from __future__ import annotations

import json
import re
import socket
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from servers.nodeodm_node import OPTIONS, QUEUED, RUNNING, Node


class NodeServer(Node):
    """A node that is served on one port, and may be stopped and started again."""

    _http: ThreadingHTTPServer | None = None
    _port = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    def start(self) -> NodeServer:
        """Serve on the same port as before; a task that ran is queued again and has lost its output."""
        self.generation += 1
        self.connections: set[socket.socket] = set()
        handler = type("Handler", (_Handler,), {"node": self})
        self._http = ThreadingHTTPServer(("127.0.0.1", self._port), handler)
        self._http.daemon_threads = True
        self._port = self._http.server_port
        threading.Thread(target=self._http.serve_forever, args=(0.02,), daemon=True).start()
        for task in self.tasks.values():
            if task.status["code"] in {QUEUED, RUNNING}:
                task.status, task.output = {"code": QUEUED}, []
                self.process(task)
        return self

    def stop(self) -> None:
        if self._http is None:
            return
        http, self._http = self._http, None
        self.generation += 1
        http.shutdown()
        http.server_close()
        for connection in list(self.connections):
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                self.connections.discard(connection)


class _Handler(BaseHTTPRequestHandler):
    node: NodeServer
    protocol_version = "HTTP/1.1"
    # Head and body of an answer in one packet, else each waits for an acknowledgement.
    wbufsize = -1

    def setup(self) -> None:
        super().setup()
        self.node.connections.add(self.connection)

    def finish(self) -> None:
        self.node.connections.discard(self.connection)
        super().finish()

    def log_message(self, format: str, *args: object) -> None:
        pass

    def do_GET(self) -> None:
        path, query = self._request()
        if not self._welcome(query):
            return
        if self.node.fails("failing_gets"):
            self.send_error(503)
        elif self.node.answer_of_proxy:
            self._json({"error": self.node.answer_of_proxy})
        elif path == "/info":
            self._json(
                {"version": "2.2.4", "taskQueueCount": len(self.node.tasks), "totalMemory": 64 * 1024**3}
                | {"cpuCores": 99999999999 if self.node.cluster else 8, "maxImages": self.node.max_images}
                | {"engine": "odm", "engineVersion": "3.5.6"}
            )
        elif path == "/options":
            self._json(OPTIONS)
        elif path == "/task/list" and self.node.listing:
            self._json([{"uuid": uuid} for uuid in self.node.tasks])
        elif match := re.fullmatch(r"/task/([^/]+)/(info|output|download/.+)", path):
            self._task(match[1], match[2], query)
        else:
            self._json(
                {"error": f"Cannot handle {path}"} if self.node.cluster else {}, 200 if self.node.cluster else 404
            )

    def do_POST(self) -> None:
        path, query = self._request()
        length = int(self.headers.get("Content-Length", 0))
        if path.startswith("/task/new/upload/") and self._upload_fails(path.rsplit("/", 1)[1], length):
            return
        body = self.rfile.read(length)
        if not self._welcome(query):
            return
        uuid = path.rsplit("/", 1)[1]
        if path == "/task/new/init":
            fields, _ = self._form(body)
            self._json(self.node.init(self.headers.get("set-uuid"), fields))
        elif path.startswith("/task/new/"):
            self._new(path, uuid, body)
        else:
            command = {"cancel": self.node.cancel, "remove": self.node.remove, "restart": self.node.restart}[uuid]
            self._json(command(parse_qs(body.decode()).get("uuid", [""])[0]))

    def _new(self, path: str, uuid: str, body: bytes) -> None:
        if not (self.node.upload_folder(uuid) / "body.json").is_file():
            self._json({"error": "Invalid uuid (not found)"})
        elif "/commit/" in path:
            answer = self.node.commit(uuid)
            if self.node.fails("lost_commits"):
                self._hang_up()
            else:
                self._json(answer)
        else:
            time.sleep(self.node.upload_seconds)
            _, files = self._form(body)
            for name, content in files:
                self.node.store(uuid, name, content)
            self._json({"success": True} if files else {"error": "Need at least 1 file.", "noRetry": True})

    def _upload_fails(self, uuid: str, length: int) -> bool:
        if length > 400 and self.node.fails("cut_uploads"):
            got = self.rfile.read(length - 200)
            name = re.search(rb'filename="([^"]+)"', got)
            assert name is not None
            self.node.store(uuid, name[1].decode(), got.split(b"\r\n\r\n", 1)[1])
            self._hang_up()
            return True
        if length > 400 and self.node.fails("failing_uploads"):
            self.rfile.read(length)
            self.send_error(500)
            return True
        return False

    def _task(self, uuid: str, what: str, query: dict[str, list[str]]) -> None:
        task = self.node.tasks.get(uuid)
        if task is None:
            cluster = f"Invalid route for taskId {uuid}, no valid route possible."
            self._json({"error": cluster if self.node.cluster else f"{uuid} not found"})
        elif what == "info":
            self._json(task.info())
        elif what == "output":
            self._json(task.output[int(query.get("line", ["0"])[0]) :])
        else:
            self._download(task.folder / what.removeprefix("download/"))

    def _download(self, file: Path) -> None:
        if file.name != "all.zip" or not file.is_file():
            self._json({"error": "Invalid asset"})
            return
        content = file.read_bytes()
        wanted = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", ""))
        start = int(wanted[1]) if wanted else 0
        if start >= len(content):
            self.send_error(416)
            return
        self.send_response(206 if wanted else 200)
        self.send_header("Content-Type", "application/zip")
        self.send_header("Content-Length", str(len(content) - start))
        self.end_headers()
        if self.node.fails("cut_downloads"):
            self.wfile.write(content[start : start + (len(content) - start) // 2])
            self._hang_up()
        else:
            self.wfile.write(content[start:])

    def _request(self) -> tuple[str, dict[str, list[str]]]:
        parts = urlsplit(self.path)
        self.node.requests.append(f"{self.command} {parts.path}")
        return parts.path, parse_qs(parts.query)

    def _welcome(self, query: dict[str, list[str]]) -> bool:
        if self.node.token and query.get("token") != [self.node.token]:
            if self.node.cluster:
                self._json({}, 401)
            else:
                self._json({"error": "Invalid authentication token: token does not match"})
            return False
        return True

    def _form(self, body: bytes) -> tuple[dict[str, str], list[tuple[str, bytes]]]:
        boundary = re.search(r"boundary=([^;]+)", self.headers["Content-Type"])
        assert boundary is not None
        fields: dict[str, str] = {}
        files: list[tuple[str, bytes]] = []
        for part in (b"\r\n" + body).split(b"\r\n--" + boundary[1].encode())[1:-1]:
            head, content = part.split(b"\r\n\r\n", 1)
            name = re.search(rb'[; ]name="([^"]+)"', head)
            file = re.search(rb'filename="([^"]+)"', head)
            assert name is not None
            if file is not None:
                files.append((file[1].decode(), content))
            else:
                fields[name[1].decode()] = content.decode()
        return fields, files

    def _json(self, answer: object, status: int = 200) -> None:
        content = json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json; charset=utf-8")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def _hang_up(self) -> None:
        self.wfile.flush()
        self.connection.shutdown(socket.SHUT_RDWR)
        self.close_connection = True
