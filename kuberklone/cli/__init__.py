"""The person's side: every command of `kuberklone`, and the supervisor of `up`."""

import os
import sys


def main() -> None:
    """Run the command line and leave with its exit code; whatever happens, a person reads a sentence."""
    if sys.platform == "win32":
        sys.stderr.write(
            "KuberKlone runs on Linux, macOS and WSL2, not on native Windows; install WSL2 and run it there.\n"
        )
        sys.exit(1)
    # Imported late, because on Windows some of it cannot be.
    from kuberklone.cli import screen
    from kuberklone.cli.app import app
    from kuberklone.cli.exits import Exit, Stop
    from kuberklone.errors import KuberkloneError, SettingsError

    try:
        app()
    except Stop as stop:
        screen.complain(stop.sentence)
        sys.exit(stop.code)
    except SettingsError as error:
        screen.complain(str(error))
        sys.exit(Exit.USAGE)
    except KuberkloneError as error:
        screen.complain(str(error))
        sys.exit(Exit.FAILED)
    except Exception as error:
        if os.environ.get("KUBERKLONE_LOG_LEVEL") == "debug":
            raise
        screen.complain(f"{type(error).__name__}: {error}. KUBERKLONE_LOG_LEVEL=debug shows where it happened.")
        sys.exit(Exit.FAILED)
