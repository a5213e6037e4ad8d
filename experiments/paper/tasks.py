"""List the work that the studies need, each piece once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from experiments.paper.studies import Plan, Study
from seals_sim.replay.runs import FullSupervision, Latent, LoopRun, Task


def list_tasks(
    plan: Plan,
    chosen: Iterable[Study],
    latent_ks: Mapping[str, tuple[int, ...]],
    n_positives: Mapping[str, int],
    n_side_concepts: int,
    is_trained_on_all: bool = True,
) -> list[Task]:
    """List the work that these studies need.

    A method is skipped for a concept that has no more positives than the method has positive seeds.

    Args:
        plan: What to compare.
        chosen: The studies.
        latent_ks: The values of k at which to measure structure, by embedding.
        n_positives: The number of positives in the pool by concept, in the order in which concepts are chosen.
        n_side_concepts: How many concepts to use for a study that does not run on all of them.
        is_trained_on_all: Whether to include full supervision.

    Returns:
        The tasks, each once, in the order of the studies.
    """
    todo: dict[Task, None] = {}
    concepts = list(n_positives)
    for study in chosen:
        in_study = concepts if study.on_all_concepts else concepts[:n_side_concepts]
        learners = dict.fromkeys((method.embedding, method.regularization) for method in study.methods)
        if is_trained_on_all and study.has_ceiling:
            todo.update(dict.fromkeys(FullSupervision(*names, concept) for concept in in_study for names in learners))
        todo.update(
            dict.fromkeys(
                LoopRun(method, concept, repeat)
                for concept in in_study
                for repeat in range(plan.protocol.repeats)
                for method in study.methods
                if n_positives[concept] > method.seed_positives
            )
        )
    todo.update(dict.fromkeys(Latent(name, ks, concept) for name, ks in latent_ks.items() for concept in concepts))
    return list(todo)
