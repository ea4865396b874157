"""Files at Meta: what may be uploaded, and how long it stays (DOC/cloud-api/reference/media)."""

from __future__ import annotations

import base64
import hashlib
import secrets
from dataclasses import dataclass

from whatsapp_integration.sandbox.errors import GraphError

KB, MB = 1024, 1024 * 1024
UPLOADED_LIFE = 30 * 86400
RECEIVED_LIFE = 7 * 86400
MIME_TYPES: dict[str, dict[str, int]] = {
	"audio": dict.fromkeys(("audio/aac", "audio/amr", "audio/mpeg", "audio/mp4", "audio/ogg"), 16 * MB),
	"document": dict.fromkeys(
		(
			"text/plain",
			"application/pdf",
			"application/msword",
			"application/vnd.ms-excel",
			"application/vnd.ms-powerpoint",
			"application/vnd.openxmlformats-officedocument.wordprocessingml.document",
			"application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
			"application/vnd.openxmlformats-officedocument.presentationml.presentation",
		),
		100 * MB,
	),
	"image": dict.fromkeys(("image/jpeg", "image/png"), 5 * MB),
	"video": dict.fromkeys(("video/mp4", "video/3gpp"), 16 * MB),
	"sticker": {"image/webp": 500 * KB},
}
LIMITS = {mime: size for group in MIME_TYPES.values() for mime, size in group.items()}


@dataclass(frozen=True)
class MediaFile:
	id: str
	number_id: str
	mime_type: str
	content: bytes
	filename: str
	expires: float

	@property
	def base_type(self) -> str:
		return base_type(self.mime_type)

	@property
	def sha256_hex(self) -> str:
		return hashlib.sha256(self.content).hexdigest()

	@property
	def sha256_base64(self) -> str:
		"""As webhooks write it."""
		return base64.b64encode(hashlib.sha256(self.content).digest()).decode()


def base_type(mime_type: str) -> str:
	return mime_type.partition(";")[0].strip().lower()


def new_media_id() -> str:
	return str(10**15 + secrets.randbelow(9 * 10**15))


def kind_of(mime_type: str) -> str:
	"""The message type a customer's file of this MIME type arrives as."""
	mime_type = base_type(mime_type)
	for kind in ("image", "video", "audio", "sticker"):
		if mime_type in MIME_TYPES[kind]:
			return kind
	return "document"


def check_upload(mime_type: str, size: int) -> None:
	"""Raise GraphError where Meta would refuse the upload."""
	limit = LIMITS.get(base_type(mime_type))
	if limit is None:
		raise GraphError(
			100,
			message=f"(#100) Param file must be a file with one of the following types: {', '.join(sorted(LIMITS))}. "
			f"Received file of type '{base_type(mime_type)}'.",
		)
	if size > limit:
		raise GraphError(
			131053, f"File size {size} exceeds the limit of {limit} bytes for {base_type(mime_type)}"
		)
	if not size:
		raise GraphError(131053, "The file is empty")


def misuse(kind: str, mime_type: str) -> str:
	"""Why a file of this MIME type can't be a message of this kind, "" when it can."""
	allowed = MIME_TYPES.get(kind, {})
	if base_type(mime_type) in allowed:
		return ""
	return f"Unsupported {kind.title()} mime type {base_type(mime_type)}. Please use one of: {', '.join(allowed)}"
