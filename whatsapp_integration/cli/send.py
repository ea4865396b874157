"""Send one message from the terminal."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import click

from whatsapp_integration.cli.console import log_to, make_console, spinner
from whatsapp_integration.cli.data import WatchedHost, find_data
from whatsapp_integration.cli.log import build_table
from whatsapp_integration.cli.options import data_option, graph_option
from whatsapp_integration.cli.waiting import wait_for
from whatsapp_integration.core import status as st
from whatsapp_integration.core.messages import CONTENTS, MEDIA_KINDS, Content, content_from_dict
from whatsapp_integration.host.base import guess_mime_type
from whatsapp_integration.services import outbox
from whatsapp_integration.services.dispatcher import Dispatcher
from whatsapp_integration.store import messages
from whatsapp_integration.store.overview import all_devices

ON_ITS_WAY = (st.QUEUED, st.SENDING)
BAD = (st.FAILED, st.UNKNOWN)


@click.command()
@data_option
@graph_option
@click.option("--device", default="", help="The line to send with; needed where there are several.")
@click.option("--to", required=True, help="Phone number with country code, or a WhatsApp user id.")
@click.option("--text", help="A text message.")
@click.option("--file", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="A file to send.")
@click.option("--caption", default="", help="Text below the file.")
@click.option("--template", metavar="NAME", help="An approved template.")
@click.option("--language", default="en_US", show_default=True, help="Of the template.")
@click.option("--value", "values", multiple=True, help="Of the template's next place; repeat it.")
@click.option(
	"--kind", type=click.Choice(list(CONTENTS)), help="What a file is sent as, or the kind of --content."
)
@click.option("--content", metavar="JSON", help="Any other kind of message, as in the documentation.")
@click.option("--reply-to", default="", metavar="ID", help="WhatsApp id of the message to quote.")
@click.option(
	"--at", type=click.DateTime(["%Y-%m-%d %H:%M", "%Y-%m-%dT%H:%M"]), help="Send then, in local time."
)
@click.option("--key", default="", help="Idempotency key: the same key never sends twice.")
@click.option(
	"--wait", default=30.0, show_default=True, help="Seconds to wait for it to leave; 0 only queues it."
)
@click.pass_context
def send(
	ctx: click.Context,
	data: str | None,
	graph_url: str | None,
	device: str,
	to: str,
	reply_to: str,
	at: datetime | None,
	key: str,
	wait: float,
	**what: Any,
) -> None:
	"""Queue one message, and send it unless a worker does it already."""
	console = make_console()
	log_to(console)
	with find_data(data, graph_url).opened() as host:
		request = outbox.SendRequest(
			content=_read_content(host, **what),
			to=to,
			device=device or _only_device(host),
			reply_to=reply_to,
			send_at=host.to_datetime(at.timestamp()) if at else None,
			idempotency_key=key,
		)
		receipt = outbox.send(host, request)
		host.db.commit()
		if wait and not at:
			with console.status("Sending …", spinner=spinner(console)):
				_push(host, receipt.name, wait)
		row = messages.get(host.db, [receipt.name], "*")[receipt.name]
	console.print(build_table(console, [row]))
	if receipt.is_duplicate:
		console.print("This idempotency key was used before; nothing new was sent.")
	elif row["status"] == st.QUEUED:
		console.print(f"It waits until {_due(row)}; the command worker sends it then.")
	ctx.exit(1 if row["status"] in BAD else 0)


def _only_device(host: WatchedHost) -> str:
	names = [row["name"] for row in all_devices(host.db)]
	if len(names) == 1:
		return names[0]
	raise click.UsageError(
		f"Choose one with --device: {', '.join(names)}" if names else "Add a device: device add"
	)


def _due(row: dict[str, Any]) -> str:
	"""When a queued message may leave, in local time; a limit may have moved it."""
	return f"{datetime.fromtimestamp(row['due'] / messages.SECOND):%d %b %Y %H:%M:%S}"


def _push(host: WatchedHost, name: str, seconds: float) -> None:
	"""Send what is due; where a worker has the lease, wait for it to do so."""
	Dispatcher(host, threads=4).drain(seconds=seconds)

	def has_left() -> bool:
		row = messages.get(host.db, [name], "`name`, `status`, `attempts`")[name]
		return row["status"] not in ON_ITS_WAY or bool(row["status"] == st.QUEUED and row["attempts"])

	wait_for(has_left, seconds)


def _read_content(
	host: WatchedHost,
	text: str | None,
	file: Path | None,
	caption: str,
	template: str | None,
	language: str,
	values: Sequence[str],
	kind: str | None,
	content: str | None,
) -> Content:
	if sum(value is not None for value in (text, file, template, content)) != 1:
		raise click.UsageError("Give exactly one of --text, --file, --template and --content.")
	if text is not None:
		return content_from_dict("text", {"body": text})
	if template is not None:
		return content_from_dict("template", _template(template, language, values))
	if content is not None:
		return content_from_dict(kind or "text", _read_json(content))
	kind = kind or _kind_of(file.name)
	if kind not in MEDIA_KINDS:
		raise click.UsageError(f"A {kind} message has no file.")
	return content_from_dict(kind, {"media": {"file": host.add_file(file)}, "caption": caption})


def _template(name: str, language: str, values: Sequence[str]) -> dict[str, Any]:
	parameters = [{"type": "text", "text": value} for value in values]
	components = [{"type": "body", "parameters": parameters}] if parameters else []
	return {"name": name, "language": language, "components": components}


def _read_json(text: str) -> dict[str, Any]:
	try:
		return json.loads(text)
	except ValueError as err:
		raise click.UsageError(f"--content is no JSON: {err}") from err


def _kind_of(filename: str) -> str:
	"""The first kind that takes files of this type; where none does, document, which says what it takes."""
	mime_type = guess_mime_type(filename)
	return next(
		(kind for kind in CONTENTS if kind in MEDIA_KINDS and mime_type in CONTENTS[kind].MIME_TYPES),
		"document",
	)
