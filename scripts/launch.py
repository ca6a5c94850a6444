"""Set up `.venv` beside the project on first use, and whenever its needs change; then run what is asked there.

    python scripts/launch.py mlexp ARGS        mlexp; without ARGS the default study
    python scripts/launch.py test ARGS         the fast tests; --all: the slow ones too; ARGS as pytest takes them
    python scripts/launch.py check ARGS        style, types, fast tests: what has to pass before a commit
    python scripts/launch.py reproduce ARGS    the studies of the five reports
    python scripts/launch.py setup [EXTRA]     nothing but the environment

Any Python 3 can start it: it looks for one that mlexp runs on. MLEXP_PYTHON names that one, MLEXP_VENV another place of
the environment. The scripts beside it (for Linux and macOS, and .cmd for Windows) are one line each.
"""

import os
import shutil
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
VENV = os.environ.get("MLEXP_VENV") or os.path.join(ROOT, ".venv")
WINDOWS = os.name == "nt"
OLDEST = (3, 11)
CANDIDATES = ("python3", "python3.14", "python3.13", "python3.12", "python3.11", "python")


def program(name):
    """Return the path of a program of the environment."""
    return os.path.join(VENV, "Scripts", name + ".exe") if WINDOWS else os.path.join(VENV, "bin", name)


def suitable():
    """Return a Python that mlexp runs on."""
    asked = os.environ.get("MLEXP_PYTHON")
    if not asked and sys.version_info >= OLDEST:
        return sys.executable
    question = f"import sys; sys.exit(sys.version_info < {OLDEST!r})"
    for name in (asked,) if asked else CANDIDATES:
        found = shutil.which(name)
        if found and subprocess.call([found, "-c", question], stderr=subprocess.DEVNULL) == 0:
            return found
    sys.exit(
        "mlexp needs Python 3.11 or newer, and none was found. Install it, or name one with MLEXP_PYTHON=..."
    )


def wanted():
    """Return what the environment depends on: the text of two files."""
    texts = []
    for name in ("pyproject.toml", "constraints.txt"):
        with open(os.path.join(ROOT, name), encoding="utf-8") as file:
            texts.append(file.read())
    return "\n".join(texts)


def setup(extra=""):
    """Make the environment, with an extra of pyproject.toml, unless it is as it should be."""
    stamp = os.path.join(VENV, ".mlexp-" + (extra or "core"))
    if os.path.exists(stamp):
        with open(stamp, encoding="utf-8") as file:
            if file.read() == wanted():
                return
    sys.stderr.write(f"setting up {VENV} (once, about a minute)\n")
    if not os.path.exists(program("python")) and subprocess.call([suitable(), "-m", "venv", VENV]):
        sys.exit("The environment cannot be made. On Debian and Ubuntu: apt-get install python3-venv")
    project = ROOT + ("[" + extra + "]" if extra else "")
    constraints = os.path.join(ROOT, "constraints.txt")
    install = [program("python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    if subprocess.call([*install, "--constraint", constraints, "--editable", project], stdout=sys.stderr):
        sys.exit("The packages cannot be installed: see above. The same command tries again.")
    with open(stamp, "w", encoding="utf-8") as file:
        file.write(wanted())


def run(words):
    """Become a program; on Windows, which knows no such thing, wait for it and return its exit code."""
    if not WINDOWS:
        os.execv(words[0], words)
    return subprocess.call(words)


def one_thread():
    """Give every process one thread for its matrix products: there is a process for every core."""
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        os.environ.setdefault(name, "1")


def test(words):
    """Run the tests."""
    setup("dev")
    os.chdir(ROOT)
    one_thread()
    every = words[:1] == ["--all"]
    jobs = os.environ.get("MLEXP_TEST_JOBS", "2")
    pytest = [program("python"), "-m", "pytest", "-n", jobs, "--dist", "loadscope"]
    return run(pytest + ([] if every else ["-m", "not slow"]) + words[every:])


def check(words):
    """Run what has to pass before a commit."""
    setup("dev")
    os.chdir(ROOT)
    for command in (["ruff", "check", "."], ["ruff", "format", "--check", "."], ["mypy"]):
        code = subprocess.call([program(command[0]), *command[1:]])
        if code:
            return code
    return test(words)


def mlexp(words):
    """Run mlexp."""
    setup()
    return run([program("mlexp"), *words])


def reproduce(words):
    """Run the studies of the five reports."""
    setup()
    one_thread()
    return run([program("python"), os.path.join(ROOT, "scripts", "reproduction", "reproduce.py"), *words])


def prepare(words):
    """Set the environment up, and no more."""
    setup(*words[:1])
    return 0


COMMANDS = {"mlexp": mlexp, "test": test, "check": check, "reproduce": reproduce, "setup": prepare}

if __name__ == "__main__":
    if sys.argv[1:2] == [] or sys.argv[1] not in COMMANDS:
        sys.exit(__doc__)
    sys.exit(COMMANDS[sys.argv[1]](sys.argv[2:]))
