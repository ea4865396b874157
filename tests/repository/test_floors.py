import subprocess
import sys

ROOMS = ("cli", "core", "cloud_api", "downloads", "whatsapp_web", "senders", "store", "services", "sandbox")
MODULES = ("host/base.py", "host/local.py", "host/schema.py")

# In a process of its own: a module set to None can't be imported, and what the tests loaded doesn't count.
IMPORT_ALL = """
import importlib, sys
sys.modules["frappe"] = None
for name in sys.argv[1:]:
	importlib.import_module(name)
loaded = {"selenium", "webdriver_manager"} & set(sys.modules)
assert not loaded, f"imported at once instead of at first use: {loaded}"
"""


def test_the_floors_import_without_frappe_and_without_starting_selenium(root):
	package = root / "whatsapp_integration"
	files = [path for room in ROOMS for path in sorted((package / room).rglob("*.py"))]
	files += [package / name for name in MODULES if (package / name).exists()]
	names = [".".join(path.relative_to(root).with_suffix("").parts) for path in files]
	names = [name.removesuffix(".__init__") for name in names if not name.endswith(".__main__")]
	command = [sys.executable, "-c", IMPORT_ALL, *names]
	done = subprocess.run(command, cwd=root, capture_output=True, text=True)
	assert done.returncode == 0, done.stderr
