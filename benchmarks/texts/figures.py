"""What the rounds' measurements amount to."""

from collections.abc import Mapping, Sequence

from benchmarks.report import Figure

THIS, PEER, BOUND = "stream-app", "sentence-transformers", "bound by matrix products"
NEW, REPEATED = "news stage, every text new", "news stage, half repeated"
LEAST_SPEED_UP = 1.2
LEAST_SHARE = 0.9
LARGEST_DIFFERENCE = 1e-6


def figures(measured: Mapping[str, Sequence[float]], difference: float) -> list[Figure]:
    """The best rates and their ratios; `measured` are documents a second, `difference` the vectors' largest."""
    best = {name: max(rates) for name, rates in measured.items()}
    return [
        *(Figure(name, best[name], "/s", measured=rates) for name, rates in measured.items()),
        Figure(f"{THIS} / {PEER}", best[THIS] / best[PEER], "x", at_least=LEAST_SPEED_UP),
        Figure(f"{THIS} / {BOUND}", best[THIS] / best[BOUND], "%", at_least=LEAST_SHARE),
        Figure(f"{REPEATED} / {NEW.split(', ')[1]}", best[REPEATED] / best[NEW], "x"),
        Figure("largest difference of a vector's number", difference, "", at_most=LARGEST_DIFFERENCE),
    ]
