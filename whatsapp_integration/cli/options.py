"""Options that several commands have."""

from __future__ import annotations

import json
from typing import Any

import click

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
