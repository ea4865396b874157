import shutil
import subprocess

import pytest

# Put together here, so that this file does not name it.
MACHINE_PATH = b"/" + b"work" + b"/"


@pytest.fixture
def files(root):
	if not shutil.which("git") or not (root / ".git").exists():
		pytest.skip("needs git and a clone of the repository")
	# Under another user's folder git refuses to answer without safe.directory.
	git = ["git", "-c", "safe.directory=*"]
	listing = [*git, "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
	names = subprocess.run(listing, cwd=root, capture_output=True, check=True).stdout.decode().split("\0")
	return [root / name for name in names if name and (root / name).is_file()]


def test_no_file_names_a_path_of_a_developers_machine(files, root):
	assert [str(path.relative_to(root)) for path in files if MACHINE_PATH in path.read_bytes()] == []
