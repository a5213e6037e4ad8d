"""Read the labels of a session, and the model's scores for all rows, into pandas."""

from pathlib import Path

from seals_sim.datasets import read_icd10cm
from seals_sim.label.corpus import build_corpus
from seals_sim.label.exchange import build_labels_table, build_scores_table
from seals_sim.label.session import Session

texts = read_icd10cm().texts[:500]
corpus = build_corpus(texts, "exact", Path("cache"), model="wordllama")
path = Path("codes.seals")
if not path.exists():
    with Session.begin(path, corpus, positives=["cholera"]) as session:
        rows = [asked.row for asked in session.ask(12)]
        session.tell(rows, [int("cholera" in texts[row].lower()) for row in rows])

with Session.open(path, corpus) as session:
    labels = build_labels_table(session)  # row, text, answer, is_control
    scores = build_scores_table(session)  # row, text, score, answer
print(labels)
print(scores.nlargest(5, "score"))
