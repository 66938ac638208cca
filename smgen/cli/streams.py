"""Standard output and error of the command line. A failure to write is reported once, on one line."""

from __future__ import annotations

import io
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TextIO

import typer

from smgen.errors import visible


class OutputError(Exception):
    """Standard output cannot be written to; the text says why."""


class _Output(io.FileIO):
    """The file behind standard output. Its first failure is an `OutputError`; later writes are dropped.

    A broken pipe stays a BrokenPipeError: its reader has closed it.
    """

    _failed = False

    def write(self, data: object, /) -> int:
        """Write bytes and return how many were taken."""
        if not self._failed:
            try:
                return super().write(data)  # type: ignore[arg-type]
            except BrokenPipeError:
                self._failed = True
                raise
            except OSError as error:
                self._failed = True
                raise OutputError(error.strerror or str(error)) from error
        return memoryview(data).nbytes  # type: ignore[arg-type]


class _Messages(io.FileIO):
    """The file behind standard error. Text that cannot be written is dropped; the exit code remains."""

    def write(self, data: object, /) -> int:
        """Write bytes and return how many were taken."""
        with suppress(OSError):
            return super().write(data)  # type: ignore[arg-type]
        return memoryview(data).nbytes  # type: ignore[arg-type]


def _through(kind: type[io.FileIO], stream: TextIO) -> TextIO:
    """The stream with another file behind it. Characters that it cannot encode, δ in ASCII, are escaped."""
    if not isinstance(stream, io.TextIOWrapper):
        return stream
    stream.reconfigure(errors="backslashreplace")
    raw = getattr(stream.buffer, "raw", stream.buffer)
    if type(raw) is not io.FileIO:  # a Windows console
        return stream
    stream.flush()
    file = io.BufferedWriter(kind(raw.fileno(), "w", closefd=False))
    return io.TextIOWrapper(
        file,
        encoding=stream.encoding,
        errors="backslashreplace",
        line_buffering=stream.line_buffering,
        write_through=stream.write_through,
    )


@contextmanager
def standard_streams() -> Iterator[None]:
    """Exit with code 1 and a line on standard error if the command cannot write to standard output."""
    sys.stdout, sys.stderr = _through(_Output, sys.stdout), _through(_Messages, sys.stderr)
    try:
        try:
            yield
        finally:
            if sys.stdout is not None:  # the stream is closed
                sys.stdout.flush()
    except BrokenPipeError:
        raise SystemExit(1) from None
    except OutputError as error:
        typer.echo(f"error: standard output: {visible(str(error))}", err=True)
        raise SystemExit(1) from None
