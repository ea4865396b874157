import re
from urllib.parse import urlsplit

import frappe
from frappe import _
from frappe.model.document import Document
from frappe.utils import flt

# Of semver.org, without build metadata: npm takes the text as it stands.
SEMVER = r"\d+\.\d+\.\d+(-[0-9A-Za-z-]+(\.[0-9A-Za-z-]+)*)?"
POSITIVE = (
	"connect_timeout",
	"read_timeout",
	"retry_attempts",
	"retry_base_seconds",
	"retry_ceiling_seconds",
	"unknown_after_hours",
	"media_attempts",
	"keep_webhooks_days",
	"link_minutes",
	"qr_refresh_seconds",
	"boot_seconds",
	"ack_seconds",
	"reconnect_attempts",
	"min_free_memory",
	"max_browser_memory",
	"recycle_hours",
	"warm_up_first_day",
)
NOT_NEGATIVE = (
	"official_per_second",
	"pair_seconds",
	"pair_burst",
	"unofficial_per_minute",
	"unofficial_per_hour",
	"unofficial_per_day",
	"keep_messages_days",
	"typing_speed",
	"typing_max",
	"pause_min",
	"pause_max",
	"warm_up_days",
	"first_contacts_per_day",
)


class WhatsAppSettings(Document):
	def validate(self):
		self.check_default_device()
		self.check_graph_url()
		self.check_graph_version()
		self.check_media_hosts()
		self.check_web_url()
		self.check_wa_js()
		self.check_ranges()

	def on_update(self):
		self.set_log_retention()

	def check_default_device(self):
		if self.default_device and not frappe.db.get_value("WhatsApp Device", self.default_device, "enabled"):
			frappe.throw(
				_("Device {0} is disabled. Enable it or choose another default device.").format(
					self.default_device
				)
			)

	def check_graph_url(self):
		self.graph_url = (self.graph_url or "").strip().rstrip("/")
		url = urlsplit(self.graph_url)
		if url.scheme not in ("http", "https") or not url.hostname or url.query or url.fragment:
			frappe.throw(_("The Graph URL must look like https://graph.facebook.com."))
		if url.scheme == "http" and not _is_local(url.hostname):
			frappe.throw(
				_(
					"The Graph URL must begin with https://: over http the access token could be read on its way."
				)
			)

	def check_graph_version(self):
		self.graph_version = (self.graph_version or "").strip()
		if not re.fullmatch(r"v\d+\.\d+", self.graph_version):
			frappe.throw(_("The Graph Version must look like v25.0."))

	def check_media_hosts(self):
		hosts = (self.media_hosts or "").replace(",", "\n").split()
		for host in hosts:
			if not re.fullmatch(r"[A-Za-z0-9.-]+(:\d+)?", host):
				frappe.throw(
					_("{0} is no host name. Write one a line, for example {1}.").format(
						host, "lookaside.fbsbx.com"
					)
				)
		self.media_hosts = "\n".join(hosts)

	def check_web_url(self):
		self.web_url = (self.web_url or "").strip()
		url = urlsplit(self.web_url)
		if url.scheme not in ("http", "https") or not url.hostname or url.query or url.fragment:
			frappe.throw(_("The WhatsApp Web URL must look like https://web.whatsapp.com/."))
		if url.scheme == "http" and not _is_local(url.hostname):
			frappe.throw(
				_("The WhatsApp Web URL must begin with https://: over http the account could be taken over.")
			)

	def check_wa_js(self):
		self.wa_js_version = (self.wa_js_version or "").strip().removeprefix("v")
		self.wa_js_path = (self.wa_js_path or "").strip()
		if self.wa_js_version and not re.fullmatch(SEMVER, self.wa_js_version):
			frappe.throw(_("The wa-js Version must look like 4.6.0, or be empty."))

	def check_ranges(self):
		for field in POSITIVE:
			if flt(self.get(field)) <= 0:
				frappe.throw(_("{0} must be greater than 0.").format(_(self.meta.get_label(field))))
		for field in NOT_NEGATIVE:
			if flt(self.get(field)) < 0:
				frappe.throw(_("{0} can't be negative.").format(_(self.meta.get_label(field))))
		if self.retry_ceiling_seconds < self.retry_base_seconds:
			frappe.throw(_("The longest wait can't be shorter than the first wait."))
		if flt(self.pause_max) < flt(self.pause_min):
			frappe.throw(_("The longest pause can't be shorter than the shortest pause."))

	def set_log_retention(self):
		"""Keep Frappe's Log Settings, which does the daily clearing, in step."""
		logs = frappe.get_single("Log Settings")
		logs.set(
			"logs_to_clear", [row for row in logs.logs_to_clear if row.ref_doctype != "WhatsApp Message Log"]
		)
		if self.keep_messages_days:
			logs.append(
				"logs_to_clear", {"ref_doctype": "WhatsApp Message Log", "days": self.keep_messages_days}
			)
		logs.register_doctype("WhatsApp Webhook Event", self.keep_webhooks_days)
		logs.save(ignore_permissions=True)


def on_doctype_update():
	"""Give the settings that an update brings their defaults: Frappe writes those of a Single only when it is saved."""
	kept = frappe.db.get_singles_dict("WhatsApp Settings")
	for df in frappe.get_meta("WhatsApp Settings", cached=False).fields if kept else ():
		if df.default and df.fieldname not in kept:
			frappe.db.set_single_value("WhatsApp Settings", df.fieldname, df.default)


def _is_local(host: str) -> bool:
	return "." not in host or host.endswith(".localhost") or host.startswith("127.")
