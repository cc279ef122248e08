"""How loops are compiled: two decorators around numba, for kernels on one core and for those on all.

What the kernels compute stands in the modules that use them.
"""

import inspect
import os
import threading
from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar, cast

import numba

P = ParamSpec("P")
R = TypeVar("R")

# OpenMP first: asking for TBB would find, and warn about, the old copy that other libraries bring along.
if "NUMBA_THREADING_LAYER_PRIORITY" not in os.environ:
    numba.config.THREADING_LAYER_PRIORITY = ["omp", "workqueue", "tbb"]

# numba's fallback threading layer (workqueue, where neither TBB nor OpenMP is found) must not be entered
# by two threads, and two kernels at a time would not be faster on any layer.
_one_at_a_time = threading.Lock()


def serial_kernel(function: Callable[P, R]) -> Callable[P, R]:
    """Compile a loop for one core. The interpreter lock is released while it runs."""
    # unwrap: numba needs the plain function, also where jaxtyping's import hook has wrapped it
    compiled = numba.njit(cache=True, nogil=True, error_model="numpy")(inspect.unwrap(function))
    return cast("Callable[P, R]", compiled)


def parallel_kernel(function: Callable[P, R]) -> Callable[P, R]:
    """Compile a loop over ``numba.prange`` for all cores; callers in other threads wait their turn.

    A kernel must give each iteration outputs of its own, so that results do not depend on the number of
    threads. The compiled function may not be called from another kernel.
    """
    compiled = numba.njit(cache=True, nogil=True, parallel=True, error_model="numpy")(
        inspect.unwrap(function)
    )

    @wraps(function)
    def guarded(*args: P.args, **kwargs: P.kwargs) -> R:
        with _one_at_a_time:
            return cast("R", compiled(*args, **kwargs))

    return guarded
