"""The options of a judge."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field
from pydantic.dataclasses import dataclass

from seals_sim.errors import UserError
from seals_sim.label.journal_contents import MAX_NAME
from seals_sim.label.judge.names import PREFIX
from seals_sim.options import CHECKED, PositiveInt

MAX_PARALLEL = 64
MAX_MODEL_NAME = MAX_NAME - len(PREFIX)
_WITH_JUDGE = ("judge_model", "instruction", "judge_budget", "judge_parallel", "no_page")


@dataclass(frozen=True, kw_only=True, config=CHECKED)
class JudgeOptions:
    """A language model that answers rows."""

    judge: str | None = None
    """Address of a server that speaks OpenAI's protocol, such as https://api.openai.com/v1. A language model there
    answers rows, and you check a tenth of its answers. Requires the extra [judge]; the key is read from SEALS_JUDGE_KEY
    or, for OpenAI's own server, OPENAI_API_KEY."""
    judge_model: Annotated[str, Field(min_length=1)] | None = None
    """Name of the model on that server."""
    instruction: tuple[str, ...] = ()
    """What to tell the model: which texts to answer with yes. With several concepts: NAME=TEXT, once for each."""
    judge_budget: PositiveInt = 2000
    """Total calls over the whole session and all concepts; one per row, two if a reply was neither yes nor no."""
    judge_parallel: Annotated[int, Field(ge=1, le=MAX_PARALLEL)] = 4
    """Concurrent calls."""
    no_page: bool = False
    """Serve no page; end when the budget is spent."""

    def __post_init__(self) -> None:
        if self.judge is None:
            defaults = type(self).__dataclass_fields__
            for name in _WITH_JUDGE:
                if getattr(self, name) != defaults[name].default:
                    given = getattr(self, name)
                    shown = given[0] if isinstance(given, tuple) else given
                    raise UserError("requires judge", parameter=name, value=shown)
            return
        for needed, given in (("judge_model", [self.judge_model or ""]), ("instruction", self.instruction)):
            if not any(words.strip() for words in given):
                raise UserError(f"requires {needed}", parameter="judge", value=self.judge)
        assert self.judge_model is not None
        if len(self.judge_model) > MAX_MODEL_NAME or not self.judge_model.isprintable():
            problem = f"must have at most {MAX_MODEL_NAME} characters, and no control characters"
            raise UserError(problem, parameter="judge_model", value=f"{self.judge_model!a:.40}")
