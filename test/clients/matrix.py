"""The table of docs/clients.md, from what the tests that passed have noted: matrix.py NOTES DOCUMENT [--write].

Without --write it compares, and fails when the document says something else."""

import json
import pathlib
import re
import sys

STEPS = ("create", "read", "update", "delete", "credentials", "identities", "validate", "preview", "refusals", "inside")
BEGIN, END = "<!-- Written by test/clients/matrix.py -->\n", "<!-- End -->"


def table(lines):
    """Markdown, with a row for each client, in the order of their names."""
    rows = {}
    for note in map(json.loads, lines):
        steps, tests = rows.setdefault(note["client"], (set(), set()))
        unknown = set(note["steps"]) - set(STEPS)
        assert not unknown, f"{note['test']}: unknown steps {unknown}"
        steps.update(note["steps"])
        tests.add(note["test"])
    heads = ["Client", *(step.capitalize() for step in STEPS), "Test"]
    out = ["| " + " | ".join(heads) + " |", "|---" * len(heads) + "|"]
    for client, (steps, tests) in sorted(rows.items(), key=lambda row: row[0].lower()):
        cells = ["yes" if step in steps else "" for step in STEPS]
        out.append("| " + " | ".join([client, *cells, ", ".join(f"`{test}`" for test in sorted(tests))]) + " |")
    return "\n".join(out) + "\n"


def main(notes, document, *options):
    """Writes or compares."""
    path = pathlib.Path(document)
    before = path.read_text(encoding="utf-8")
    wanted = BEGIN + table(pathlib.Path(notes).read_text(encoding="utf-8").splitlines()) + END
    after = re.sub(re.escape(BEGIN) + ".*?" + re.escape(END), lambda _: wanted, before, flags=re.DOTALL)
    if "--write" in options:
        path.write_text(after, encoding="utf-8")
    elif after != before:
        sys.exit(f"{document} differs from what the tests prove. Run test/clients/run.sh --write. The table is now:\n{wanted}")


if __name__ == "__main__":
    main(*sys.argv[1:])
