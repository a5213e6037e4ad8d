"""Functions that tests run on workers, in a module with few imports."""

from __future__ import annotations

import os
import time
from pathlib import Path

import numpy as np

from seals_sim.errors import DamagedError


def add(shared, argument):
    return shared + argument


def wait_and_tell(seconds, argument):
    time.sleep(seconds)
    return os.getpid(), argument


def sum_row(array, row):
    return float(array[row].sum()), isinstance(array, np.memmap)


def damage(shared, argument):
    raise DamagedError(Path("x"), "is damaged", Path("y"))


class LetterCounts:
    """An encoder that takes no time: the count of each letter in a text."""

    dimensions = 26

    def encode(self, texts):
        letters = "abcdefghijklmnopqrstuvwxyz"
        return np.array([[text.count(letter) for letter in letters] for text in texts], dtype=np.float32)
