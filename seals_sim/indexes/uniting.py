"""Unites the lists of neighbors that rows found with those of the rows that found them."""

from __future__ import annotations

from typing import Any, cast

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array, csr_array

from seals_sim.runtime import import_torch
from seals_sim.types import Rows, StoredVectors, Vectors
from seals_sim.vectors.scan import iterate_blocks

_READ = 4_096  # lists read at a time
_PICKED = 2_048  # rows whose best neighbors are picked at a time
_KEY_BITS = 32  # bits of a row
ABOVE_ALL, _ABOVE_ZERO = np.float32(8), np.float32(2)  # similarities


def unite_block(shared: tuple[NDArray[np.int32], Rows, int], part: tuple[int, int]) -> NDArray[np.int32]:
    """(m, k): for each row of a part, the nearest of the rows it found and that found it, padded with -1."""
    torch = import_torch()
    lists, order, k = shared
    n, (start, end) = len(order), part
    place = np.empty(n, dtype=np.int64)
    place[order] = np.arange(n)
    all_found, all_near = _split(lists[:, :, :k])
    own, near = all_found[place[start:end]], all_near[place[start:end]]
    least = torch.from_numpy(np.where(own[:, -1] < 0, -ABOVE_ALL, near[:, -1]))
    offers: list[tuple[Any, Any, Any]] = []
    for first, block in iterate_blocks(cast(StoredVectors, lists), _READ):
        found, similarity = (torch.from_numpy(one.ravel()) for one in _split(cast(NDArray[np.int32], block)))
        whose = found - start
        is_here = (whose >= 0) & (whose < end - start)
        is_nearer = is_here & (similarity > least.index_select(0, torch.where(is_here, whose, 0)))
        offered = is_nearer.nonzero()[:, 0]
        of = torch.from_numpy(order[first : first + len(block)].astype(np.int32))
        asked = torch.div(offered, block.shape[2], rounding_mode="floor")
        offers.append((whose[offered], of[asked], similarity[offered]))
    hears, of, how_near = (torch.cat(one).numpy() for one in zip(*offers, strict=True))
    # by the row that is offered; without the offset a sparse array would drop zeros
    heard = coo_array((how_near + _ABOVE_ZERO, (hears, of)), shape=(end - start, n))
    heard.has_canonical_format = True  # no row is offered twice: nothing to add up
    return _pick_nearest(own, near + _ABOVE_ZERO, heard.tocsr(), k)


def _split(block: NDArray[np.int32]) -> tuple[NDArray[np.int32], Vectors]:
    """Rows and similarities, without copying."""
    return block[:, 0], block[:, 1].view(np.float32)


def _pick_nearest(own: NDArray[np.int32], near: Vectors, heard: csr_array, k: int) -> NDArray[np.int32]:
    """(m, k): the nearest of `own` (m, j), with similarities `near` (m, j), and `heard` (m, n), nearest first."""
    torch = import_torch()
    lengths = np.diff(heard.indptr)
    by_length = np.argsort(lengths, kind="stable")  # a block is as wide as the longest of its lists
    picked = np.empty((len(own), k), dtype=np.int32)
    for start in range(0, len(own), _PICKED):
        block = by_length[start : start + _PICKED]
        length, offered = lengths[block], heard[block]
        is_there = np.arange(length[-1]) < length[:, None]
        rows, nearness = np.full(is_there.shape, -1, dtype=np.int32), np.zeros(is_there.shape, dtype=np.float32)
        rows[is_there], nearness[is_there] = offered.indices, offered.data
        both, order = torch.sort(torch.from_numpy(np.hstack([own[block], rows])), dim=1)
        nearness = torch.from_numpy(np.hstack([near[block], nearness])).gather(1, order)
        keys = (nearness.view(torch.int32).long() << _KEY_BITS) - both  # ties go to the lowest row
        keys[:, 1:][both[:, 1:] == both[:, :-1]] = 0  # found from both ends
        keys[both < 0] = 0
        best = torch.topk(keys, k).values
        picked[block] = (-best & (2**_KEY_BITS - 1)).masked_fill(best == 0, -1).numpy()
    return picked
