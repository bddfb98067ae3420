"""Which open items sum to an amount: the one combination, or the knowledge that there are several."""

from collections.abc import Sequence

from o2c_twin.integration.model import OpenItem

# Among more items, or in longer sums, one that fits is more likely chance than meaning; it bounds the cost too.
_MOST_ITEMS = 15
_MOST_IN_SUM = 6


def sums_to(amount_minor: int, items: Sequence[OpenItem], fewest: int = 1) -> list[tuple[OpenItem, ...]]:
    """The first two combinations of ``items`` (credits are negative) that sum to ``amount_minor``.

    One found means it is the only one among sums of at most six items; of more than fifteen items none
    is looked for. Source: domain sheet 3.5, rule 6: if two combinations fit, do not post.
    """
    if len(items) > _MOST_ITEMS:
        return []
    order = sorted(items, key=lambda i: -abs(i.open_minor))
    # The most and the least that items from here on can still add.
    most, least = [0], [0]
    for item in reversed(order):
        most.append(most[-1] + max(item.open_minor, 0))
        least.append(least[-1] + min(item.open_minor, 0))
    most.reverse()
    least.reverse()
    found: list[tuple[OpenItem, ...]] = []

    def search(start: int, left: int, taken: tuple[OpenItem, ...]) -> None:
        if left == 0 and len(taken) >= fewest:
            found.append(taken)
        if len(taken) == _MOST_IN_SUM:
            return
        for n in range(start, len(order)):
            if len(found) > 1 or not least[n] <= left <= most[n]:
                return
            search(n + 1, left - order[n].open_minor, (*taken, order[n]))

    search(0, amount_minor, ())
    return found[:2]
