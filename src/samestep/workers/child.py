"""The other end of a worker: ``python -m samestep.workers.child [BACKEND ...]``.

Requests come on standard input and are answered on standard output, one after the other. When
standard input closes, the parent has gone and so does this process, even in the middle of a task.
"""

from __future__ import annotations

import json
import os
import pickle
import queue
import sys
import threading
import traceback
from importlib.metadata import version
from typing import IO, TYPE_CHECKING, Any

from samestep.errors import SamestepError, one_line
from samestep.workers.messages import read_message, write_message
from samestep.workers.surroundings import prepare

if TYPE_CHECKING:
    from samestep.workers.sharing import Borrower

__all__ = ["main"]

_OWN = ("builtins", "samestep")
"""Top-level packages whose exceptions every parent can build; it must import no framework."""


def main(arguments: list[str]) -> None:
    """Say hello, then answer requests until there are no more."""
    requests, answers = _take_standard_streams()
    for backend in arguments:
        prepare(backend)
    hello = {"python": "{}.{}".format(*sys.version_info), "samestep": version("samestep")}
    write_message(answers, json.dumps(hello).encode())
    path = read_message(requests)
    if path is None:
        return
    sys.path[:0] = [folder for folder in json.loads(path) if folder not in sys.path]
    waiting: queue.SimpleQueue[bytes] = queue.SimpleQueue()
    threading.Thread(target=_listen, args=(requests, waiting), daemon=True).start()
    request = waiting.get()
    from samestep.workers.sharing import Borrower  # after the environment is set

    borrower = Borrower()
    while True:
        write_message(answers, _answer(borrower, request))
        request = waiting.get()


def _take_standard_streams() -> tuple[IO[bytes], IO[bytes]]:
    """Keep the two pipes for messages; what anybody prints goes to standard error."""
    requests, answers = os.dup(0), os.dup(1)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    os.dup2(2, 1)
    return open(requests, "rb"), open(answers, "wb")


def _listen(requests: IO[bytes], waiting: queue.SimpleQueue[bytes]) -> None:
    """Read in a thread of its own, so that the parent's end is noticed during a task."""
    while (request := read_message(requests)) is not None:
        waiting.put(request)
    os._exit(0)


def _answer(borrower: Borrower, request: bytes) -> bytes:
    try:
        work, args, kwargs = borrower.unpack(request)
        return borrower.pack((work(*args, **kwargs), None))
    except BaseException as error:  # noqa: BLE001  # also SystemExit: it is the task's, not ours
        return _failure(error)


def _failure(error: BaseException) -> bytes:
    """Pickle an exception so that a parent without any framework can build it."""
    where = "".join(traceback.format_exception(error))
    plain: Any = error
    if type(error).__module__.partition(".")[0] not in _OWN or isinstance(error, SystemExit):
        plain = SamestepError(one_line(error))
    try:
        packed = pickle.dumps((plain, where))
        pickle.loads(packed)
    except Exception:  # noqa: BLE001  # an exception may hold anything
        packed = pickle.dumps((SamestepError(one_line(error)), where))
    return packed


if __name__ == "__main__":
    main(sys.argv[1:])
