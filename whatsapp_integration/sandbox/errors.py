"""Meta's error answers: codes, texts and HTTP status (DOC/support/error-codes of the WhatsApp documentation)."""

from __future__ import annotations

import secrets
from typing import Any

OAUTH = "OAuthException"

# code: (HTTP status, text). The status is that of Meta's older table where the current page has none.
ERRORS: dict[int, tuple[int, str]] = {
	0: (401, "AuthException"),
	1: (400, "API Unknown"),
	2: (503, "API Service"),
	3: (500, "API Method"),
	4: (400, "API Too Many Calls"),
	10: (403, "Permission Denied"),
	33: (400, "Parameter value is not valid"),
	100: (400, "Invalid parameter"),
	190: (401, "Invalid OAuth access token - Cannot parse access token"),
	200: (403, "Permissions error"),
	368: (403, "Temporarily blocked for policies violations"),
	2200: (400, "Callback verification failed"),
	80007: (400, "Rate limit issues"),
	130403: (400, "User is blocked by the business"),
	130429: (400, "Rate limit hit"),
	130472: (400, "User's number is part of an experiment"),
	130497: (400, "Business account is restricted from messaging users in this country"),
	131000: (500, "Something went wrong"),
	131005: (403, "Access denied"),
	131008: (400, "Required parameter is missing"),
	131009: (400, "Parameter value is not valid"),
	131016: (500, "Service unavailable"),
	131021: (400, "Recipient cannot be sender"),
	131026: (400, "Message undeliverable"),
	131030: (400, "Recipient phone number not in allowed list"),
	131031: (403, "Account has been locked"),
	131037: (400, "Display name approval needed"),
	131042: (400, "Business eligibility payment issue"),
	131045: (500, "Incorrect certificate"),
	131047: (400, "Re-engagement message"),
	131048: (400, "Spam rate limit hit"),
	131049: (400, "This message was not delivered to maintain healthy ecosystem engagement"),
	131050: (400, "User has stopped receiving marketing messages from this business"),
	131051: (400, "Unsupported message type"),
	131052: (400, "Media download error"),
	131053: (400, "Media upload error"),
	131055: (400, "Only marketing messages are supported"),
	131056: (400, "(Business Account, Consumer Account) pair rate limit hit"),
	131057: (500, "Account in maintenance mode"),
	131062: (400, "Business-scoped user id is not supported for this message"),
	131063: (400, "Marketing messages are disabled"),
	132000: (400, "Number of parameters does not match the expected number of params"),
	132001: (404, "Template name does not exist in the translation"),
	132005: (400, "Translated text too long"),
	132007: (400, "Template format character policy violated"),
	132012: (400, "Parameter format does not match format in the created template"),
	132015: (400, "Template is paused"),
	132016: (400, "Template is disabled"),
	132018: (400, "Template parameters are not valid"),
	132068: (400, "Flow is blocked"),
	132069: (400, "Flow is throttled"),
	133004: (503, "Server temporarily unavailable"),
	133010: (400, "Phone number is not registered"),
	135000: (400, "Generic user error"),
	137000: (400, "Recipient identity key hash mismatch"),
}


class GraphError(Exception):
	"""An error answer. `details` is Meta's `error_data.details`; `message` replaces the text of the table."""

	def __init__(
		self,
		code: int,
		details: str = "",
		*,
		message: str = "",
		status: int = 0,
		subcode: int = 0,
		type: str = OAUTH,
	):
		table_status, text = ERRORS.get(code, (400, "Unknown error"))
		self.code = code
		self.details = details
		self.status = status or table_status
		self.message = message or (text if code in (0, 190) else f"(#{code}) {text}")
		self.subcode = subcode
		self.type = type
		super().__init__(self.message)

	def to_dict(self) -> dict[str, Any]:
		error: dict[str, Any] = {"message": self.message, "type": self.type, "code": self.code}
		if self.details:
			error["error_data"] = {"messaging_product": "whatsapp", "details": self.details}
		if self.subcode:
			error["error_subcode"] = self.subcode
		error["fbtrace_id"] = "A" + secrets.token_urlsafe(17)[:22]
		return {"error": error}


def title(code: int) -> str:
	return ERRORS.get(code, (400, "Unknown error"))[1]


def status_error(code: int, details: str = "") -> dict[str, Any]:
	"""The entry of `statuses[].errors` that says why a message failed."""
	return {
		"code": code,
		"title": title(code),
		"message": title(code),
		"error_data": {"details": details or title(code)},
		"href": "https://developers.facebook.com/documentation/business-messaging/whatsapp/support/error-codes",
	}


def missing(where: str) -> GraphError:
	return GraphError(131008, f"Parameter '{where}' is mandatory")


def invalid(details: str) -> GraphError:
	return GraphError(131009, details)


def no_such_object(method: str, node: str) -> GraphError:
	"""What Meta says of an id it doesn't know or that the token may not see."""
	return GraphError(
		100,
		message=f"Unsupported {method.lower()} request. Object with ID '{node}' does not exist, cannot be loaded due to "
		"missing permissions, or does not support this operation. Please read the Graph API documentation at "
		"https://developers.facebook.com/docs/graph-api",
		subcode=33,
		type="GraphMethodException",
	)
