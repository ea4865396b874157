import ast

import pytest
from packaging.requirements import Requirement

try:
	import tomllib
except ModuleNotFoundError:  # Python 3.10, where pytest brings tomli
	import tomli as tomllib

# What Frappe's own pyproject.toml lets into a bench: version-15, version-16.
FRAPPE_PINS = {
	"phonenumbers": ("8.13.13", "9.0.21"),
	"requests": ("2.32.0", "2.33.0"),
	"pillow": ("10.3.0", "12.2.0"),
	"werkzeug": ("3.0.1", "3.1.6"),
	"click": ("8.1.7", "8.3.1"),
}


@pytest.fixture
def pyproject(root):
	return tomllib.loads((root / "pyproject.toml").read_text())


@pytest.fixture
def requirements(root):
	lines = (line.partition("#")[0].strip() for line in (root / "requirements.txt").read_text().splitlines())
	return {requirement.name: requirement for requirement in map(Requirement, filter(None, lines))}


def read_assignments(path):
	"""The names a module assigns at its top, with the expressions they get."""
	tree = ast.parse(path.read_text())
	return {node.targets[0].id: node.value for node in tree.body if isinstance(node, ast.Assign)}


def test_setup_py_names_the_app_literally_for_bench(root):
	assert 'name="whatsapp_integration"' in (root / "setup.py").read_text()


def test_the_version_can_be_read_without_importing_the_app(root):
	module = root / "whatsapp_integration" / "__init__.py"
	assert len(ast.parse(module.read_text()).body) == 1
	assert ast.literal_eval(read_assignments(module)["__version__"])


def test_hooks_hold_a_literal_title_and_name(root):
	hooks = read_assignments(root / "whatsapp_integration" / "hooks.py")
	assert ast.literal_eval(hooks["app_title"]).strip()
	assert ast.literal_eval(hooks["app_name"]) == "whatsapp_integration"


def test_required_apps_are_on_one_line(root):
	"""Frappe Cloud reads them with a pattern."""
	required = read_assignments(root / "whatsapp_integration" / "hooks.py").get("required_apps")
	assert required is None or required.lineno == required.end_lineno


def test_there_is_one_list_of_dependencies(pyproject):
	assert pyproject["project"]["dynamic"] == ["version", "dependencies"]
	assert pyproject["tool"]["setuptools"]["dynamic"]["dependencies"] == {"file": ["requirements.txt"]}


def test_frappe_comes_from_bench(pyproject, requirements):
	assert pyproject["tool"]["bench"]["frappe-dependencies"] == {"frappe": ">=15.0.0,<17.0.0"}
	assert "frappe" not in requirements


def test_every_requirement_has_both_ends(requirements):
	for requirement in requirements.values():
		assert {spec.operator for spec in requirement.specifier} == {">=", "<"}, requirement.name


@pytest.mark.parametrize("name", FRAPPE_PINS)
def test_installing_the_app_moves_none_of_frappes_packages(requirements, name):
	for version in FRAPPE_PINS[name]:
		assert requirements[name].specifier.contains(version), version
