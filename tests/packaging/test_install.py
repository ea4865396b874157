import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

NOT_SOURCE = shutil.ignore_patterns(
	*(".git", ".venv", ".hypothesis", ".*_cache", "__pycache__", "node_modules", "try-data"),
	*("build", "dist", "*.egg-info"),
)
NO_INDEX = ("No matching distribution found for setuptools", "Could not find a version that satisfies")


@pytest.fixture
def source(root, tmp_path):
	"""A copy of the repository, so that builds leave nothing in it."""
	return shutil.copytree(root, tmp_path / "source", ignore=NOT_SOURCE)


@pytest.fixture
def wheel_files(source, tmp_path):
	return build_wheel(source, tmp_path / "wheel")


def test_a_wheel_holds_every_file_of_the_app_and_nothing_else(source, wheel_files):
	app = {
		str(path.relative_to(source))
		for path in (source / "whatsapp_integration").rglob("*")
		if path.is_file() and not path.name.startswith(".")
	}
	assert {name for name in wheel_files if ".dist-info/" not in name} == app


def test_a_wheel_holds_the_license(wheel_files):
	assert any(name.endswith(".dist-info/licenses/license.txt") for name in wheel_files)


def test_a_source_distribution_makes_the_same_wheel(source, wheel_files, tmp_path):
	build = "import sys, setuptools.build_meta as backend; backend.build_sdist(sys.argv[1])"
	run(sys.executable, "-c", build, tmp_path, cwd=source)
	assert build_wheel(next(tmp_path.glob("*.tar.gz")), tmp_path / "again") == wheel_files


@pytest.mark.parametrize("options", [[], ["--editable"]], ids=["copied", "editable"])
def test_pip_installs_it_into_an_empty_environment(source, tmp_path, options):
	"""With the build isolation that pip and bench use; the dependencies are left out to be quick."""
	python = tmp_path / "env" / "bin" / "python"
	run(sys.executable, "-m", "venv", tmp_path / "env")
	install = [python, "-m", "pip", "install", "--disable-pip-version-check", "--no-deps", *options, source]
	done = subprocess.run(install, cwd=tmp_path, capture_output=True, text=True)
	if done.returncode and any(words in done.stderr for words in NO_INDEX):
		pytest.skip("no package index to build with: " + done.stderr.strip().splitlines()[-1])
	assert done.returncode == 0, done.stderr

	ask = "import whatsapp_integration as app, importlib.metadata as m; print(app.__version__, m.version(app.__name__))"
	imported, installed = run(python, "-c", ask, cwd=tmp_path).split()
	assert imported == installed
	requires = "import importlib.metadata as m; print(*m.requires('whatsapp_integration'), sep='\\n')"
	assert "phonenumbers" in run(python, "-c", requires, cwd=tmp_path)


def build_wheel(source: Path, folder: Path) -> set[str]:
	options = ["--no-deps", "--no-build-isolation", "--wheel-dir", folder]
	run(sys.executable, "-m", "pip", "wheel", *options, source)
	with zipfile.ZipFile(next(folder.glob("*.whl"))) as wheel:
		return set(wheel.namelist())


def run(*command, **kwargs) -> str:
	done = subprocess.run(command, capture_output=True, text=True, **kwargs)
	assert done.returncode == 0, done.stderr
	return done.stdout
