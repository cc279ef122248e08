"""Values computed ahead by threads, in order, a bounded number at a time.

What is computed is the caller's business; it must depend on the item alone, for nobody says when it runs.
"""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

Item = TypeVar("Item")
Value = TypeVar("Value")

MAX_THREADS = 4


def prefetch(
    make: Callable[[Item], Value], items: Iterable[Item], *, ahead: int
) -> Iterator[tuple[Item, Value]]:
    """Yield each item with its value; at most ``ahead`` values exist that were not yielded yet.

    Args:
        make: called from several threads.
        items: in the order of the results.
        ahead: 0 computes each value when it is asked for.
    """
    if ahead == 0:
        for item in items:
            yield item, make(item)
        return
    waiting: deque[tuple[Item, Future[Value]]] = deque()
    rest = iter(items)
    with ThreadPoolExecutor(min(ahead, MAX_THREADS), thread_name_prefix="prefetch") as pool:
        try:
            for item in rest:
                waiting.append((item, pool.submit(make, item)))
                if len(waiting) == ahead:
                    break
            while waiting:
                item, future = waiting.popleft()
                value = future.result()
                following = next(rest, None)
                if following is not None:
                    waiting.append((following, pool.submit(make, following)))
                yield item, value
                del value, future
        finally:
            for _, future in waiting:
                future.cancel()
