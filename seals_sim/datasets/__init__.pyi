from .dataset import Dataset
from .goodreads import read_goodreads
from .icd10cm import read_icd10cm
from .table import read_text_table, read_texts
from .vectors import read_vectors
from .wordnet import read_wordnet

__all__ = ["Dataset", "read_goodreads", "read_icd10cm", "read_text_table", "read_texts", "read_vectors", "read_wordnet"]
