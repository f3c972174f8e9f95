#!/usr/bin/env python3
"""Writes templates/languages/typescript/package-lock.json.j2.

A project has only the packages that its kinds of dependency and its blueprint need, and its lock file must name exactly
those. So the union of all of them is resolved once, by npm, and every entry gets the condition under which it is needed:

    cargo build
    templates/tools/lock-typescript.py target/debug/pave

1. pave generates a project without dependencies, one for each kind, one for each blueprint; their package.json says
   what each asks for directly.
2. npm resolves everything together (`npm install --package-lock-only`): one version of each package in all projects.
3. From each project's own requests the tree is walked as Node resolves it: what is reached is needed there, by the
   service or for its development only.
4. The entries are written with conditions such as `{% if has.postgres or has.redis %}`.

To change a version: templates/languages/typescript/package.json.j2, then this. Needs npm; python3's standard library only.
"""

import json
import pathlib
import re
import subprocess
import sys
import tempfile

TEMPLATES = pathlib.Path(__file__).resolve().parent.parent
LOCK = TEMPLATES / "languages/typescript/package-lock.json.j2"
KINDS = ["bedrock", "dynamodb", "http", "postgres", "redis", "s3", "sqs"]
GROUPS = ("dependencies", "devDependencies")
NAME = "union"

# Each project's condition, its blueprint and its kinds. A later one counts what it needs beyond those it contains.
PROJECTS = {
    "": ("http-api", []),
    **{f"has.{kind}": ("http-api", [kind]) for kind in KINDS},
    'service.blueprint == "web-app"': ("web-app", []),
    'service.blueprint == "ai-api"': ("ai-api", ["bedrock"]),
}


def package_json(pave, folder, blueprint, kinds):
    """What pave generates for this blueprint with these kinds."""
    lines = ["[service]", f'name = "{NAME}"', 'owner = "tools"', 'language = "typescript"', f'blueprint = "{blueprint}"']
    for kind in kinds:
        lines += ["[[dependencies]]", f'name = "the-{kind}"', f'kind = "{kind}"']
        lines += ['url = "http://127.0.0.1:9"'] if kind == "http" else []
    folder.mkdir()
    (folder / "pave.toml").write_text("\n".join(lines) + "\n")
    subprocess.run([pave, "new", "--spec", "pave.toml"], cwd=folder, check=True, capture_output=True)
    return json.loads((folder / NAME / "package.json").read_text())


def resolved(folder, manifests):
    """The packages of all manifests together, as npm places them."""
    union = {"name": NAME, "version": "0.0.0", "private": True}
    for group in GROUPS:
        union[group] = {name: version for one in manifests for name, version in one.get(group, {}).items()}
    folder.mkdir()
    (folder / "package.json").write_text(json.dumps(union))
    command = ["npm", "install", "--package-lock-only", "--ignore-scripts", "--no-audit", "--no-fund"]
    subprocess.run(command, cwd=folder, check=True, stdout=subprocess.DEVNULL)
    packages = json.loads((folder / "package-lock.json").read_text())["packages"]
    del packages[""]
    return packages


def found(packages, at, name):
    """Where Node finds a package, seen from another one; None when it is not installed."""
    while True:
        path = f"{at}/node_modules/{name}" if at else f"node_modules/{name}"
        if path in packages:
            return path
        if not at:
            return None
        at = at.rpartition("/node_modules/")[0] if "/node_modules/" in at else ""


def reached(packages, names):
    """Every package that these need."""
    waiting, seen = [("", name) for name in names], set()
    while waiting:
        at, name = waiting.pop()
        path = found(packages, at, name)
        if path is None or path in seen:
            continue
        seen.add(path)
        entry = packages[path]
        optional_peers = {peer for peer, meta in entry.get("peerDependenciesMeta", {}).items() if meta.get("optional")}
        needed = [entry.get("dependencies", {}), entry.get("optionalDependencies", {})]
        needed.append({peer for peer in entry.get("peerDependencies", {}) if peer not in optional_peers})
        waiting += [(path, other) for group in needed for other in group]
    return seen


def condition(conditions):
    """The template's condition for what is needed under these; None for always."""
    if "" in conditions:
        return None
    if "has.bedrock" in conditions:  # which ai-api always has
        conditions = [one for one in conditions if "ai-api" not in one]
    if all(f"has.{kind}" in conditions for kind in KINDS):
        conditions = ["kinds"] + [one for one in conditions if not one.startswith("has.")]
    return " or ".join(conditions)


def members(rendered):
    """The members of an object, `[(text, condition)]`, with commas that are right whichever of them are there."""
    out = []
    for index, (text, when) in enumerate(rendered):
        later = [other for _, other in rendered[index + 1 :]]
        comma = "," if None in later else f'{{{{ "," if {" or ".join(dict.fromkeys(later))} }}}}' if later else ""
        out.append(f"{{% if {when} %}}\n{text}{comma}\n{{% endif %}}\n" if when else f"{text}{comma}\n")
    return "".join(out)


def literal(value, depth):
    return json.dumps(value, indent=2, ensure_ascii=False).replace("\n", "\n" + "  " * depth)


def root(manifests):
    """The project itself."""
    lines = ['    "": {\n      "name": {{ service.name | tojson }},\n      "version": "0.0.0",\n']
    for group in GROUPS:
        versions = {name: version for one in manifests.values() for name, version in one.get(group, {}).items()}
        rendered = []
        for name in sorted(versions):
            when = condition([key for key, one in manifests.items() if name in one.get(group, {})])
            rendered.append((f'        "{name}": "{versions[name]}"', when))
        lines.append(f'      "{group}": {{\n{members(rendered)}      }},\n')
    engines = literal(manifests[""]["engines"], 3)
    lines.append(f'      "engines": {engines}\n    }},\n')
    return "".join(lines)


def entry(path, value, service, development):
    """One package; whether it is for development only may depend on the project."""
    text = f'    "{path}": {literal({key: member for key, member in value.items() if key != "dev"}, 2)}'
    when = condition(service) if service else None
    if service and (when is None or not development):
        return text
    mark = '      "dev": true,\n'
    # Where npm writes it.
    before, integrity, after = re.split(r'(      "integrity": .*\n)', text, maxsplit=1)
    return before + integrity + (f"{{% if not ({when}) %}}\n{mark}{{% endif %}}\n" if when else mark) + after


def main():
    pave = str(pathlib.Path(sys.argv[1]).resolve())
    with tempfile.TemporaryDirectory() as temporary:
        work = pathlib.Path(temporary)
        manifests = {
            key: package_json(pave, work / f"project-{number}", blueprint, kinds)
            for number, (key, (blueprint, kinds)) in enumerate(PROJECTS.items())
        }
        packages = resolved(work / "union", manifests.values())
    needs = {
        group: {key: reached(packages, one.get(group, {})) for key, one in manifests.items()} for group in GROUPS
    }
    rendered = []
    for path, value in packages.items():
        service, development = ([key for key, paths in needs[group].items() if path in paths] for group in GROUPS)
        both = [key for key in manifests if key in service or key in development]
        if not both:
            sys.exit(f"{path}: nothing needs it")
        rendered.append((entry(path, value, service, development), condition(both)))
    head = '{\n  "name": {{ service.name | tojson }},\n  "version": "0.0.0",\n  "lockfileVersion": 3,\n  "requires": true,\n'
    LOCK.write_text(f'{head}  "packages": {{\n{root(manifests)}{members(rendered)}  }}\n}}\n')
    print(f"{len(rendered)} packages, {sum(1 for _, when in rendered if when is None)} of them in every project")


if __name__ == "__main__":
    main()
