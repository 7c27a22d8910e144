"""A server on this machine that speaks the hub's protocol, with a folder as any repository, and fails as hubs fail."""

import json
import socket
import struct
import threading
from contextlib import suppress
from hashlib import sha1, sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

REVISION = "0123456789abcdef0123456789abcdef01234567"
POINTER = b"version https://git-lfs.github.com/spec/v1\noid sha256:" + b"0" * 64 + b"\nsize 866000000\n"
STATUS = {"gated": 403, "401": 401, "403": 403, "404": 404, "429": 429, "500": 500, "503": 503}
"""Faults that are an answer with this number."""


class LocalHub:
    """The server; ``fault`` is what goes wrong from now on, in requests whose path contains ``where``."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.fault = ""
        self.where = ".safetensors"
        self.ranges: list[str | None] = []
        """The ranges that were asked for of weights, in order."""
        self.over = threading.Event()
        """Lets go of those who are kept waiting."""
        self.cuts = 0
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        self.address = f"http://127.0.0.1:{self._server.server_address[1]}"

    def close(self) -> None:
        """Stop serving."""
        self.over.set()
        self._server.shutdown()
        self._server.server_close()


def entry(file: Path) -> dict[str, Any]:
    """A file as the hub's list has it: weights are kept with LFS, the rest as Git keeps it."""
    content = file.read_bytes()
    about = {"rfilename": file.name, "size": len(content), "blobId": tag(file)}
    if file.suffix in (".bin", ".safetensors"):
        return {**about, "lfs": {"size": len(content), "sha256": tag(file), "pointerSize": 134}}
    return about


def tag(file: Path) -> str:
    """The hash that the hub calls a file by."""
    content = file.read_bytes()
    if file.suffix in (".bin", ".safetensors"):
        return sha256(content).hexdigest()
    return sha1(f"blob {len(content)}\0".encode() + content).hexdigest()


def _handler(hub: LocalHub) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def handle_one_request(self) -> None:
            with suppress(ValueError, OSError):  # the connection may be closed by then
                super().handle_one_request()

        def do_HEAD(self) -> None:
            self.do_GET()

        def do_GET(self) -> None:
            _, *parts = self.path.partition("?")[0].split("/")
            fault = hub.fault if hub.where in self.path else ""
            file = hub.folder / parts[-1]
            if fault in STATUS:
                self.refuse(fault)
            elif fault == "portal":
                self.answer(b"<html>Welcome! Please sign in.</html>", {"Content-Type": "text/html"})
            elif fault == "reset":
                self.reset()
            elif fault == "silent":
                hub.over.wait(30)
            elif parts[0] == "api":
                listed = [entry(path) for path in sorted(hub.folder.iterdir())]
                about = {"_id": "1", "id": "/".join(parts[2:4]), "sha": REVISION, "private": False, "siblings": listed}
                self.answer(json.dumps(about).encode(), {"Content-Type": "application/json"})
            elif parts[2] == "resolve" and file.is_file():
                self.send_file(file, fault)
            else:
                self.refuse("404")

        def send_file(self, file: Path, fault: str) -> None:
            content = file.read_bytes()
            asked = self.headers.get("Range")
            if file.suffix == ".safetensors":
                hub.ranges.append(asked)
            if fault == "pointer":
                content, asked = POINTER, None
            elif fault == "wrong bytes":
                content = content[:-9] + bytes(byte ^ 1 for byte in content[-9:])
            elif fault == "short":
                content, asked = content[:-100], None
            elif fault == "no ranges":
                asked = None
            headers = {"ETag": f'"{tag(file)}"', "X-Repo-Commit": REVISION}
            start = int(asked.removeprefix("bytes=").rstrip("-")) if asked else 0
            if asked:
                headers["Content-Range"] = f"bytes {start}-{len(content) - 1}/{len(content)}"
            self.answer(content[start:], headers, 206 if asked else 200, fault)

        def answer(self, content: bytes, headers: dict[str, str], status: int = 200, fault: str = "") -> None:
            self.send_response(status)
            for name, value in {**headers, "Content-Length": str(len(content))}.items():
                self.send_header(name, value)
            self.end_headers()
            if self.command == "HEAD":
                return
            half = len(content) // 2
            if fault == "cut always" or (fault == "cut once" and hub.cuts == 0):
                hub.cuts += 1
                self.wfile.write(content[: half if hub.cuts == 1 else 0])
                self.close_connection = True
            elif fault == "stall":
                self.wfile.write(content[:half])
                self.wfile.flush()
                hub.over.wait(30)
                self.close_connection = True
            else:
                for first in range(0, len(content), 20_000):
                    self.wfile.write(content[first : first + 20_000])

        def refuse(self, fault: str) -> None:
            headers = {"gated": {"X-Error-Code": "GatedRepo"}, "429": {"Retry-After": "60"}}.get(fault, {})
            self.answer(b"{}", {"Content-Type": "application/json", **headers}, STATUS[fault])

        def reset(self) -> None:
            """End the connection in the way that networks do, not servers."""
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.close_connection = True
            self.rfile.close()
            self.wfile.close()
            self.connection.close()

        def log_message(self, *rest: object) -> None:
            """Say nothing."""

    return Handler
