"""Run the tests that need a Frappe site on a throw-away site of the bench at FRAPPE_BENCH (default ~/frappe-bench).

The site lives in a second bench folder, made of links, that borrows the bench's apps, environment, database server and
Redis, so the bench's own sites and its own copy of this app notice nothing. The one thing added to the bench is what its
environment lacks of requirements.txt.

FRAPPE_DB_ROOT_USER and FRAPPE_DB_ROOT_PASSWORD (both "root" by default) create and drop the database. Arguments go to
`bench run-tests`.
"""

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

APP = "whatsapp_integration"
SITE = "whatsapp-ci.localhost"
CHECKOUT = Path(__file__).resolve().parent.parent

# Both run inside the bench's environment. Databases of Redis are numbered 0 to 15 and the bench uses 0.
CLAIM_REDIS = """
import sys, redis
for number in range(15, 0, -1):
	url = f"{sys.argv[1]}/{number}"
	if redis.from_url(url).set("whatsapp_integration:site_tests", 1, nx=True) and redis.from_url(url).dbsize() == 1:
		print(url)
		break
else:
	sys.exit(f"No empty database at {sys.argv[1]}.")
"""
FLUSH_REDIS = "import sys, redis; redis.from_url(sys.argv[1]).flushdb()"
# Until the setup wizard is done the desk shows nothing else.
FINISH_SETUP = """
import sys, frappe
frappe.init(sys.argv[1], sites_path=".")
frappe.connect()
frappe.db.set_default("desktop:home_page", "workspace")
frappe.db.set_single_value("System Settings", "setup_complete", 1)
if frappe.db.has_column("Installed Application", "is_setup_complete"):
	frappe.db.set_value("Installed Application", {"app_name": "frappe"}, "is_setup_complete", 1)
frappe.db.commit()
frappe.destroy()
"""
CHECK_UNINSTALLED = """
import sys, frappe
frappe.init(sys.argv[1], sites_path=".")
frappe.connect()
left = frappe.get_all("DocType", {"module": "WhatsApp Integration"}, pluck="name")
left += [table for table in frappe.db.get_tables(cached=False) if table.startswith("tabWhatsApp ")]
frappe.destroy()
if left:
	sys.exit(f"Left behind by uninstall-app: {left}")
"""


class Bench:
	"""The second bench folder. Everything it makes is registered in `undo` at once."""

	def __init__(self, source: Path, undo: ExitStack):
		self.source = source
		self.undo = undo
		self.python = source / "env" / "bin" / "python"
		self.folder = Path(tempfile.mkdtemp(prefix="whatsapp-bench-"))
		undo.callback(shutil.rmtree, self.folder, ignore_errors=True)
		self.sites = self.folder / "sites"
		self.env = os.environ | {
			"CI": "1",  # run-tests tells of failures by its exit code only in CI
			"FRAPPE_BENCH_ROOT": str(self.folder),
			"PYTHONPATH": str(CHECKOUT),  # wins over a copy that is installed in the environment
		}

	def build(self) -> None:
		for name in ("apps", "config/pids", "logs", "sites"):
			(self.folder / name).mkdir(parents=True)
		(self.folder / "env").symlink_to(self.source / "env")
		apps = (self.source / "sites" / "apps.txt").read_text().split()
		apps = [app for app in apps if app != APP]
		for app in apps:
			(self.folder / "apps" / app).symlink_to(self.source / "apps" / app)
		(self.folder / "apps" / APP).symlink_to(CHECKOUT)
		(self.sites / "apps.txt").write_text("\n".join([*apps, APP]) + "\n")
		(self.sites / "common_site_config.json").write_text(json.dumps(self._config(), indent=1))
		self._link_assets()

	def create_site(self) -> None:
		user = os.environ.get("FRAPPE_DB_ROOT_USER", "root")
		password = os.environ.get("FRAPPE_DB_ROOT_PASSWORD", "root")
		root = [f"--db-root-username={user}", f"--db-root-password={password}"]
		database = f"whatsapp_ci_{os.getpid()}"
		self.undo.callback(self.frappe, "drop-site", SITE, "--force", "--no-backup", *root, check=False)
		self.frappe("new-site", SITE, "--db-name", database, "--admin-password", "admin", *root)
		self.run_python("-c", FINISH_SETUP, SITE)

	def build_assets(self) -> None:
		"""Build what this app brings to the desk, into the second folder. The other apps' assets are the bench's."""
		frappe = self.folder / "apps" / "frappe"
		if not shutil.which("node") or not (frappe / "node_modules" / "esbuild").is_dir():
			print("SKIPPED building the assets: no node, or no node_modules in frappe", flush=True)
			return
		print(f"==> node esbuild --apps {APP}", flush=True)
		subprocess.run(
			["node", "esbuild", "--apps", APP],
			cwd=frappe,
			env=self.env,
			stdout=subprocess.DEVNULL,
			check=True,
		)

	def frappe(self, *args: str, check: bool = True) -> None:
		"""Run a command as `bench` would."""
		print(f"==> bench {args[2] if args[0] == '--site' else args[0]}", flush=True)
		begin = time.monotonic()
		self.run_python("-m", "frappe.utils.bench_helper", "frappe", *args, check=check)
		print(f"    {time.monotonic() - begin:.0f} s", flush=True)

	def run_python(self, *args: str, check: bool = True, capture: bool = False) -> str:
		done = subprocess.run(
			[self.python, *args],
			cwd=self.sites,
			env=self.env,
			stdout=subprocess.PIPE if capture else None,
			text=True,
			check=check,
		)
		return (done.stdout or "").strip()

	def _link_assets(self) -> None:
		"""Links, but files of our own wherever building this app writes."""
		own = self.sites / "assets"
		(own / APP).mkdir(parents=True)
		for path in (self.source / "sites" / "assets").glob("*"):
			if path.suffix == ".json":
				shutil.copy(path, own)
			elif path.name != APP:
				(own / path.name).symlink_to(path)
		for path in (CHECKOUT / APP / "public").iterdir():
			if path.name != "dist":
				(own / APP / path.name).symlink_to(path)

	def _config(self) -> dict:
		config = json.loads((self.source / "sites" / "common_site_config.json").read_text())
		# In developer mode saving a DocType writes into the checkout.
		config |= {"developer_mode": 0, "allow_tests": True, "serve_default_site": False}
		config.pop("default_site", None)
		# Databases of our own, so that the bench's workers don't take our jobs.
		for key in ("redis_cache", "redis_queue"):
			config[key] = self.run_python("-c", CLAIM_REDIS, config[key].rstrip("/"), capture=True)
			self.undo.callback(self.run_python, "-c", FLUSH_REDIS, config[key], check=False)
		return config


def main() -> int:
	source = Path(os.environ.get("FRAPPE_BENCH") or "~/frappe-bench").expanduser()
	if not (source / "apps" / "frappe").is_dir() or not (source / "env" / "bin" / "python").exists():
		print(f"SKIPPED site tests: no Frappe bench at {source}; set FRAPPE_BENCH to run them")
		return 0
	signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
	try:
		with ExitStack() as undo:
			run_site_tests(Bench(source.resolve(), undo))
	except subprocess.CalledProcessError as err:
		print(f"FAILED site tests: the last command ended with {err.returncode}")
		return 1
	print("Site tests passed.")
	return 0


def run_site_tests(bench: Bench) -> None:
	start_services(bench.source)
	install_requirements(bench.python)
	bench.build()
	bench.build_assets()
	bench.create_site()
	bench.frappe("--site", SITE, "install-app", APP)
	bench.frappe("--site", SITE, "run-tests", "--app", APP, *sys.argv[1:])
	bench.frappe("--site", SITE, "uninstall-app", APP, "--yes", "--no-backup", "--force")
	bench.run_python("-c", CHECK_UNINSTALLED, SITE)
	bench.frappe("--site", SITE, "install-app", APP)


def start_services(source: Path) -> None:
	"""A bench may bring a script that starts its database and Redis; without one they have to run already."""
	if os.access(source / "up.sh", os.X_OK):
		subprocess.run([source / "up.sh", "mariadb", "redis_cache", "redis_queue"], check=True)


def install_requirements(python: Path) -> None:
	has_pip = subprocess.run([python, "-m", "pip", "--version"], capture_output=True).returncode == 0
	install = [python, "-m", "pip", "install"] if has_pip else ["uv", "pip", "install", "--python", python]
	subprocess.run([*install, "--quiet", "-r", CHECKOUT / "requirements.txt"], check=True)


if __name__ == "__main__":
	sys.exit(main())
