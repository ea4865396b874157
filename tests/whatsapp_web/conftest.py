from __future__ import annotations

import http.server
import shutil
import threading

import pytest

from whatsapp_integration.core.config import WebConfig
from whatsapp_integration.whatsapp_web import driver


@pytest.fixture(scope="session")
def chromium():
	"""A machine with a browser and its driver."""
	search = [
		(names, path) for names in (driver.BROWSERS, driver.DRIVERS) for path in (None, driver.SYSTEM_PATH)
	]
	found = {names for names, path in search if any(shutil.which(name, path=path) for name in names)}
	if len(found) < 2:
		pytest.skip("needs Chromium or Chrome and its chromedriver: apt install chromium chromium-driver")


@pytest.fixture
def web_config(chromium, tmp_path):
	return WebConfig(folder=str(tmp_path))


@pytest.fixture(scope="session")
def site():
	"""A site on this machine: `pages` maps paths to HTML, `url` is its root."""

	class Handler(http.server.BaseHTTPRequestHandler):
		def do_GET(self):
			page = self.server.pages.get(self.path)
			self.send_response(200 if page is not None else 404)
			self.send_header("Content-Type", "text/html; charset=utf-8")
			self.end_headers()
			self.wfile.write((page or "").encode())

		def log_message(self, *_arguments):
			pass

	server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
	server.pages = {"/": "<p>hello</p>"}
	server.url = f"http://127.0.0.1:{server.server_port}/"
	thread = threading.Thread(target=server.serve_forever)
	thread.start()
	yield server
	server.shutdown()
	server.server_close()
	thread.join()
