"""The site over real HTTP, within a test."""

import threading

import frappe
import frappe.app
import requests
from frappe.core.doctype.user.user import generate_keys
from werkzeug.serving import make_server


class SiteServer:
	"""Serves the current site on `url` in a thread, as `bench serve` would."""

	def __init__(self):
		frappe.app._site = frappe.local.site
		self._server = make_server("127.0.0.1", 0, frappe.app.application, threaded=True)
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
