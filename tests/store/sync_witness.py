"""Sees every sync that SQLite orders, by standing between SQLite and its operating system layer (its VFS).

Needs no tool of the machine: the library that Python's own module uses is found through that module, the default VFS
is asked to open files as always, and the method `xSync` of every file it opens is replaced by one that tells.
Structures and names: sqlite.org/c3ref/vfs.html and sqlite.org/c3ref/io_methods.html; `import` this before opening.
"""

import _sqlite3
import ctypes
from collections.abc import Callable

_Pointer = ctypes.c_void_p
_OPEN = ctypes.CFUNCTYPE(ctypes.c_int, _Pointer, _Pointer, _Pointer, ctypes.c_int, _Pointer)
_SYNC = ctypes.CFUNCTYPE(ctypes.c_int, _Pointer, ctypes.c_int)


class _Vfs(ctypes.Structure):
    """The beginning of sqlite3_vfs."""

    _fields_ = (
        ("version", ctypes.c_int),
        ("file_bytes", ctypes.c_int),
        ("path_bytes_max", ctypes.c_int),
        ("next", _Pointer),
        ("name", ctypes.c_char_p),
        ("data", _Pointer),
        ("open", _Pointer),
    )


class _Methods(ctypes.Structure):
    """sqlite3_io_methods, version 3."""

    _fields_ = (
        ("version", ctypes.c_int),
        ("close", _Pointer),
        ("read", _Pointer),
        ("write", _Pointer),
        ("truncate", _Pointer),
        ("sync", _Pointer),
        ("others", _Pointer * 14),
    )


class _File(ctypes.Structure):
    _fields_ = (("methods", ctypes.POINTER(_Methods)),)


class Witness:
    """Calls `told` after each successful sync of any file that SQLite opens from now on, until `leave`."""

    def __init__(self, told: Callable[[], None]) -> None:
        library = ctypes.CDLL(_sqlite3.__file__)
        library.sqlite3_vfs_find.restype = ctypes.POINTER(_Vfs)
        self._told = told
        self._vfs = library.sqlite3_vfs_find(None).contents
        self._open_before = self._vfs.open
        self._real_open = _OPEN(self._open_before)
        self._open = _OPEN(self._open_file)
        # Kept for as long as the process lives: SQLite may hold on to a file's methods for longer than the witness.
        self._replaced: dict[int, tuple[_Methods, object]] = _kept
        self._vfs.open = ctypes.cast(self._open, _Pointer).value

    def leave(self) -> None:
        self._vfs.open = self._open_before
        _kept_open.append(self)

    def _open_file(self, vfs: int, name: int, file: int, flags: int, out_flags: int) -> int:
        result: int = self._real_open(vfs, name, file, flags, out_flags)
        opened = ctypes.cast(file, ctypes.POINTER(_File)).contents
        if result == 0 and opened.methods:
            opened.methods = ctypes.pointer(self._telling(opened.methods.contents))
        return result

    def _telling(self, methods: _Methods) -> _Methods:
        real_sync = _SYNC(methods.sync)

        def sync(file: int, flags: int) -> int:
            result: int = real_sync(file, flags)
            if result == 0:
                self._told()
            return result

        telling = _Methods.from_buffer_copy(methods)
        callback = _SYNC(sync)
        telling.sync = ctypes.cast(callback, _Pointer).value
        self._replaced[ctypes.addressof(telling)] = (telling, (callback, real_sync))
        return telling


_kept: dict[int, tuple[_Methods, object]] = {}
_kept_open: list[Witness] = []
