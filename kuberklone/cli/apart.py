"""Call a function in a forked process, so that what it opens never exists in the caller.

The supervisor of `up` must not own a database connection when it forks: SQLite drops a process's file locks when any
copy of them is closed. So it migrates in a process that ends before the first child starts.
"""

import os
import pickle
import sys
from collections.abc import Callable
from typing import TypeVar, cast

from kuberklone.errors import KuberkloneError

Value = TypeVar("Value")


def call(function: Callable[[], Value]) -> Value:
    """The function's value, or the KuberkloneError it raised."""
    sys.stdout.flush()
    sys.stderr.flush()
    read_end, write_end = os.pipe()
    pid = os.fork()
    if pid == 0:
        _answer(function, write_end)
    os.close(write_end)
    with os.fdopen(read_end, "rb") as pipe:
        answer = pipe.read()
    os.waitpid(pid, 0)
    if not answer:
        raise KuberkloneError("a helper process of `kuberklone up` was killed; run the command again.")
    # Written by our own child a moment ago.
    value, failure = pickle.loads(answer)
    if failure is not None:
        raise cast(KuberkloneError, failure)
    return cast(Value, value)


def _answer(function: Callable[[], object], write_end: int) -> None:
    value: object = None
    failure: KuberkloneError | None = None
    try:
        value = function()
    except KuberkloneError as error:
        failure = error
    except BaseException as error:  # noqa: BLE001 - the outermost boundary of a process: nothing may unwind further
        failure = KuberkloneError(f"{type(error).__name__}: {error}")
    with os.fdopen(write_end, "wb") as pipe:
        pipe.write(pickle.dumps((value, failure)))
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)
