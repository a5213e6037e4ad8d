"""Calls a language model over OpenAI's protocol, with OpenAI's client, which retries temporary failures."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from seals_sim.errors import UserError
from seals_sim.label.judge.address import OPENAI_KEY, OWN_KEY, find_key, require_host
from seals_sim.label.judge.names import name_judge
from seals_sim.label.judge.replies import FORM, build_messages, parse_reply
from seals_sim.label.loopback import is_loopback

if TYPE_CHECKING:
    from openai import AsyncOpenAI

_MAX_SHOWN = 160  # characters of a server's message
_NO_KEY = "none"  # the client requires a key; servers on this machine mostly do not
_GOES_ON = "rerun the same command to resume"


class RefusedTextError(Exception):
    """The server refuses a text, for example because it is too long for the model. Another text may be accepted."""


@dataclass(frozen=True)
class Judge:
    """A language model that says yes or no to texts.

    Attributes:
        url: Address of a server with OpenAI's protocol, up to /v1.
        model: The model's name on that server.
        instruction: Which texts to say yes to; if there are several concepts, an instruction by the name of each.
        n_retries: Retries of a call that the server postponed (429), failed on (5xx) or did not answer.
        timeout_seconds: Timeout of each attempt.

    Raises:
        UserError: If the address is invalid, or the package `openai` is missing.
    """

    url: str
    model: str
    instruction: str | Mapping[str, str]
    n_retries: int = 8
    timeout_seconds: float = 60.0

    def __post_init__(self) -> None:
        require_host(self.url)
        try:
            import openai  # noqa: F401
        except ImportError as error:
            problem = "requires a package that is not installed: pip install 'seals-sim[judge]'"
            raise UserError(problem, parameter="judge", value=self.url) from error

    @property
    def who(self) -> str:
        """The judge's name in a journal."""
        return name_judge(self.model)

    def find_instruction(self, concept: str) -> str | None:
        """The instruction for a concept; None if there is none."""
        return self.instruction if isinstance(self.instruction, str) else self.instruction.get(concept)

    @asynccontextmanager
    async def connect(self) -> AsyncIterator[Line]:
        """Open connections to the server, in the event loop that uses them."""
        from openai import AsyncOpenAI, DefaultAsyncHttpxClient

        host = require_host(self.url)
        # Follow no redirects to another server, and use no proxy for this machine.
        http = DefaultAsyncHttpxClient(follow_redirects=False, trust_env=not is_loopback(host))
        key = find_key(host, os.environ) or _NO_KEY
        async with AsyncOpenAI(
            base_url=self.url,
            api_key=key,
            max_retries=self.n_retries,
            timeout=self.timeout_seconds,
            http_client=http,
        ) as client:
            yield Line(self, client)

    async def check(self) -> None:
        """Check that the server can be reached and accepts the key, with a call that costs nothing.

        Raises:
            UserError: If it cannot, or does not.
        """
        import openai

        async with self.connect() as line:
            try:
                await line.client.with_options(max_retries=1, timeout=10.0).models.list()
            except (openai.AuthenticationError, openai.PermissionDeniedError, openai.APIConnectionError) as error:
                raise self.explain(error) from error
            except (openai.OpenAIError, ValueError, TypeError, AttributeError):
                return  # not all servers list their models; the first row shows what is wrong

    def explain(self, error: Exception) -> UserError:
        """What went wrong and what to do, when no more calls can be made."""
        import openai

        said, repeated = _quote(error), f"after {self.n_retries} retries"
        match error:
            case openai.AuthenticationError() | openai.PermissionDeniedError():
                problem = f"rejected the key ({said}); set {OWN_KEY}, or {OPENAI_KEY} for OpenAI's own server"
            case openai.NotFoundError():
                problem = f"was not found at {self.url} ({said}); check its name, and that the address ends in /v1"
                return UserError(problem, parameter="judge_model", value=self.model)
            case openai.APITimeoutError():
                problem = f"did not reply within {self.timeout_seconds:g} s {repeated}; {_GOES_ON}"
            case openai.APIConnectionError():
                problem = f"cannot be reached ({_quote(error.__cause__ or error)}); is it running?"
            case openai.RateLimitError():
                problem = f"accepts no more calls for now ({said}) {repeated}; {_GOES_ON}, with fewer concurrent calls"
            case _:
                problem = f"failed ({said}) {repeated}; {_GOES_ON}"
        return UserError(problem, parameter="judge", value=self.url)


class Line:
    """An open connection to a judge.

    Args:
        judge: The judge at the other end.
        client: A client of OpenAI's protocol.
    """

    def __init__(self, judge: Judge, client: AsyncOpenAI) -> None:
        self.client = client
        self._judge = judge
        self._form: dict[str, Any] = {"response_format": FORM, "temperature": 0}

    async def ask(self, text: str, instruction: str) -> int | None:
        """Whether the judge says yes (1) or no (0) to a text; None if it says something else.

        Args:
            text: The text to judge.
            instruction: Which texts to say yes to.

        Raises:
            RefusedTextError: If the server refuses this text.
            UserError: If it cannot be reached, accepts no calls, or has no such model.
        """
        import openai

        try:
            return await self._call(text, instruction)
        except (openai.BadRequestError, openai.UnprocessableEntityError) as error:
            raise RefusedTextError(_quote(error)) from error
        except openai.APIResponseValidationError:
            return None
        except openai.APIStatusError as error:
            if error.status_code == 413:
                raise RefusedTextError(_quote(error)) from error
            raise self._judge.explain(error) from error
        except openai.OpenAIError as error:
            raise self._judge.explain(error) from error

    async def _call(self, text: str, instruction: str) -> int | None:
        import openai

        messages: Any = build_messages(instruction, text)
        create: Any = self.client.chat.completions.create
        form = self._form
        try:
            reply = await create(model=self._judge.model, messages=messages, **form)
        except (openai.BadRequestError, openai.UnprocessableEntityError):
            if not form:
                raise
            # Some servers support no response format, and some models no temperature. A text that is itself at fault
            # is refused again.
            reply = await create(model=self._judge.model, messages=messages)
            self._form = {}
        except ValueError:  # the reply is declared as JSON, but is not
            return None
        try:
            return parse_reply(reply.choices[0].message.content)
        except (AttributeError, IndexError, TypeError):  # some other JSON, or an HTML page
            return None


def _quote(error: BaseException) -> str:
    """The server's message as one line, without control sequences that a terminal would obey."""
    body = getattr(error, "body", None)
    said = body.get("message") if isinstance(body, dict) else None
    status = getattr(error, "status_code", None)
    words = " ".join(str(said or error or type(error).__name__).split())
    shown = "".join(letter if letter.isprintable() else "?" for letter in words)[:_MAX_SHOWN]
    return shown if status is None or str(status) in shown else f"{status}: {shown}"
