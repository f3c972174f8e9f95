#!/usr/bin/env python3
"""Renews `languages/python/requirements.lock.j2`, the one lock template for every combination of kinds and blueprints.

    python3 templates/tools/lock-python.py            # needs `uv` on the PATH (pip install uv)

1. Everything a project can need is resolved once, for Python 3.11 and newer on every platform, with hashes: so all
   combinations use the same versions, and adding a kind to a project changes none of those it had.
2. The base, the base with each kind and the base with each blueprint are resolved again, held to those versions, to
   learn which entries each of them needs.
3. An entry that the base needs is written as it is, any other under a condition on what needs it.

What each needs is read from `languages/python/pyproject.toml.j2`, by rendering its conditions here.
"""

import re
import subprocess
import sys
import tempfile
from pathlib import Path

LANGUAGE = Path(__file__).resolve().parent.parent / "languages" / "python"
KINDS = ["bedrock", "dynamodb", "http", "postgres", "redis", "s3", "sqs"]
BLUEPRINTS = ["web-app", "ai-api"]
HEAD = "# Exact versions with hashes, for Python 3.11 and newer. Renew it with `make lock`.\n"


def requirements(kinds, blueprint):
    """The direct requirements of a project: `pyproject.toml.j2` with its `if` blocks decided."""
    lines, open_blocks = [], []
    for line in (LANGUAGE / "pyproject.toml.j2").read_text().splitlines():
        if match := re.fullmatch(r"{% if (.*) %}", line):
            condition = re.sub(r"has\.(\w+)", lambda m: str(m[1] in kinds), match[1])
            condition = condition.replace("service.blueprint", repr(blueprint))
            condition = re.sub(r"\bdependencies\b", str(bool(kinds)), condition)
            open_blocks.append(eval(condition, {"__builtins__": {}}))  # our own template
        elif line == "{% endif %}":
            open_blocks.pop()
        elif all(open_blocks) and (match := re.fullmatch(r'  "(.+)",', line)):
            lines.append(match[1])
    return lines


def resolve(wanted, constraints=None):
    """The lock of some requirements: name -> the entry with its hashes."""
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder, "requirements.in")
        source.write_text("\n".join(wanted))
        command = ["uv", "pip", "compile", "--quiet", "--universal", "--python-version", "3.11", "--generate-hashes"]
        command += ["--no-header", "--no-annotate", "--no-emit-index-url", str(source)]
        if constraints:
            held = Path(folder, "constraints.txt")
            held.write_text("\n".join(constraints))
            command += ["--constraint", str(held)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(done.stderr)
    # No service runs in a browser.
    text = done.stdout.strip().replace(" ; sys_platform != 'emscripten'", "")
    entries = [entry for entry in re.split(r"\n(?=[A-Za-z0-9])", text) if "emscripten" not in entry]
    return {re.split(r"[=\s\[]", entry, maxsplit=1)[0]: entry for entry in entries}


def main():
    """Writes the template."""
    union = sorted({line for blueprint in BLUEPRINTS for line in requirements(KINDS, blueprint)})
    everything = resolve(union)
    held = [entry.partition(" \\")[0].partition(" ;")[0] for entry in everything.values()]
    base = resolve(requirements([], ""), held)
    needs = {f"has.{kind}": resolve(requirements([kind], ""), held) for kind in KINDS}
    needs |= {f'service.blueprint == "{one}"': resolve(requirements([], one), held) for one in BLUEPRINTS}
    text, current = HEAD, ""
    for name, entry in everything.items():
        wanted_by = [] if name in base else [what for what, lock in needs.items() if name in lock]
        if name not in base and not wanted_by:
            sys.exit(f"{name}: only a combination needs it, and conditions here are of one part each")
        condition = " or ".join(wanted_by)
        if condition != current:
            text += "{% endif %}\n" if current else ""
            text += f"{{% if {condition} %}}\n" if condition else ""
            current = condition
        text += entry + "\n"
    text += "{% endif %}\n" if current else ""
    (LANGUAGE / "requirements.lock.j2").write_text(text)


if __name__ == "__main__":
    main()
