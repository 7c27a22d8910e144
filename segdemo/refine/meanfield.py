"""Mean-field inference in a fully connected CRF with Potts compatibility.

Krähenbühl and Koltun, "Efficient inference in fully connected CRFs with Gaussian edge potentials" (NIPS 2011),
algorithm 1.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import numpy.typing as npt

from segdemo.progress import Progress, rest_point
from segdemo.refine.kernels import Float, Kernel
from segdemo.threads import in_threads, shares, spans

_SAFE_EXPONENT = 75.0
_ROWS = 8_192


@dataclass(frozen=True)
class Term:
    """One pairwise potential: a normalised kernel, the weight of its Potts compatibility, and its largest row sum."""

    kernel: Kernel
    compat: float
    reach: float


def report(progress: Progress | None, share: float) -> None:
    """Say that ``share`` of the work is done; the work may be stopped here."""
    rest_point()
    if progress is not None:
        progress(share)


def labels_that_matter(ratios: Float, bound: float, iterations: int, negligible: float) -> npt.NDArray[np.bool_]:
    """Which labels can matter: those whose marginal may exceed ``negligible`` somewhere in some iteration.

    ``ratios`` (L,): the most that a label's probability reaches, at any point, relative to the point's best label.
    ``bound``: the most that messages add to a log-probability where every point holds the label: the kernels' sum of
    compat times reach. As messages are linear in the label's marginals and never negative, a marginal of at most q
    everywhere becomes at most r exp(bound q) / (1 + r exp(bound q)), r being the label's ratio: a label for which that
    stays under ``negligible`` < 1/2 can win nowhere.
    """
    highest = ratios / (1 + ratios)
    matters = highest > negligible
    for _ in range(iterations):
        odds = ratios * np.exp(np.minimum(bound * highest, 80))
        highest = odds / (1 + odds)
        matters |= highest > negligible
    return matters


def messages(probabilities: Float, terms: Sequence[Term], iterations: int, progress: Progress | None) -> Float:
    """What the last of ``iterations`` >= 1 adds to the log-probabilities: float32 (n, L).

    ``probabilities``: float32 (n, L), rows summing to 1: the unary potentials' exponentials and the first marginals.
    """
    bound = sum(term.compat * term.reach for term in terms)
    parts = shares(len(probabilities))
    numbers = range(len(parts))
    final = np.empty_like(probabilities)

    def spread(part: int, marginals: Float) -> list[Float]:
        return [term.kernel.spread(part, marginals) for term in terms]

    def receive(part: int, gathered: Sequence[Float]) -> Float:
        total = term_message(terms[0], part, gathered[0])
        for term, values in zip(terms[1:], gathered[1:], strict=True):
            total += term_message(term, part, values)
        return total

    def term_message(term: Term, part: int, values: Float) -> Float:
        message = term.kernel.receive(part, values)
        message *= np.float32(term.compat)
        return message

    def update(part: int, gathered: Sequence[Float]) -> list[Float]:
        marginals = receive(part, gathered)
        apply_messages(marginals, probabilities[parts[part]], bound)
        return spread(part, marginals)

    def finish(part: int, gathered: Sequence[Float]) -> None:
        final[parts[part]] = receive(part, gathered)

    given = in_threads(lambda part: spread(part, probabilities[parts[part]]), numbers)
    for iteration in range(iterations):
        report(progress, iteration / iterations)
        by_term = [(term, [pieces[i] for pieces in given]) for i, term in enumerate(terms)]
        gathered = in_threads(lambda pair: pair[0].kernel.gather(pair[1]), by_term)
        if iteration < iterations - 1:
            given = in_threads(partial(update, gathered=gathered), numbers)
        else:
            in_threads(partial(finish, gathered=gathered), numbers)
    return final


def apply_messages(values: Float, probabilities: Float, bound: float) -> None:
    """Turn messages (n, L) into marginals in place: probabilities times their exponential, rows scaled to sum to 1."""
    for rows in spans(len(values), _ROWS):
        block = values[rows]
        if bound > _SAFE_EXPONENT:
            block -= block.max(axis=1, keepdims=True)
        np.exp(block, out=block)
        block *= probabilities[rows]
        # Not a matrix product: BLAS threads started from several threads wait for each other.
        block *= (1 / np.einsum("ij->i", block))[:, None]
