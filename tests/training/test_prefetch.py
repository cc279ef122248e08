"""Values come in order, bounded in number, and errors where they belong."""

import threading

import pytest

from training.prefetch import prefetch


@pytest.mark.parametrize("ahead", [0, 1, 2, 7])
def test_values_come_in_the_order_of_the_items(ahead):
    assert list(prefetch(lambda i: i * i, range(10), ahead=ahead)) == [(i, i * i) for i in range(10)]


def test_never_more_than_ahead_values_wait():
    lock, made, taken = threading.Lock(), 0, 0
    most = 0

    def make(item: int) -> int:
        nonlocal made, most
        with lock:
            made += 1
            most = max(most, made - taken)
        return item

    for _ in prefetch(make, range(50), ahead=3):
        with lock:
            taken += 1
    assert made == 50
    assert most <= 4  # three that wait, and the one just handed over


def test_an_error_comes_when_its_item_is_due():
    def make(item: int) -> int:
        if item == 2:
            raise ValueError("item 2")
        return item

    got: list[int] = []
    with pytest.raises(ValueError, match="item 2"):
        got.extend(item for item, _ in prefetch(make, range(5), ahead=4))
    values = prefetch(make, range(5), ahead=4)
    assert [next(values)[0], next(values)[0]] == [0, 1]


def test_stopping_early_leaves_no_thread_behind():
    before = threading.active_count()
    for item, _ in prefetch(lambda i: i, range(1000), ahead=4):
        if item == 3:
            break
    assert threading.active_count() <= before
