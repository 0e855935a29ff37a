"""`python -m flywheel.run`: the whole product in one foreground process.

Starts the embedded servers that DATABASE_URL and REDIS_URL do not replace, brings tables and files up to date, runs
web server, Celery worker and beat, starts again what ends, and stops everything in order on Ctrl-C or TERM.
"""

import argparse
import contextlib
import importlib
import os
import signal
import socket
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured

from flywheel import environment as env
from flywheel.embedded.errors import EmbeddedError
from flywheel.embedded.process import spawn
from flywheel.embedded.servers import log_file, running, sole_owner
from flywheel.embedded.supervisor import Program, Service, Stopped, keep, say, stop_on_signals
from flywheel.probe import address, is_healthy

DEMO_EMAIL = "demo@example.com"
DEMO_PASSWORD = "flywheel-demo"  # noqa: S105 (printed on every start of the demo)
WEB_START_SECONDS = 90


def main(arguments: list[str] | None = None) -> int:
    """Run until Ctrl-C or TERM; the exit code is 0 then, and 1 when it could not start."""
    parser = argparse.ArgumentParser(prog="python -m flywheel.run", description="Run the whole product.")
    parser.add_argument("--demo", action="store_true", help="make the demo business when it is not there yet")
    demo = parser.parse_args(arguments).demo
    stop_on_signals()
    try:
        _run(demo)
    except Stopped:
        say("Stopped.")
        return 0
    except (EmbeddedError, ImproperlyConfigured) as error:
        say(f"Cannot start: {error}")
        return 1
    return 0


def _run(demo: bool) -> None:
    """Everything is stopped, last started first, on the way out of the blocks."""
    begun = time.monotonic()
    var, host, port = env.var_dir(), env.text("HOST"), env.number("PORT", 1, 65535)
    importlib.import_module("flywheel.settings")  # refuses bad values before anything is started
    check_port(host, port)
    with contextlib.ExitStack() as stack:
        stack.enter_context(sole_owner(var))
        say(f"Starting the servers; data and logs are in {var}")
        servers = stack.enter_context(
            running(var, postgres=not env.text("DATABASE_URL"), valkey=not env.text("REDIS_URL"))
        )
        say("Bringing tables and files up to date ...")
        run_to_its_end("prepare", [sys.executable, "-m", "flywheel.prepare"], var)
        programs = product(var, host, port)
        stack.callback(lambda: say("Stopping ..."))
        for program in reversed(programs):
            stack.callback(program.stop)
            program.start()
        everything: list[Service] = [*servers, *programs]
        wait_for_web(everything, address(host, port))
        if demo:
            say("Looking after the demo business (its first making takes a minute or two) ...")
            load_demo(everything, var)
        say(f"Ready after {time.monotonic() - begun:.0f} s.")
        say(welcome(address(host, port), demo, var))
        keep(everything, until=lambda: False)


def check_port(host: str, port: int) -> None:
    """Raise EmbeddedError unless the web server can listen there."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        socket.create_server((host, port), family=family).close()
    except OSError as error:
        reason = os.strerror(error.errno or 0)
        raise EmbeddedError(
            f"{host}:{port} cannot be used ({reason}). Choose another port, e.g. make demo PORT={port + 1}"
        ) from None


def product(var: Path, host: str, port: int) -> list[Program]:
    """Web server, worker and beat, in the order in which they are stopped."""
    python, celery = sys.executable, [sys.executable, "-m", "celery", "-A", "flywheel"]
    bind = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    web = [python, "-m", "gunicorn", "--config", "python:flywheel.gunicorn", "--bind", bind, "flywheel.wsgi"]
    # A second TERM or QUIT ends the worker's jobs; they are found and run again at the next start.
    patience = [(signal.SIGTERM, 10.0), (signal.SIGQUIT, 5.0)]
    return [
        _program("web", web, var),
        _program("worker", [*celery, "worker", *WORKER_OPTIONS], var, signal.SIGKILL, patience),
        _program("beat", [*celery, "beat", "--pidfile=", "--loglevel", "WARNING"], var),
    ]


WORKER_OPTIONS = ("--loglevel", "INFO", "--without-gossip", "--without-mingle", "--hostname", "flywheel@%h")


def _program(
    name: str,
    command: list[str],
    var: Path,
    death_signal: int = signal.SIGTERM,
    stop_steps: Sequence[tuple[int, float]] = ((signal.SIGTERM, 12.0),),
) -> Program:
    return Program(
        name=name,
        command=command,
        cwd=env.BASE_DIR,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
        log=log_file(var, name),
        death_signal=death_signal,
        stop_steps=stop_steps,
    )


def run_to_its_end(name: str, command: list[str], var: Path) -> None:
    """Run a short program; raises EmbeddedError with the end of its output when it fails."""
    log = log_file(var, name)
    with log.open("wb") as file:
        process = spawn(command, death_signal=signal.SIGTERM, cwd=env.BASE_DIR, log=file)
    try:
        code = process.wait()
    except Stopped:
        process.kill()
        raise
    if code != 0:
        raise EmbeddedError(f"{name} failed:\n" + log.read_text(errors="replace")[-3000:])


def load_demo(everything: list[Service], var: Path) -> None:
    """Make the demo business unless it is there; its jobs go to the worker, so the product is kept running."""
    log = log_file(var, "demo")
    with log.open("wb") as file:
        command = [sys.executable, "manage.py", "load_demo"]
        process = spawn(command, death_signal=signal.SIGTERM, cwd=env.BASE_DIR, log=file)
    try:
        keep(everything, until=lambda: process.poll() is not None)
    except Stopped:
        process.kill()
        raise
    if process.returncode != 0:
        say(f"The demo business could not be made; see {log}:\n" + log.read_text(errors="replace")[-2000:])


def wait_for_web(everything: list[Service], base: str) -> None:
    """Wait until the product says that it is healthy; raises EmbeddedError when it does not in time."""
    end = time.monotonic() + WEB_START_SECONDS
    answered: list[bool] = []

    def over() -> bool:
        answered[:] = [is_healthy(base)]
        return answered[0] or time.monotonic() > end

    keep(everything, until=over)
    if not answered[0]:
        raise EmbeddedError(f"The web server does not answer; see the logs in {env.var_dir() / 'log'}.")


def welcome(base: str, demo: bool, var: Path) -> str:
    """The box with the address and how to log in."""
    lines = [f"The flywheel is at  {base}", ""]
    if demo:
        lines += [f"E-mail    {DEMO_EMAIL}", f"Password  {DEMO_PASSWORD}"]
    else:
        lines += ["Log in with your account; the first one is made by:", "  .venv/bin/python manage.py createsuperuser"]
    lines += ["", f"Logs: {var / 'log'}", "Ctrl-C stops everything; the data stays."]
    width = max(len(line) for line in lines)
    edge = "+" + "-" * (width + 4) + "+"
    return "\n".join(["", edge, *(f"|  {line:<{width}}  |" for line in lines), edge])


if __name__ == "__main__":
    sys.exit(main())
