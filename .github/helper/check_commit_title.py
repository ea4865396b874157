#!/usr/bin/env python3
"""Check that commit titles are Conventional Commits.

check_commit_title.py FILE    the message in FILE, as a commit-msg hook
check_commit_title.py -       titles from standard input, one a line
"""

import re
import sys
from pathlib import Path

MAX_LENGTH = 100
TYPES = ("build", "chore", "ci", "docs", "feat", "fix", "perf", "refactor", "revert", "style", "test")
TITLE = re.compile(r"(?P<type>[^\s(:!]+)(?:\((?P<scope>[^()]*)\))?!?: (?P<subject>.*)")
SCOPE = re.compile(r"[a-z0-9][a-z0-9_./-]*")
BY_GIT = re.compile(r'Merge |Revert "|fixup! |squash! ')


def find_fault(title: str) -> str:
	"""Say what is wrong with a title, "" when nothing is."""
	if BY_GIT.match(title):
		return ""
	match = TITLE.fullmatch(title)
	if not match:
		return 'it is not of the form "type(scope): what it does"'
	if match["type"] not in TYPES:
		return f"its type {match['type']!r} is none of {', '.join(TYPES)}"
	if match["scope"] is not None and not SCOPE.fullmatch(match["scope"]):
		return f"its scope {match['scope']!r} is not one lower-case word"
	subject = match["subject"]
	if not subject or subject != subject.strip():
		return "its subject is empty or has spaces around it"
	if subject.endswith("."):
		return "it ends with a dot"
	if len(title) > MAX_LENGTH:
		return f"it has {len(title)} characters; at most {MAX_LENGTH} are allowed"
	return ""


def main(source: str) -> int:
	titles = sys.stdin.read().splitlines() if source == "-" else [read_title(Path(source))]
	faults = [(title, fault) for title in titles if (fault := find_fault(title))]
	for title, fault in faults:
		print(f"Commit title {title!r}: {fault}.", file=sys.stderr)
	return 1 if faults else 0


def read_title(path: Path) -> str:
	lines = path.read_text(encoding="utf-8").splitlines()
	return next((line for line in lines if line.strip() and not line.startswith("#")), "")


if __name__ == "__main__":
	if len(sys.argv) != 2:
		sys.exit(__doc__)
	sys.exit(main(sys.argv[1]))
