"""A visitor of the page without a browser: the same requests as the page's script makes."""

import base64
import json
import secrets
import time
import zlib
from typing import Any

import httpx
import numpy as np
import numpy.typing as npt


class Visitor:
    """One session, from an ``address`` of this machine; every answer is checked to be one."""

    def __init__(self, url: str, *, timeout: float = 120, address: str | None = None) -> None:
        # Not verifying anything saves reading a list of authorities for each client.
        way = httpx.HTTPTransport(local_address=address, verify=False)
        self.client = httpx.Client(base_url=url, timeout=timeout, transport=way)
        config = self.client.get("/config").json()
        self.component = next(entry["id"] for entry in config["components"] if entry["type"] == "html")
        self.session = secrets.token_hex(6)

    def call(self, name: str, data: Any = None) -> dict[str, Any]:
        """What one of the page's functions answers."""
        body = {
            "data": {"visitor": self.session, **(data or {})},
            "component_id": self.component,
            "fn_name": name,
            "session_hash": self.session,
        }
        return self._read(self.client.post("/gradio_api/component_server/", json=body))

    def send(self, content: bytes, name: str = "photo.jpg", **fields: Any) -> dict[str, Any]:
        """Start a run of a photo; the answer has its ticket, or an error."""
        form = {
            "request": json.dumps({"visitor": self.session, **fields}),
            "component_id": str(self.component),
            "fn_name": "start",
            "session_hash": self.session,
        }
        return self._read(self.client.post("/gradio_api/component_server/", data=form, files={"file": (name, content)}))

    def follow(self, ticket: str, *, seconds: float = 300) -> dict[str, Any]:
        """The last message of a run."""
        version, deadline = 0, time.monotonic() + seconds
        while time.monotonic() < deadline:
            message = self.call("poll", {"ticket": ticket, "version": version})
            if message.get("state") != "running":
                return message
            version = message["version"]
        return {"state": "error", "text": "no answer"}

    def run(self, content: bytes, **fields: Any) -> dict[str, Any]:
        """Send a photo and follow it to its end."""
        started = self.send(content, **fields)
        return self.follow(started["ticket"]) if "ticket" in started else {"state": "error", **started}

    def upload(self, content: bytes, name: str = "photo.jpg") -> httpx.Response:
        """Upload a file as clients of the API do."""
        return self.client.post("/gradio_api/upload", files={"files": (name, content)})

    def segment(self, content: bytes, **options: Any) -> str:
        """The last event of a call of ``/segment`` with its data, or the status that refused it."""
        sent = self.upload(content)
        if sent.status_code != 200:
            return f"{sent.status_code} {sent.text[:200]}"
        image = {"path": sent.json()[0], "meta": {"_type": "gradio.FileData"}}
        called = self.client.post("/gradio_api/call/v2/segment", json={"image": image, **options})
        if called.status_code != 200:
            return f"{called.status_code} {called.text[:200]}"
        text = self.client.get(f"/gradio_api/call/segment/{called.json()['event_id']}").text
        return text[text.rfind("event:") :]

    @staticmethod
    def _read(answer: httpx.Response) -> dict[str, Any]:
        if answer.status_code != 200:
            return {"error": f"{answer.status_code} {answer.text[:200]}"}
        found: dict[str, Any] = answer.json()
        return found


def unpacked(packed: dict[str, Any]) -> npt.NDArray[Any]:
    """An array as the page unpacks it."""
    raw = zlib.decompress(base64.b64decode(packed["data"]))
    return np.frombuffer(raw, packed["dtype"]).reshape(packed["shape"])
