"""A server on loopback that speaks as much of OpenAI's protocol as a judge needs, and fails on demand."""

from __future__ import annotations

import json
import re
import socket
import threading
import time
from collections import Counter
from collections.abc import Callable

import uvicorn
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, PlainTextResponse

KEY, MODEL = "the-key", "small-model"
YES, NO = '{"answer": "yes"}', '{"answer": "no"}'


class JudgeServer:
    """Answers with `reply(text)`, which returns the text of a reply or a whole response. Use it in a `with`.

    Attributes:
        calls: How often each text was sent.
        requests: The bodies of all calls.
        most: The largest number of concurrent calls.
    """

    def __init__(self, reply: Callable[[str], object], port: int = 0, seconds: float = 0.0, key: str | None = None):
        self.reply, self.seconds, self.key = reply, seconds, key
        self.calls: Counter[str] = Counter()
        self.requests: list[dict] = []
        self.most = self._n_busy = 0
        self._lock = threading.Lock()
        app = FastAPI()
        app.add_api_route("/v1/models", self._list_models, methods=["GET"], response_model=None)
        app.add_api_route("/v1/chat/completions", self._complete, methods=["POST"], response_model=None)
        self._socket = socket.socket()
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._socket.bind(("127.0.0.1", port))
        self.port = self._socket.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}/v1"
        config = uvicorn.Config(app, log_level="error", lifespan="off", ws="none", loop="asyncio", http="h11")
        self._server = uvicorn.Server(config)
        self._server.install_signal_handlers = lambda: None
        self._thread = threading.Thread(target=self._server.run, kwargs={"sockets": [self._socket]}, daemon=True)

    def __enter__(self) -> JudgeServer:
        self._thread.start()
        while not self._server.started:
            time.sleep(0.01)
        return self

    def __exit__(self, *unused) -> None:
        self._server.should_exit = True
        self._server.force_exit = True
        self._thread.join(5)
        self._socket.close()

    def _refuse_key(self, request: Request):
        if self.key is None or request.headers.get("authorization") == f"Bearer {self.key}":
            return None
        return fail(401, "Incorrect API key provided")

    def _list_models(self, request: Request):
        return self._refuse_key(request) or {"object": "list", "data": [{"id": MODEL, "object": "model"}]}

    async def _complete(self, request: Request):
        body = json.loads(await request.body())
        import asyncio

        text = body["messages"][-1]["content"]
        with self._lock:
            self.calls[text] += 1
            self.requests.append(body)
            self._n_busy += 1
            self.most = max(self.most, self._n_busy)
        try:
            await asyncio.sleep(self.seconds)
            if (refused := self._refuse_key(request)) is not None:
                return refused
            if body["model"] != MODEL:
                return fail(404, f"The model {body['model']} does not exist")
            reply = self.reply(text)
            return complete(reply) if isinstance(reply, str) or reply is None else reply
        finally:
            with self._lock:
                self._n_busy -= 1


def complete(words: str | None) -> dict:
    """A completion with this text."""
    message = {"role": "assistant", "content": words}
    choice = {"index": 0, "message": message, "finish_reason": "stop", "logprobs": None}
    return {"id": "1", "object": "chat.completion", "created": 1, "model": MODEL, "choices": [choice]}


def fail(status: int, words: str, **headers: str) -> JSONResponse:
    """An error as such servers send it. `retry_after` becomes Retry-After."""
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    return JSONResponse({"error": {"message": words, "code": None}}, status, headers=sent)


def page(words: str) -> PlainTextResponse:
    """The response of a proxy that knows nothing of the protocol."""
    return PlainTextResponse(words, media_type="text/html")


def number(text: str) -> int:
    """The first number in a text."""
    return int(re.search(r"\d+", text)[0])
