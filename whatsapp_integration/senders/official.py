"""The Official way: the WhatsApp Business Cloud API."""

from __future__ import annotations

import time
from collections.abc import Callable

from whatsapp_integration.cloud_api.check_up import check_up
from whatsapp_integration.cloud_api.client import CloudApiClient
from whatsapp_integration.cloud_api.media import MediaIds
from whatsapp_integration.cloud_api.payloads import build_message
from whatsapp_integration.core.config import OFFICIAL, DeviceConfig
from whatsapp_integration.core.errors import FixRequest, _
from whatsapp_integration.core.events import MediaInfo
from whatsapp_integration.core.messages import CONTENTS, MediaContent, Outgoing, Sent
from whatsapp_integration.core.report import LineReport
from whatsapp_integration.senders.base import Sender


class OfficialSender(Sender):
	"""Sends by the Cloud API; holds no state but connections and the media ids of files it has uploaded."""

	MODE = OFFICIAL
	KINDS = frozenset(CONTENTS)

	def __init__(
		self,
		device: DeviceConfig,
		client: CloudApiClient | None = None,
		clock: Callable[[], float] = time.time,
	):
		super().__init__(device)
		self.client = client or CloudApiClient(device)
		self._media_ids = MediaIds(self.client.upload_media, clock)

	def connect(self, webhook_url: str) -> LineReport:
		return check_up(self.client, self.device, webhook_url)

	def mark_read(self, message_id: str, *, typing: bool = False) -> None:
		self.client.mark_read(message_id, typing)

	def fetch_media(self, media: MediaInfo) -> tuple[bytes, str]:
		return self.client.download_media(media)

	def close(self) -> None:
		self.client.close()

	def _deliver(self, message: Outgoing) -> Sent:
		return self.client.send(build_message(message, self._media_id(message)))

	def _media_id(self, message: Outgoing) -> str:
		"""Return the media id of the message's file, uploaded where need be; "" where it has none."""
		if not isinstance(message.content, MediaContent) or not message.content.media.file:
			return ""
		if message.file is None:
			raise FixRequest(_("The file of the message is missing. Attach it again."), code="file")
		return self._media_ids.get(message.file)
