"""Is this number ready? Token, number, subscription and webhook, one after the other."""

from __future__ import annotations

from whatsapp_integration.cloud_api.answers import NumberInfo
from whatsapp_integration.cloud_api.client import CloudApiClient
from whatsapp_integration.core import phone
from whatsapp_integration.core.config import DeviceConfig
from whatsapp_integration.core.errors import FixCredentials, SendError, _
from whatsapp_integration.core.report import Check, LineReport

# Number states that send (DOC/business-phone-numbers); an empty one comes from older API versions.
_READY_STATES = frozenset({"CONNECTED", "FLAGGED", "RESTRICTED", ""})


def check_up(client: CloudApiClient, device: DeviceConfig, webhook_url: str) -> LineReport:
	"""Check everything a line needs, subscribe the app where it is not, and say in words what is missing.

	What an earlier failure makes pointless is left out. `webhook_url` is where Meta shall post, "" to leave that as it is.
	"""
	report = LineReport()
	number = _check_number(client, report)
	if number:
		_check_own_number(device, number, report)
		_check_account(client, device, webhook_url, report)
	_check_secrets(device, report)
	return report


def _check_number(client: CloudApiClient, report: LineReport) -> NumberInfo | None:
	try:
		number = client.number_info()
	except SendError as err:
		report.is_refused = isinstance(err, FixCredentials)
		label = _("Access token") if report.is_refused else _("Phone Number ID")
		report.checks.append(Check(label, False, str(err), err.advice))
		return None
	report.checks.append(Check(_("Access token"), True))
	is_ready = number.status in _READY_STATES
	advice = "" if is_ready else _("Register the number in WhatsApp Manager, then connect again.")
	report.checks.append(Check(_("Number is ready to send"), is_ready, number.status, advice))
	report.facts.update(
		display_phone_number=number.display_phone_number,
		verified_name=number.verified_name,
		quality_rating=number.quality,
		messaging_limit=number.tier,
		throughput_level=number.throughput,
	)
	return number


def _check_own_number(device: DeviceConfig, number: NumberInfo, report: LineReport) -> None:
	"""A Phone Number ID of another line is the mistake that sends in a wrong name."""
	if not device.phone_number or not number.display_phone_number:
		return
	shown = "".join(character for character in number.display_phone_number if character.isdigit())
	is_same = phone.match_key(device.phone_number) == phone.match_key(shown)
	advice = "" if is_same else _("Correct the phone number or the Phone Number ID.")
	report.checks.append(Check(_("Number of this device"), is_same, number.display_phone_number, advice))


def _check_account(
	client: CloudApiClient, device: DeviceConfig, webhook_url: str, report: LineReport
) -> None:
	label = _("Webhooks are subscribed")
	try:
		if not client.subscribed_apps():
			client.subscribe_app()
		names = ", ".join(app.name or app.app_id for app in client.subscribed_apps())
	except SendError as err:
		report.checks.append(Check(label, False, str(err), err.advice))
		return
	advice = (
		"" if names else _("Give the token the permission whatsapp_business_management, then connect again.")
	)
	report.checks.append(Check(label, bool(names), names, advice))
	if webhook_url and device.verify_token:
		_check_address(client, device, webhook_url, report)


def _check_address(
	client: CloudApiClient, device: DeviceConfig, webhook_url: str, report: LineReport
) -> None:
	"""Point the webhooks here; Meta opens the address during the call (DOC/webhooks/override)."""
	error = advice = ""
	try:
		client.subscribe_app(webhook_url, device.verify_token)
	except SendError as err:
		error = str(err)
		advice = _("Make sure that Meta can open this address from the internet, then connect again.")
	report.checks.append(Check(_("Webhook address"), not error, error or webhook_url, advice))


def _check_secrets(device: DeviceConfig, report: LineReport) -> None:
	for label, secret, advice in (
		(
			_("App secret"),
			device.app_secret,
			_("Without the app secret every webhook is refused: copy it from the app's settings."),
		),
		(
			_("Verify token"),
			device.verify_token,
			_("Choose any word here and type the same one in the app's webhook settings."),
		),
	):
		report.checks.append(Check(label, bool(secret), "", "" if secret else advice))
