"""Datasets: texts or vectors, and the concepts that each row belongs to."""

from seals_sim.datasets.dataset import Dataset
from seals_sim.datasets.goodreads import read_goodreads
from seals_sim.datasets.icd10cm import read_icd10cm
from seals_sim.datasets.table import read_text_table, read_texts
from seals_sim.datasets.vectors import read_vectors
from seals_sim.datasets.wordnet import read_wordnet

__all__ = ["Dataset", "read_goodreads", "read_icd10cm", "read_text_table", "read_texts", "read_vectors", "read_wordnet"]
