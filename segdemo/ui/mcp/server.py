"""The server of the Model Context Protocol: the tools, the table of classes, and nothing else of the page."""

import functools
import json
import os
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import quote

from segdemo import __version__
from segdemo.checkpoints import Checkpoint, labels, resolve
from segdemo.settings import settings
from segdemo.taxonomy import taxonomy_for
from segdemo.ui.callers import client_of_request
from segdemo.ui.calls import sentence_of
from segdemo.ui.endpoint import Endpoints
from segdemo.ui.jobs import Answer, Jobs
from segdemo.ui.mcp import require_mcp
from segdemo.ui.mcp.tools import Tool, in_base64, tools
from segdemo.ui.server.bodies import limit_of
from segdemo.ui.server.clients import trusted_proxies
from segdemo.ui.server.refusals import Receive, Scope, Send, answer_json
from segdemo.ui.server.routes import Body

INSTRUCTIONS = (
    "See what a segmentation network does with a photo, and why. Ask `segment` what is in it and how sure the network "
    "is, `explain` why a pixel is what it is (x and y in pixels of the photo), `evaluate` how right it is where there "
    "are true labels. Send the photo in base64, or upload it to /gradio_api/upload (a form with `files`) and send the "
    "path that comes back."
)
CLASSES_URI = "segdemo://classes"
"""The table of classes of the checkpoint by default; that of another has its name after it."""
_LOOPBACK = ("127.0.0.1", "localhost", "[::1]")


class McpServer:
    """The server as an ASGI application; to be called while ``running``.

    Each request stands for itself: there are no sessions that could be too many. Calls go the way of those over HTTP,
    with the same line, deadlines and limits.
    """

    def __init__(self, endpoints: Endpoints, jobs: Jobs) -> None:
        require_mcp()
        from mcp.server import Server
        from mcp.server.streamable_http_manager import StreamableHTTPSessionManager

        self._jobs = jobs
        self._choices = endpoints.choices
        self._tools = tools(endpoints.works, endpoints.choices)
        server = Server(
            "segdemo",
            title="segdemo",
            version=__version__,
            instructions=INSTRUCTIONS,
            on_list_tools=self._list_tools,
            on_call_tool=self._call_tool,
            on_list_resources=self._list_resources,
            on_read_resource=self._read_resource,
        )
        self._make = functools.partial(
            StreamableHTTPSessionManager,
            app=server,
            stateless=True,
            security_settings=_security(),
            max_request_body_size=limit_of(Body.PICTURE, ""),
        )
        self._manager: Any = None

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Answer requests until this is left."""
        self._manager = self._make()
        async with self._manager.run():
            yield

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request; messages of the server's own are none, so nobody needs to listen for them."""
        if scope["method"] != "POST":
            sentence = "This is for clients of the Model Context Protocol, which send POST: see docs/api.md."
            await answer_json(send, 405, {"error": sentence, "detail": sentence}, {"allow": "POST"})
            return
        await self._manager.handle_request(scope, receive, send)

    async def _list_tools(self, _: Any, __: Any) -> Any:
        from mcp import types

        return types.ListToolsResult(
            tools=[
                types.Tool(
                    name=tool.name,
                    title=tool.title,
                    description=tool.description,
                    input_schema=tool.schema,
                    annotations=types.ToolAnnotations(read_only_hint=True, open_world_hint=settings().allow_urls),
                )
                for tool in self._tools.values()
            ]
        )

    async def _call_tool(self, context: Any, parameters: Any) -> Any:
        from mcp import types

        tool = self._tools.get(parameters.name)
        if tool is None:
            sentence = f"There is no tool {parameters.name[:40]}: there are {', '.join(self._tools)}."
            return types.CallToolResult(content=[types.TextContent(type="text", text=sentence)], is_error=True)
        try:
            said = await self._answer(tool, parameters.arguments or {}, context)
        except Exception as error:
            sentence = sentence_of(error, tool.name)
            return types.CallToolResult(content=[types.TextContent(type="text", text=sentence)], is_error=True)
        # The numbers as text, too: not every client hands a model what is structured.
        texts = (said.sentence, json.dumps({name: value for name, value in said.facts.items() if name != "sentence"}))
        content: list[Any] = [types.TextContent(type="text", text=text) for text in texts]
        if said.picture is not None:
            content.append(types.ImageContent(type="image", data=in_base64(said.picture), mime_type="image/jpeg"))
        return types.CallToolResult(content=content, structured_content=dict(said.facts))

    async def _answer(self, tool: Tool, given: Mapping[str, Any], context: Any) -> Any:
        steps = 0

        async def stays() -> bool:
            # A client that leaves cancels this.
            return False

        async def tell(message: Answer) -> None:
            nonlocal steps
            steps += 1
            await context.session.report_progress(steps, message=message["text"])

        base = str(context.request.base_url).rstrip("/")

        def address(path: str) -> str:
            return f"{base}/gradio_api/file={quote(path)}"

        return await self._jobs.answer(
            lambda job: tool.answer(job, given, address),
            visitor="",
            client=client_of_request(context.request),
            seconds=settings().run_deadline,
            gone=stays,
            told=tell,
        )

    async def _list_resources(self, _: Any, __: Any) -> Any:
        from mcp import types

        return types.ListResourcesResult(
            resources=[
                types.Resource(
                    uri=uri,
                    name="classes" if uri == CLASSES_URI else f"classes of {name}",
                    title=f"The classes that {name} can name",
                    description="Index, name, thing or stuff, and colour of each class, as JSON.",
                    mime_type="application/json",
                )
                for uri, name in self._tables().items()
            ]
        )

    async def _read_resource(self, _: Any, parameters: Any) -> Any:
        from mcp import MCPError, types

        uri = str(parameters.uri)
        name = self._tables().get(uri)
        if name is None:
            raise MCPError(
                types.INVALID_PARAMS, f"There is no resource {uri[:80]}: there is {', '.join(self._tables())}."
            )
        table = json.dumps(_classes(name, self._choices[name]), ensure_ascii=False)
        return types.ReadResourceResult(
            contents=[types.TextResourceContents(uri=uri, mime_type="application/json", text=table)]
        )

    def _tables(self) -> dict[str, str]:
        """The checkpoints by the addresses of their tables."""
        first, *others = self._choices
        return {CLASSES_URI: first, **{f"{CLASSES_URI}/{quote(name, safe='')}": name for name in others}}


def _classes(name: str, checkpoint: Checkpoint) -> dict[str, Any]:
    """The table of a checkpoint's classes as plain values."""
    taxonomy = taxonomy_for(labels(resolve(checkpoint.id)), stuff=checkpoint.stuff)
    return {
        "checkpoint": name,
        "taxonomy": taxonomy.name,
        "classes": [
            {
                "index": entry.index,
                "name": entry.name,
                "kind": "thing" if entry.isthing else "stuff",
                "color": list(entry.color),
            }
            for entry in taxonomy.classes
        ],
    }


def _security() -> Any:
    """By what names the server may be called: only the machine's own where only the machine itself can reach it.

    A page of another site whose name was made to point here (DNS rebinding) would call it by that name.
    """
    from mcp.server.transport_security import TransportSecuritySettings

    listens = os.environ.get("GRADIO_SERVER_NAME", "127.0.0.1").strip("[]")
    if trusted_proxies() or listens not in ("127.0.0.1", "localhost", "::1"):
        return TransportSecuritySettings(enable_dns_rebinding_protection=False)
    names = [*_LOOPBACK, *(f"{name}:*" for name in _LOOPBACK)]
    return TransportSecuritySettings(
        enable_dns_rebinding_protection=True,
        allowed_hosts=names,
        allowed_origins=[*(f"http://{name}" for name in names), *settings().allowed_origins],
    )
