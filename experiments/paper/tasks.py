"""What the studies of the report need, each piece of work once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from experiments.paper.studies import Plan, Study
from seals_sim.replay.runs import FullSupervision, Latent, LoopRun, Task


def tasks(
    plan: Plan,
    chosen: Iterable[Study],
    latent_ks: Mapping[str, tuple[int, ...]],
    n_positives: Mapping[str, int],
    n_side_concepts: int,
    is_trained_on_all: bool = True,
) -> list[Task]:
    """All that these studies need, each piece once.

    latent_ks: embedding -> the k at which structure is measured; n_positives: concept -> positives in the pool, in the
    order in which concepts are taken; is_trained_on_all: whether full supervision is among them. A method that starts
    from as many positives as a concept has is passed over.
    """
    found: dict[Task, None] = {}
    concepts = list(n_positives)
    for study in chosen:
        in_study = concepts if study.on_all_concepts else concepts[:n_side_concepts]
        learners = dict.fromkeys((method.embedding, method.regularization) for method in study.methods)
        if is_trained_on_all:
            found.update(dict.fromkeys(FullSupervision(*names, concept) for concept in in_study for names in learners))
        found.update(
            dict.fromkeys(
                LoopRun(method, concept, repeat)
                for concept in in_study
                for repeat in range(plan.options.repeats)
                for method in study.methods
                if n_positives[concept] > method.seed_positives
            )
        )
    found.update(dict.fromkeys(Latent(name, ks, concept) for name, ks in latent_ks.items() for concept in concepts))
    return list(found)
