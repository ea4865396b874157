"""Templates that the sandbox begins with."""

from __future__ import annotations

from typing import Any


def _body(text: str, *values: str, **named: str) -> dict[str, Any]:
	part: dict[str, Any] = {"type": "BODY", "text": text}
	if values:
		part["example"] = {"body_text": [list(values)]}
	if named:
		examples = [{"param_name": name, "example": value} for name, value in named.items()]
		part["example"] = {"body_text_named_params": examples}
	return part


def _buttons(*buttons: dict[str, Any]) -> dict[str, Any]:
	return {"type": "BUTTONS", "buttons": list(buttons)}


def _quick(text: str) -> dict[str, Any]:
	return {"type": "QUICK_REPLY", "text": text}


def _template(
	name: str, language: str, category: str, *components: dict[str, Any], **more: Any
) -> dict[str, Any]:
	return {"name": name, "language": language, "category": category, "components": list(components), **more}


def _header(format: str, text: str = "") -> dict[str, Any]:
	return {"type": "HEADER", "format": format, **({"text": text} if text else {})}


def _footer(text: str) -> dict[str, Any]:
	return {"type": "FOOTER", "text": text}


_TRACK = {
	"type": "URL",
	"url": "https://example.com/orders/{{1}}",
	"example": ["https://example.com/orders/SO-1"],
}

SAMPLES: list[dict[str, Any]] = [
	_template(
		"hello_world",
		"en_US",
		"UTILITY",
		_header("TEXT", "Hello World"),
		_body("Welcome and congratulations!! This message demonstrates your ability to send a WhatsApp message."),
		_footer("WhatsApp Business Platform sample message"),
	),
	_template(
		"order_update",
		"en_US",
		"UTILITY",
		_header("TEXT", "Order {{1}}"),
		_body("Hello {{1}}, your order is on its way and arrives on {{2}}. Thank you!", "Sara", "12 May"),
		_buttons({**_TRACK, "text": "Track order"}),
	),
	_template(
		"order_update",
		"ar",
		"UTILITY",
		_header("TEXT", "الطلب {{1}}"),
		_body("مرحبًا {{1}}، طلبك في الطريق إليك ويصل يوم {{2}}. شكرًا لك!", "سارة", "12 مايو"),
		_buttons({**_TRACK, "text": "تتبع الطلب"}),
	),
	_template(
		"appointment_reminder",
		"en_US",
		"UTILITY",
		_body(
			"Hi {{customer_name}}, we expect you on {{day}} at {{time}}. Will you come?",
			customer_name="Omar",
			day="Monday",
			time="10:00",
		),
		_footer("Tap a button to answer"),
		_buttons(_quick("Yes, I will come"), _quick("Another time")),
		parameter_format="NAMED",
	),
	_template(
		"appointment_reminder",
		"ar",
		"UTILITY",
		_body(
			"أهلًا {{customer_name}}، نتوقع حضورك يوم {{day}} الساعة {{time}}. هل ستأتي؟",
			customer_name="عمر",
			day="الاثنين",
			time="10:00",
		),
		_footer("اضغط زرًا للرد"),
		_buttons(_quick("نعم، سأحضر"), _quick("موعد آخر")),
		parameter_format="NAMED",
	),
	_template(
		"invoice_ready",
		"en_US",
		"UTILITY",
		_header("DOCUMENT"),
		_body("Dear {{1}}, please find invoice {{2}} attached. The amount due is {{3}}.", "Sara", "INV-1", "$ 10"),
	),
	_template(
		"invoice_ready",
		"ar",
		"UTILITY",
		_header("DOCUMENT"),
		_body("عزيزي {{1}}، مرفق الفاتورة {{2}}، والمبلغ المستحق هو {{3}}.", "سارة", "INV-1", "10 دولار"),
	),
	_template(
		"season_offer",
		"en_US",
		"MARKETING",
		_header("IMAGE"),
		_body("Hello {{1}}, everything is 20% off this week. Come and see!", "Sara"),
		_footer("Not interested? Tap Stop promotions"),
		_buttons({"type": "URL", "text": "Shop now", "url": "https://example.com/shop"}, _quick("Stop promotions")),
	),
	_template(
		"season_offer",
		"ar",
		"MARKETING",
		_header("IMAGE"),
		_body("مرحبًا {{1}}، خصم 20% على كل شيء هذا الأسبوع. نحن بانتظارك!", "سارة"),
		_footer("غير مهتم؟ اضغط إيقاف العروض"),
		_buttons({"type": "URL", "text": "تسوق الآن", "url": "https://example.com/shop"}, _quick("إيقاف العروض")),
	),
	_template(
		"login_code",
		"en_US",
		"AUTHENTICATION",
		_body("*{{1}}* is your verification code. For your security, do not share this code.", "123456"),
		_footer("This code expires in 10 minutes."),
		_buttons({"type": "URL", "text": "Copy code", "url": "https://www.whatsapp.com/otp/code/?otp_type=COPY_CODE&code=otp{{1}}"}),
	),
	_template("paused_offer", "en_US", "MARKETING", _body("This template is paused."), status="PAUSED"),
	_template("pending_notice", "en_US", "UTILITY", _body("This template waits for review."), status="PENDING"),
	_template("rejected_notice", "en_US", "MARKETING", _body("Meta refused this."), status="REJECTED", rejected_reason="PROMOTIONAL"),
]  # fmt: skip
