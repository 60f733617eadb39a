"""The commands under one roof, and what every mistake turns into: one line and an exit status."""

from __future__ import annotations

import inspect
import os
import sys
import warnings
from collections.abc import Sequence
from typing import Annotated, Any

import typer

from nnae._version import __version__
from nnae.cli._audit import audit
from nnae.cli._convert import convert
from nnae.cli._demo import demo
from nnae.cli._evaluate import evaluate
from nnae.cli._explain import explain
from nnae.cli._fit import fit
from nnae.cli._hierarchy import hierarchy
from nnae.cli._predict import predict
from nnae.cli._report import report
from nnae.cli._versions import versions

DONE, FAILED, WRONG_USAGE = 0, 1, 2
COMMANDS = (demo, fit, predict, evaluate, hierarchy, audit, explain, report, convert, versions)

app = typer.Typer(
    name="nnae", add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False
)
for _command in COMMANDS:
    _help = inspect.cleandoc(_command.__doc__ or "").replace("\\b", "\b")  # keep lines as they are
    app.command(_command.__name__, help=_help)(_command)

# typer's base of all usage errors; recent releases carry their own copy of click, older ones don't
_UsageError: type[Exception] = typer.BadParameter.__mro__[1]
_AnyUsageError: type[Exception] = typer.BadParameter.__mro__[2]


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"nnae {__version__}")
        raise typer.Exit(DONE)


@app.callback(invoke_without_command=True)
def _top(
    context: typer.Context,
    version: Annotated[
        bool,
        typer.Option(
            "--version", help="Print the version and exit.", callback=_print_version, is_eager=True
        ),
    ] = False,
) -> None:
    """Interpretable extreme multi-label learning with deep non-negative autoencoders.

    Begin with: nnae demo
    """
    if context.invoked_subcommand is None:
        names = ", ".join(command.__name__ for command in COMMANDS)
        raise typer.BadParameter(f"a command is missing: {names}")


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line.

    Parameters
    ----------
    argv : sequence of str, optional
        The words after ``nnae``; those of the process by default.

    Returns
    -------
    int
        0 done, 1 failed, 2 wrong usage. Results are on standard output, messages on standard
        error; a mistake is one line that begins with ``nnae: error:``.

    Examples
    --------
    >>> from nnae.cli import main
    >>> main(["versions", "--no-such-option"])
    2
    """
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):  # names may hold what the terminal cannot show
            stream.reconfigure(errors="backslashreplace")
    command = typer.main.get_command(app)
    words = list(sys.argv[1:] if argv is None else argv)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        warnings.filterwarnings("always", category=UserWarning)
        warnings.showwarning = _show_warning
        return _run(command, words)


def _run(command: Any, words: list[str]) -> int:
    try:
        status = command(args=words, prog_name="nnae", standalone_mode=False)
        sys.stdout.flush()
        return status if isinstance(status, int) else DONE
    except (_UsageError, _AnyUsageError) as error:
        text = error.format_message() if hasattr(error, "format_message") else str(error)
        text = text.removeprefix("Invalid value: ")
        context = getattr(error, "ctx", None)
        where = context.command_path if context is not None else "nnae"
        return _complain(f"{text.removesuffix('.')} (see {where} --help)", WRONG_USAGE)
    except BrokenPipeError:  # the reader, such as head, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILED
    except OSError as error:
        named = error.filename is not None and error.strerror
        return _complain(f"{error.filename}: {error.strerror}" if named else str(error), FAILED)
    except (ValueError, TypeError) as error:
        return _complain(str(error), FAILED)
    except ImportError as error:
        if error.name is not None:  # not a message about a missing extra, but a broken package
            raise
        return _complain(str(error), FAILED)
    except MemoryError as error:
        return _complain(f"there is not enough memory: {error}", FAILED)
    except (KeyboardInterrupt, typer.Abort):
        return _complain("interrupted", FAILED)


def _complain(text: str, status: int) -> int:
    print("nnae: error:", " ".join(text.split()), file=sys.stderr)
    return status


def _show_warning(message: Warning | str, *_: Any, **__: Any) -> None:
    print("nnae: warning:", " ".join(str(message).split()), file=sys.stderr)
