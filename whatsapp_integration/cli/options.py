"""Options that several commands have."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from typing import Any, TypeVar

import click

from whatsapp_integration.core.config import WebConfig

Function = TypeVar("Function", bound=Callable[..., Any])

data_option = click.option(
	"--data",
	metavar="FOLDER",
	help="Data folder; by default $WHATSAPP_HOME, else ./whatsapp-data.",
)
graph_option = click.option(
	"--graph-url",
	envvar="WHATSAPP_GRAPH_URL",
	metavar="URL",
	help="Address of the Graph API, for example that of a sandbox [$WHATSAPP_GRAPH_URL].",
)


def browser_options(command: Function) -> Function:
	"""Adds `browser_path` and `driver_path`, fields of WebConfig; "" finds them."""
	command = _path_option("--driver", "driver_path", "WHATSAPP_DRIVER", "chromedriver to use")(command)
	return _path_option("--browser", "browser_path", "WHATSAPP_BROWSER", "Chromium or Chrome to use")(command)


def web_options(command: Function) -> Function:
	"""Adds `url`, `wa_js_path` and those of browser_options: all are fields of WebConfig."""
	url_option = click.option(
		"--web-url",
		"url",
		envvar="WHATSAPP_WEB_URL",
		metavar="URL",
		default=WebConfig.url,
		show_default=True,
		help="Address of WhatsApp Web, for example that of a sandbox [$WHATSAPP_WEB_URL].",
	)
	wa_js = _path_option("--wa-js", "wa_js_path", "WHATSAPP_WA_JS", "wa-js, or a stand-in of it")
	return url_option(wa_js(browser_options(command)))


class SandboxSetting(click.ParamType):
	"""KEY=VALUE, the value in JSON or as plain text."""

	name = "KEY=VALUE"

	def convert(
		self, value: Any, param: click.Parameter | None, ctx: click.Context | None
	) -> tuple[str, Any]:
		if isinstance(value, tuple):
			return value
		key, equals, text = value.partition("=")
		if not equals:
			self.fail(f"{value!r} is not KEY=VALUE, for example latency=0.2", param, ctx)
		try:
			return key, json.loads(text)
		except ValueError:
			return key, text


def _absolute(ctx: click.Context, param: click.Parameter, value: str | None) -> str:
	"""A path as it is written, links not followed: a snap's browser is known by the name of its link."""
	return os.path.abspath(value) if value else ""


def _path_option(flag: str, field: str, variable: str, text: str) -> Callable[[Function], Function]:
	return click.option(
		flag,
		field,
		envvar=variable,
		metavar="FILE",
		type=click.Path(exists=True, dir_okay=False),
		callback=_absolute,
		help=f"{text} [${variable}].",
	)
