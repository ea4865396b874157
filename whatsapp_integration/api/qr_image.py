"""A QR code as a picture that a page can show without fetching anything."""

import base64
from io import BytesIO

import qrcode
from qrcode.constants import ERROR_CORRECT_L
from qrcode.image.pil import PilImage

BOX_PIXELS = 6
BORDER_BOXES = 2


def draw(secret: str) -> str:
	"""A text as QR code: the data URL of a black and white PNG, about 350 pixels wide for what WhatsApp offers.

	The text links a phone, so it is named as a secret: Frappe's error log masks variables of such names.
	"""
	code = qrcode.QRCode(error_correction=ERROR_CORRECT_L, box_size=BOX_PIXELS, border=BORDER_BOXES)
	code.add_data(secret)
	png = BytesIO()
	code.make_image(image_factory=PilImage).save(png, "PNG")
	return "data:image/png;base64," + base64.b64encode(png.getvalue()).decode()
