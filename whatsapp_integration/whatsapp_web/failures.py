"""Turns what Selenium and its HTTP connection raise into the errors of this room."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from whatsapp_integration.core.errors import _
from whatsapp_integration.whatsapp_web.errors import BrowserLost, PageChanged, PageHung


@contextmanager
def guarded() -> Iterator[None]:
	"""Run commands of a browser; raises PageHung, PageChanged or BrowserLost for whatever goes wrong in them.

	A crashed tab, a session that is gone and a driver that is gone can't be mended: all are BrowserLost. That a script
	threw, or that an element is not there, is the page's doing.
	"""
	from selenium.common import exceptions as selenium
	from urllib3 import exceptions as http

	try:
		yield
	except selenium.TimeoutException as err:
		raise PageHung(_("The page does not answer."), code="page_hung", details=first_line(err)) from err
	except http.TimeoutError as err:
		raise PageHung(
			_("The browser does not answer."), code="driver_hung", details=first_line(err)
		) from err
	except (selenium.JavascriptException, selenium.NoSuchElementException) as err:
		raise PageChanged(
			_("The page is not as expected: {0}"), first_line(err), code="page", details=first_line(err)
		) from err
	except (selenium.WebDriverException, http.HTTPError) as err:
		raise BrowserLost(_("The browser was lost."), code="browser_lost", details=first_line(err)) from err


def first_line(err: Exception) -> str:
	"""Return what an error says without chromedriver's stack trace."""
	lines = (getattr(err, "msg", None) or str(err)).strip().splitlines()
	return lines[0] if lines else type(err).__name__
