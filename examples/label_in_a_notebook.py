"""Label without the page, for example in a notebook: ask for rows, answer them, stop, and resume."""

from pathlib import Path

from seals_sim.datasets import read_icd10cm
from seals_sim.label.corpus import build_corpus
from seals_sim.label.options import SessionOptions
from seals_sim.label.session import Session

texts = read_icd10cm().texts[:2000]  # yours: seals_sim.datasets.read_texts("reviews.csv", "body")[0]
corpus = build_corpus(texts, "exact", Path("cache"), model="wordllama")
path, options = Path("tuberculosis.seals"), SessionOptions(k=20)

with Session.begin(path, corpus, positives=["tuberculosis of the spine"], options=options) as session:
    for _ in range(20):
        for asked in session.ask(1):
            answer = int("tubercul" in asked.text.lower())  # by hand: int(input(asked.text))
            session.tell([asked.row], [answer])  # 1, 0, or None to skip; saved to disk when this returns

with Session.open(path, corpus) as session:  # later, with the same texts
    status = session.status()
    print(f"{status.n_positive} positives in {status.n_answered} answers; at most {status.remaining.high} remain")
    print(session.ask(1)[0].text)
