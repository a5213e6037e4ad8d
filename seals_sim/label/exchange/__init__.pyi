from .argilla import build_argilla_records, read_argilla
from .classifier import load_classifier, save_classifier
from .imports import IMPORT_FORMATS, import_labels, read_labels
from .label_file import read_label_file
from .label_studio import LABEL_STUDIO_CONFIG, build_label_studio_tasks, read_label_studio
from .reading import AnswerNames
from .rows import GivenLabels
from .session_file import SessionFile
from .tables import TABLE_FORMATS, build_concepts_table, build_labels_table, build_scores_table, write_table

__all__ = [
    "IMPORT_FORMATS",
    "LABEL_STUDIO_CONFIG",
    "TABLE_FORMATS",
    "AnswerNames",
    "GivenLabels",
    "SessionFile",
    "build_argilla_records",
    "build_concepts_table",
    "build_label_studio_tasks",
    "build_labels_table",
    "build_scores_table",
    "import_labels",
    "load_classifier",
    "read_argilla",
    "read_label_file",
    "read_label_studio",
    "read_labels",
    "save_classifier",
    "write_table",
]
