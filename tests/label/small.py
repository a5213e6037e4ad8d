"""A small simulated corpus that the tests of sessions share."""

from __future__ import annotations

import sqlite3
from contextlib import closing

from seals_sim.indexes import ExactIndex
from seals_sim.label.corpus import Corpus
from seals_sim.label.options import SessionOptions
from tests.conftest import clustered

VECTORS, CLUSTER = clustered(400, 12, 10)
IS_POSITIVE = CLUSTER == 0
TEXTS = [f"text {row} of <b>cluster</b> {cluster}" for row, cluster in enumerate(CLUSTER)]


def encode(texts):
    """The second word of a text is a row: the text gets the vector of that row."""
    return VECTORS[[int(text.split()[1]) for text in texts]]


CORPUS = Corpus(VECTORS, ExactIndex(VECTORS), "fingerprint", TEXTS, encode)
OF_VERSION_5 = (  # turns a session file back into version 4
    "ALTER TABLE events DROP COLUMN concept",
    "ALTER TABLE seeds DROP COLUMN concept",
    "DROP TABLE notes",
    "DELETE FROM about WHERE name = 'concepts'",
)
PLAIN = SessionOptions(k=12, control_every=0, pool="seals", presumed=0)


def answer_by_cluster(session, n):
    """Ask for n rows and answer them by their cluster."""
    rows = [asked.row for asked in session.ask(n)]
    session.tell(rows, [int(IS_POSITIVE[row]) for row in rows])
    return rows


def forget_options(path, *names):
    """Make a session one that is older than these options."""
    with closing(sqlite3.connect(path)) as database, database:
        for name in names:
            database.execute("UPDATE about SET value = json_remove(value, ?) WHERE name = 'options'", (f"$.{name}",))
