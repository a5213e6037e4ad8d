"""Labels to and from other programs: plain tables, Label Studio, Argilla."""

from seals_sim.label.exchange.argilla import build_argilla_records, read_argilla
from seals_sim.label.exchange.classifier import load_classifier, save_classifier
from seals_sim.label.exchange.imports import IMPORT_FORMATS, import_labels, read_labels
from seals_sim.label.exchange.label_file import read_label_file
from seals_sim.label.exchange.label_studio import LABEL_STUDIO_CONFIG, build_label_studio_tasks, read_label_studio
from seals_sim.label.exchange.reading import AnswerNames
from seals_sim.label.exchange.rows import GivenLabels
from seals_sim.label.exchange.session_file import SessionFile
from seals_sim.label.exchange.tables import TABLE_FORMATS, build_labels_table, build_scores_table, write_table

__all__ = [
    "IMPORT_FORMATS",
    "LABEL_STUDIO_CONFIG",
    "TABLE_FORMATS",
    "AnswerNames",
    "GivenLabels",
    "SessionFile",
    "build_argilla_records",
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
