"""The site over real HTTP, within a test: web server, jobs and realtime, as a bench runs them."""

import os
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import traceback
from contextlib import ExitStack
from pathlib import Path
from unittest import mock

import frappe
import frappe.app
import requests
from frappe.core.doctype.user.user import generate_keys
from werkzeug.middleware.shared_data import SharedDataMiddleware
from werkzeug.serving import WSGIRequestHandler, make_server


class Quiet(WSGIRequestHandler):
	def log_request(self, *args):
		pass


class SiteServer:
	"""Serves the current site and its assets on `url` in a thread, as `bench serve` would."""

	def __init__(self):
		frappe.app._site = frappe.local.site
		application = SharedDataMiddleware(frappe.app.application, {"/assets": str(assets_folder())})
		self._server = make_server("127.0.0.1", 0, application, threaded=True, request_handler=Quiet)
		self.url = f"http://127.0.0.1:{self._server.port}"
		self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
		self._thread.start()

	def stop(self):
		self._server.shutdown()
		self._thread.join()
		self._server.server_close()
		frappe.app._site = None

	def client(self, user: str) -> "Client":
		secret = generate_keys(user)["api_secret"]
		key = frappe.db.get_value("User", user, "api_key")
		frappe.db.commit()
		return Client(self.url, f"token {key}:{secret}")


class Client:
	"""REST as an outside program does it."""

	def __init__(self, url: str, authorization: str = ""):
		self.url = url
		self.session = requests.Session()
		if authorization:
			self.session.headers["Authorization"] = authorization

	def call(self, method: str, **values) -> requests.Response:
		return self.session.post(
			f"{self.url}/api/method/whatsapp_integration.api.{method}", json=values, timeout=30
		)

	def done(self, method: str, **values) -> dict:
		"""What the method returned; fails where it was refused."""
		response = self.call(method, **values)
		assert response.status_code == 200, response.text
		return response.json()["message"]


class Jobs:
	"""Does these jobs again and again in a thread, each time as a new job of the current site, until `stop`."""

	PAUSE = 0.2  # seconds

	def __init__(self, *jobs):
		self._jobs = jobs
		self._site, self._sites_path = frappe.local.site, frappe.local.sites_path
		self._stopped = threading.Event()
		self._thread = threading.Thread(target=self._run, daemon=True)
		self._thread.start()

	def stop(self):
		self._stopped.set()
		self._thread.join()

	def _run(self):
		while not self._stopped.wait(self.PAUSE):
			frappe.init(self._site, sites_path=self._sites_path, force=True)
			frappe.connect()
			try:
				for job in self._jobs:
					job()
					frappe.db.commit()
			except Exception:
				traceback.print_exc()  # the next round tries again, as a bench's does
			finally:
				frappe.destroy()


class Realtime:
	"""The bench's socket.io server for the current site, on a `port` of its own."""

	def __init__(self):
		self.port = _free_port()
		bench = os.path.dirname(os.path.abspath(frappe.local.sites_path))
		self._process = subprocess.Popen(
			["node", str(_frappe_folder() / "socketio.js")],
			stdout=subprocess.DEVNULL,
			env=os.environ
			| {
				"FRAPPE_BENCH_ROOT": bench,
				"FRAPPE_SITE": frappe.local.site,  # the one that 127.0.0.1 stands for
				"FRAPPE_SOCKETIO_PORT": str(self.port),
			},
		)
		self._wait_until_open()

	def stop(self):
		self._process.terminate()
		self._process.wait(10)

	def _wait_until_open(self):
		for _attempt in range(200):
			with socket.socket() as probe:
				if probe.connect_ex(("127.0.0.1", self.port)) == 0:
					return
			try:
				code = self._process.wait(0.1)
			except subprocess.TimeoutExpired:
				continue
			raise AssertionError(f"The socket.io server ended with {code}.")
		self.stop()
		raise AssertionError("The socket.io server did not open its port.")

	@staticmethod
	def missing() -> str:
		"""What keeps the server from running here, "" when nothing does."""
		if not shutil.which("node"):
			return "no node in the PATH"
		if not (_frappe_folder() / "node_modules" / "socket.io").is_dir():
			return "no socket.io in the node_modules of frappe: run `bench setup requirements --node`"
		return ""


class Worker:
	"""`bench whatsapp-worker` of the current site, as a process of its own."""

	STOP_SECONDS = 20  # process managers kill after so long

	def __init__(self):
		command = (
			"-m",
			"frappe.utils.bench_helper",
			"frappe",
			"--site",
			frappe.local.site,
			"whatsapp-worker",
		)
		self._said = tempfile.TemporaryFile("w+")  # noqa: SIM115 - it lives as long as the process
		self._process = subprocess.Popen(
			[sys.executable, *command],
			cwd=os.path.abspath(frappe.local.sites_path),
			stdout=self._said,
			stderr=subprocess.STDOUT,
		)
		self.pid = self._process.pid

	def is_running(self) -> bool:
		return self._process.poll() is None

	def processes(self) -> list:
		"""It and everything that it started, as psutil sees them."""
		import psutil

		worker = psutil.Process(self.pid)
		return [worker, *worker.children(recursive=True)]

	@staticmethod
	def living(processes: list) -> list:
		"""Those that still run. In a container nobody may collect what has ended."""
		import psutil

		def lives(process) -> bool:
			try:
				return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
			except psutil.NoSuchProcess:
				return False

		return [*filter(lives, processes)]

	def stop(self) -> int:
		"""End it as a process manager does, by force when it does not end in time; the exit code."""
		self._process.terminate()
		try:
			return self._process.wait(self.STOP_SECONDS)
		except subprocess.TimeoutExpired:
			self._process.kill()
			return self._process.wait()

	def said(self) -> str:
		"""What it wrote to the terminal."""
		self._said.seek(0)
		return self._said.read()


def as_bench_start(**config) -> ExitStack:
	"""Until this is closed, requests and jobs begin as under `bench start`, with these values in the configuration."""
	read = frappe.get_site_config
	stack = ExitStack()
	stack.enter_context(
		mock.patch.object(
			frappe, "get_site_config", lambda *args, **kw: frappe._dict(read(*args, **kw), **config)
		)
	)
	# Pages of a development server go to the socket.io server's own port; others expect a proxy before both.
	stack.enter_context(mock.patch.object(frappe, "_dev_server", 1))
	return stack


def missing_asset(*bundles: str) -> str:
	"""The first of these bundles that is not built in this bench, "" when all are."""
	folder = assets_folder()
	known = {}
	for name in ("assets.json", "assets-rtl.json"):
		if (folder / name).exists():
			known |= frappe.parse_json((folder / name).read_text())
	for bundle in bundles:
		path = known.get(bundle, "").removeprefix("/assets/")
		if not path or not (folder / path).exists():
			return bundle
	return ""


def assets_folder() -> Path:
	return Path(frappe.local.sites_path).absolute() / "assets"


def _frappe_folder() -> Path:
	return Path(frappe.__file__).resolve().parents[1]


def _free_port() -> int:
	with socket.socket() as probe:
		probe.bind(("127.0.0.1", 0))
		return probe.getsockname()[1]
