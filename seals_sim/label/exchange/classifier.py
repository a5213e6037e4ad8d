"""A trained classifier as a folder: arrays as safetensors, everything else as JSON, and no pickle."""

from __future__ import annotations

import hashlib
import warnings
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field
from safetensors import SafetensorError
from safetensors.numpy import load, save
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline

from seals_sim.disk.files import replacing, write_text
from seals_sim.disk.reading import read_content, read_json
from seals_sim.embed.joined import open_encoder
from seals_sim.embed.vectorizer import TextVectorizer, keep_encoder
from seals_sim.errors import UserError
from seals_sim.label.exchange.chunk_classifier import ChunkClassifier
from seals_sim.label.journal_rows import KeptSpace
from seals_sim.search.learners import LinearModel
from seals_sim.vectors.whitening import Whitening

CONFIG, ARRAYS = "config.json", "model.safetensors"


class ClassifierConfig(BaseModel):
    """The contents of `config.json` of a saved classifier.

    Attributes:
        format: Marks it as a classifier, and tells whether it reads texts in chunks.
        model: The embedding model, by name or folder.
        model_digest: Digest of the model's files.
        regularization: scikit-learn's C.
        n_positive: Positive examples that it was trained on.
        n_negative: Negative examples that it was trained on.
        arrays_sha256: SHA-256 of the file of arrays.
    """

    model_config = ConfigDict(strict=True)

    format: Literal["seals-sim classifier 1", "seals-sim chunk classifier 1"] = "seals-sim classifier 1"
    model: Annotated[str, Field(min_length=1)]
    model_digest: str
    regularization: Annotated[float, Field(gt=0)]
    n_positive: int
    n_negative: int
    arrays_sha256: str


def build_pipeline(space: KeptSpace, model: LinearModel, regularization: float, is_chunked: bool = False) -> Pipeline:
    """Combine the space that a model was trained in with the model.

    Args:
        space: How texts become vectors.
        model: A model of these vectors.
        regularization: scikit-learn's C.
        is_chunked: Whether long texts are read in chunks.

    Returns:
        A fitted `TextVectorizer` and `LogisticRegression`, or a `ChunkClassifier`: it takes texts, and its classes are
        0 and 1.
    """
    if is_chunked:
        return make_pipeline(ChunkClassifier(space.model, regularization).put(model, np.array([0, 1])))
    vectorizer = TextVectorizer(space.model, 0 if space.whitening is None else space.whitening.directions.shape[1])
    whitening = space.whitening
    vectorizer.mean_ = None if whitening is None else whitening.mean
    vectorizer.directions_ = None if whitening is None else whitening.directions
    classifier = LogisticRegression(C=regularization, max_iter=1000)
    classifier.classes_ = np.array([0, 1])
    classifier.coef_ = model.weights[None].astype(np.float64)
    classifier.intercept_ = np.array([model.bias])
    classifier.n_features_in_ = len(model.weights)
    classifier.n_iter_ = np.array([0], dtype=np.int32)
    return make_pipeline(vectorizer, classifier)


def save_classifier(pipeline: Pipeline, folder: Path, model_digest: str, n_positive: int, n_negative: int) -> None:
    """Write a classifier into a folder, for `load_classifier`.

    Args:
        pipeline: The result of `build_pipeline`.
        folder: Created if it does not exist; an earlier classifier in it is replaced.
        model_digest: Digest of the embedding model's files.
        n_positive: Positive examples that it was trained on.
        n_negative: Negative examples that it was trained on.

    Raises:
        UserError: If it cannot be written, or the folder contains something else.
    """
    if folder.is_dir() and any(path.name not in (CONFIG, ARRAYS) for path in folder.iterdir()):
        raise UserError("holds other files; name a new folder", parameter="out", value=str(folder))
    first, classifier = pipeline[0], pipeline[-1]
    is_chunked = isinstance(classifier, ChunkClassifier)
    arrays = {"weights": classifier.coef_[0].astype(np.float32), "bias": classifier.intercept_.astype(np.float64)}
    if not is_chunked and first.mean_ is not None:
        arrays |= {"mean": first.mean_, "directions": np.ascontiguousarray(first.directions_)}
    content = save(arrays)
    config = ClassifierConfig(
        format="seals-sim chunk classifier 1" if is_chunked else "seals-sim classifier 1",
        model=first.model,
        model_digest=model_digest,
        regularization=classifier.C,
        n_positive=n_positive,
        n_negative=n_negative,
        arrays_sha256=hashlib.sha256(content).hexdigest(),
    )
    with replacing(folder / ARRAYS) as temporary:
        temporary.write_bytes(content)
    write_text(folder / CONFIG, config.model_dump_json(indent=2) + "\n")


def load_classifier(folder: Path | str) -> Pipeline:
    """Load a classifier saved by `seals model`: a scikit-learn pipeline that takes texts.

    `predict_proba` gives the score that a session shows, which ranks texts and is not a calibrated probability.

    Args:
        folder: Folder of the classifier.

    Returns:
        A fitted `TextVectorizer` and `LogisticRegression`; for a session with chunks, only a `ChunkClassifier`.

    Raises:
        UserError: If it is missing or damaged, or its embedding model is not available.
    """
    folder = Path(folder)
    config: ClassifierConfig = read_json(folder / CONFIG, ClassifierConfig)
    content = read_content(folder / ARRAYS)
    if hashlib.sha256(content).hexdigest() != config.arrays_sha256:
        raise UserError(f"{folder / ARRAYS}: does not match {CONFIG}; save the classifier again")
    try:
        arrays = load(content)
        model = LinearModel(arrays["weights"], float(arrays["bias"][0]))
        whitening = _read_whitening(arrays, len(model.weights))
    except (SafetensorError, KeyError, IndexError, ValueError, TypeError) as error:
        raise UserError(f"{folder / ARRAYS}: is not a classifier ({error})") from error
    is_chunked = config.format == "seals-sim chunk classifier 1"
    if is_chunked:
        keep_encoder(config.model).count_own_tokens()  # raises an error for a model that cannot cut texts
    if open_encoder(config.model).digest != config.model_digest:
        warnings.warn(f"the files of the model {config.model} are not those it was trained with", stacklevel=2)
    space = KeptSpace(config.model, config.model_digest, whitening)
    return build_pipeline(space, model, config.regularization, is_chunked)


def _read_whitening(arrays: dict[str, NDArray[Any]], d: int) -> Whitening | None:
    if "mean" not in arrays:
        return None
    mean, directions = arrays["mean"], arrays["directions"]
    if directions.shape != (len(mean), d) or not all(np.isfinite(array).all() for array in arrays.values()):
        raise ValueError("its arrays do not fit together")
    return Whitening(mean, directions)
