"""Where Meta posts. Events repeat and come out of order: a post is only stored here, the work is done behind the answer."""

import frappe
from werkzeug.wrappers import Response

from whatsapp_integration.core.webhook import answer_challenge
from whatsapp_integration.host.site import SiteHost
from whatsapp_integration.services import webhooks

PATH = "/api/method/whatsapp_integration.api.webhook.receive"


@frappe.whitelist(allow_guest=True, methods=["GET", "POST"])
def receive() -> Response:
	"""GET answers Meta's challenge in plain text. POST answers 200 when stored, 403 unsigned, 413 too large.

	Frappe commits every POST before its answer leaves; where that fails it answers 500 and Meta posts again.
	"""
	if frappe.request.method == "GET":
		return _answer_challenge()
	if (frappe.request.content_length or 0) > webhooks.MAX_BYTES:
		return Response(status=413)
	try:
		webhooks.receive(
			SiteHost(), frappe.request.get_data(), frappe.get_request_header("X-Hub-Signature-256")
		)
	except webhooks.TooLarge:
		return Response(status=413)
	except webhooks.Forbidden as err:
		return Response(str(err), status=403, mimetype="text/plain")
	return Response(status=200, mimetype="text/plain")


def refuse_unreadable(response: Response, request) -> None:
	"""After every request: Frappe reads a JSON body before any method of an app, and answers 500 where it can't.

	An unreadable body is the sender's mistake, so for the webhook that becomes an empty 400.
	"""
	if response.status_code == 500 and request.path == PATH and not webhooks.is_json(request.get_data()):
		response.status_code = 400
		response.set_data("")


def _answer_challenge() -> Response:
	for token in SiteHost().verify_tokens():
		challenge = answer_challenge(frappe.request.args, token)
		if challenge is not None:
			return Response(challenge, mimetype="text/plain")
	return Response(status=403)
