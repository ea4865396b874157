import subprocess
import sys

import pytest

GOOD = [
	"feat(core): add message, event, error and status values",
	"fix: keep the order of a chat",
	"refactor(cloud_api)!: name errors by what to do next",
	"docs: say how a device is linked (and why it may be logged out)",
	"ci: run on Python 3.13",
	"Merge branch 'develop' into main",
	'Revert "feat(core): add message values"',
	"fixup! fix: keep the order of a chat",
	"feat: " + "x" * 94,
]
BAD = {
	"": "form",
	"add a thing": "form",
	"feat:no space": "form",
	"feat : a space before the colon": "form",
	"feat(core: a bracket is missing": "form",
	"Feat: upper case": "type",
	"feature: no such type": "type",
	"feat(): an empty scope": "scope",
	"feat(Two Words): no scope": "scope",
	"feat: ": "subject",
	"feat:  two spaces": "subject",
	"fix: a trailing space ": "subject",
	"fix: a dot at the end.": "dot",
	"feat: " + "x" * 95: "characters",
}


@pytest.fixture
def check(root):
	script = root / ".github" / "helper" / "check_commit_title.py"

	def run(*args, **kwargs):
		return subprocess.run([sys.executable, script, *args], capture_output=True, text=True, **kwargs)

	return run


def test_good_titles_pass(check):
	done = check("-", input="\n".join(GOOD))
	assert (done.returncode, done.stderr) == (0, "")


def test_every_bad_title_is_named_with_its_fault(check):
	done = check("-", input="\n".join(BAD))
	assert done.returncode == 1
	lines = done.stderr.splitlines()
	assert len(lines) == len(BAD)
	for (title, word), line in zip(BAD.items(), lines, strict=True):
		assert repr(title) in line
		assert word in line


def test_a_hook_reads_the_title_below_comments_and_above_the_body(check, tmp_path):
	message = tmp_path / "COMMIT_EDITMSG"
	message.write_text("# a comment\n\nfix: keep the order\n\nAnd here is why. It is long.\n")
	assert check(message).returncode == 0
	message.write_text("keep the order\n\nfix: this is the body\n")
	assert check(message).returncode == 1


def test_an_empty_message_is_refused(check, tmp_path):
	message = tmp_path / "COMMIT_EDITMSG"
	message.write_text("# nothing but comments\n")
	assert check(message).returncode == 1


def test_no_titles_are_no_fault(check):
	assert check("-", input="").returncode == 0
