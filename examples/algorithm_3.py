"""Run Algorithm 3 on Example 1 of section 7.2, and compare it with the bound of Theorem 2.

Needs the extra `theory` and a checkout.
"""

from theory.bounds import compute_stated_bound_2
from theory.problems import make_example_1
from theory.runs import run_algorithm_3
from theory.sigma import enclose_sigma_2

problem = make_example_1(dim=6, gamma_over_delta=20)
trace = run_algorithm_3(problem)
gamma = float(problem.compute_gamma().max())
print(f"{trace.status} after {trace.states[-1].n_queries} queries")

comparisons = []
for epsilon in (1e-2, 1e-4, 1e-8, 1e-12):
    sigma = enclose_sigma_2(problem, epsilon).lower
    bound = compute_stated_bound_2(problem.dim, gamma, problem.delta, sigma, epsilon)
    needed = trace.count_queries_to_error(epsilon)
    comparisons.append((epsilon, needed, bound))
    print(f"error {epsilon:g}: {needed} queries, and Theorem 2 allows {bound:.0f}")

last = trace.states[-1]
print(f"the certificate bounds the error without knowing w_star: {last.error:.1e} <= {2**0.5 * last.certificate:.1e}")
