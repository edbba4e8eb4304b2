"""`python -m kuberklone.agent`: the agent without the command line, which it has no use for and no memory to spare."""

import os
import sys

from kuberklone.agent import keeper

# As for every command (kuberklone.cli.exits), which is not imported here.
_FAILED, _USAGE = 1, 2
_LOGGING = ("log_level", "log_format")


def main() -> int:
    """The exit code; whatever happens, a person reads a sentence."""
    # First of all: it is to be small. A node that is a container needs none.
    second = None if os.environ.get("KUBERKLONE_AGENT_CONTAINER") else keeper.fork()

    from setproctitle import setproctitle

    from kuberklone import logs, settings
    from kuberklone.agent import options, process
    from kuberklone.errors import KuberkloneError, SettingsError

    try:
        # Each agent may be told its own way of logging, since a container has no other settings.
        told = {name: os.environ.get(f"{settings.AGENT_PREFIX}{name.upper()}") or None for name in _LOGGING}
        configured = settings.load(told).settings
        given = options.read(os.environ, configured)
        logs.configure(configured, process="agent")
        setproctitle("kuberklone agent")
        process.run(given, second)
    except SettingsError as error:
        return _complain(error, _USAGE)
    except KuberkloneError as error:
        return _complain(error, _FAILED)
    return 0


def _complain(error: Exception, code: int) -> int:
    sys.stderr.write(f"error: {error}\n")
    return code


if __name__ == "__main__":
    code = main()
    sys.stdout.flush()
    sys.stderr.flush()
    # Not sys.exit, which would wait for threads that wait for an engine that hangs.
    os._exit(code)
