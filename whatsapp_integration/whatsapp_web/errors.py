"""What can go wrong with a browser, in classes named by what the session does next."""

from __future__ import annotations

from whatsapp_integration.core.errors import WhatsAppError, _


class BrowserError(WhatsAppError):
	"""Base of the errors of this room."""


class SetupError(BrowserError):
	"""Something is missing on this machine; trying again can't help until somebody installs it."""

	advice = _("On Debian or Ubuntu run: apt install chromium chromium-driver. Then press Restart.")


class ProfileInUse(BrowserError):
	"""Another living process has the profile; two browsers would destroy the link."""

	advice = _("Stop the other whatsapp-worker, or wait until it has ended.")


class BrowserLost(BrowserError):
	"""Browser, driver or tab is gone, or did not start; a new browser is the answer."""

	advice = _("Nothing to do: it is started again by itself.")


class PageHung(BrowserLost):
	"""The page does not answer any more."""


class PageChanged(BrowserError):
	"""WhatsApp Web is not the page that the bridge knows: it changed, or shows something else."""

	advice = _("Look at the screenshot. A newer wa-js may be needed: see WhatsApp Settings, WhatsApp Web.")


class JobFailed(Exception):
	"""The page could not do a job; `has_left` tells whether a message may have left all the same.

	`code` is the bridge's or wa-js' own word, or one of the session's: not_connected, browser_lost, page_reloaded, timeout.
	"""

	def __init__(self, code: str, text: str = "", *, has_left: bool = False):
		super().__init__(code, text)
		self.code, self.text, self.has_left = code, text, has_left
