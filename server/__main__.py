"""What an editor launches: ``python server/`` finds or makes an environment for Tenny and becomes its server."""

# Any Python 3 reads this and reports.py: an old one must come far enough to say which one is wanted.
import os
import sys

_HERE = os.path.dirname(os.path.abspath(__file__))


def _working_directory() -> str:
    try:
        return os.getcwd()
    except OSError:  # it has been deleted
        return _HERE


def _leave(workspace: str) -> None:
    """Take the workspace off the paths: what lies there is anyone's, and may well be called json.py or uv.exe.

    The process waits in its own folder until it becomes the server, so that relative entries of PATH lead nowhere else.
    """
    given = os.environ.pop("PYTHONPATH", "").split(os.pathsep)
    kept = [entry for entry in given if os.path.isabs(entry) and not _is_inside(entry, workspace)]
    if kept:
        os.environ["PYTHONPATH"] = os.pathsep.join(kept)
    dropped = {os.path.abspath(entry) for entry in given if entry not in kept} | {_HERE}
    sys.path[:] = [_HERE] + [entry for entry in map(os.path.abspath, sys.path) if entry not in dropped]
    os.chdir(_HERE)


def _is_inside(path: str, folder: str) -> bool:
    path, folder = os.path.realpath(path), os.path.realpath(folder)
    return path == folder or path.startswith(os.path.join(folder, ""))


def main() -> int:
    """Return the exit status, unless all goes well: then this process becomes the server."""
    workspace = _working_directory()
    _leave(workspace)
    from reports import Problem, log, report

    try:
        if sys.version_info < (3, 8):  # noqa: UP036
            raise Problem.of_python("It is too old even to look for another.")
        from start import start

        return start(sys.argv[1:], workspace)
    except Problem as problem:
        report(problem.state, problem.message, next=problem.next_step, **problem.details)
        return problem.exit_code
    except KeyboardInterrupt:
        return 130
    except Exception as error:
        import traceback

        log(traceback.format_exc())
        what = "Tenny could not be started: " + type(error).__name__ + ": " + str(error).rstrip(".") + "."
        report("failed", what, next="The log says where. If that does not help, report it with the log.")
        return 1


if __name__ == "__main__":
    sys.exit(main())
