"""One message of every kind, with small files that really open, show and play."""

from __future__ import annotations

import base64
import io
import zlib
from pathlib import Path

from whatsapp_integration.core.messages import (
	Audio,
	Buttons,
	Contacts,
	Content,
	CtaUrl,
	Document,
	Flow,
	Image,
	ListMenu,
	Location,
	Media,
	Reaction,
	Sticker,
	Template,
	Text,
	Video,
	Voice,
)

GREEN, WHITE, DARK = (37, 211, 102), (255, 255, 255), (18, 140, 126)

# zlib and base85 of a second of H.264 in MP4, of Opus in Ogg, and of MP3.
_VIDEO = (
	"c-nnZy-UMD6o1!N4OOs0g${*Q+d%|}in@qW6|sV=om|phYJ)iwk~63%h>H$Rj&*Tz5&Q!bq=Q5M2p2cOMQ4Zl?$YR4KOXn;KJM"
	"N7`UL>8HNNMVp3MLvASCjn?pF)UnJNH8hna2r0AMk{PT?CxpCuCz=ZnbqsBXIm|55}G<*vSk`Uc;UHKRYXiQ50y`L%BGvw^%px"
	"rZ`sSRVg+(a9^{l1D~O9hEGj-LsELUVo6rM4ei0c;lPYP$SD|+a-OQT84-rC(PWgp_25OOsck-r@>vCx<*YIV_?U%vVl%kJYKO"
	"-zw@|9m6&S*+8?VBLl>chvJ^%PtYLiCGAp~2GgH3-k!rW`TfnF#ve=BbpCGk~@@gn?K@tKJ`MG=>)l&p|>#fD;c?%yT9Nlv|Ee"
	"K9lxZBxp#0gV-T<$(>wFf{GdJ;!c{esizt9JQ%I&uu}_LY`}KZhJg?pGM|R&532Wt4L}lnZR9nIWa15fw+o-qjt)Qg@=6!Ox=A"
	"Ttk3dW>gn;#yCBW%;%C2i{*~s=*)q{;r;u|&24aAF{F2)k&YdR?)nxQ<0PXs19g@RhUzM`wdMy@U4C-"
)
_VOICE = (
	"c-r$%PY-5bVn72-8e5APh5ZXki#<{kQy3X77#ntjCHz6kQ2-+ldrsXK!l(yQ9+H?|%mx%mOUo@tO$W(|0C8$wa(+r`k*!Z+S+Y"
	"V-W>P*-CD<gEA8|;Q0<me$;rUX$Qi9z4{Cs=@e0;nhnuiBS@bL)n^KvwwYV4F-cuQj1tg8n&mQ4S)bNRpG$H9J!V*5YJXmNGAP"
	"d%x+s;81;q02t5nC0Ktl!Bsrb(D8Da4hPT<4VeQI6ar0W1;S>Y1tXKW?1~LNpmycSg57ZaC`Tn<V*9OER9y+Sm^A=dH(YYdC^^"
	"~4;=uiT_e6Y)Bo!hfvHO22&HrUzlU8p05&Pd`$fa-oQSFeNU}N3n>ZG_8lC?zd1{(g=amZ(EB7u_3Ap#sdRYKi<)fRc_GVsj-f"
	"PqjwIo1s>EnBwE^{n2OMmVC<MX4Amh#}+AY(2xdH%T~Qpf`}W$l`mTe%>Xt>Zt!bRvVz>;jnk@Qrc0o2=#APe@*Ro6-Pv$r8>h"
	"<`M55I2Iavy!0<>ioPT-!?CD(#WRcTA1+y#&$;9_xd+OBy;VA_Y=U_N2b=Fd$7vbU%XTeX>i_^dJk$F"
)
_AUDIO = (
	"c-s5_S>gx-%Z8vGiOvj+OabrSy{qeJb#83z7HD9y|I8ojar)%q|3Eb?tUt2$Fi!GdlzP$S!qgDO5a=GDym5=6_MYSlk^h%8L28"
	"&;SHyKNUSVJmZC7FEWNzW$f3bj(L1K!2$8W8z|56@8)D$EYFfi^=F%bGG*vgZ7%A}&R=xFz<w<p$o-MVYicBoxRISdRH3XY)%8"
	"yBnp<L%I4X1Hphz;kWUH>-D77C_92h{^$)qxzw(&4q*2qxA~oK~rr7UX8E3re_isE`^w*5LLmzutQaELI+>cEzkK)x>Z5F=a;-"
	"VdiB;svj<urHEb*wfNIz*TsI4ZpE)M(<F2Uq@aEB}PZf{2-gR*|O983jWcd+Q!ocuN^}_u^1vUmNxr<pLU&FYy3S1PNrM-K>=J"
	"2p`fb9CA%9pa)^=s|()~k0<eLVKeU@_-yo*sz+bC4Q7m|eP#iZ8#0#xUpIx_osdi=^Q-#zRaGlsG|Z1le~atz8(*z$kE7g}YaN"
	";o~1K807!T$y~hp=)8!~4*{@y*dA0ZVVrEipdr2dfdxxP_s10<e!dH72!9%}%g52z73_Bg24)Y&0}Ko%dWH%bi8%!si3$dqtKa"
	"|thmP7a"
)


def files() -> dict[str, bytes]:
	"""File name → content."""
	return {
		"photo.png": draw_picture("PNG", "A photo"),
		"sticker.webp": draw_picture("WEBP", "Hi!", size=(512, 512)),
		"video.mp4": _unpack(_VIDEO),
		"voice.ogg": _unpack(_VOICE),
		"sound.mp3": _unpack(_AUDIO),
		"invoice.pdf": make_pdf("Invoice INV-0001", "Total due: 1,250.00"),
		"notes.txt": "Opening hours: 9 to 17\nمواعيد العمل: ٩ إلى ١٧\n".encode(),
	}


def write_files(folder: Path) -> dict[str, Path]:
	"""Write all files into `folder`; file name → path."""
	folder.mkdir(parents=True, exist_ok=True)
	paths = {name: folder / name for name in files()}
	for name, content in files().items():
		paths[name].write_bytes(content)
	return paths


def contents(references: dict[str, str], answered_id: str) -> dict[str, Content]:
	"""A content of every kind. `references` are the host's names of `files`; `answered_id` gets the reaction."""

	def media(name: str) -> Media:
		return Media(file=references[name])

	samples = (
		Text("Hello Sara, this is a *text* with a link: https://example.com", preview_url=True),
		Image(media("photo.png"), "A photo with a caption"),
		Video(media("video.mp4"), "A very short video"),
		Audio(media("sound.mp3")),
		Voice(media("voice.ogg")),
		Document(media("notes.txt"), "Our opening hours"),
		Sticker(media("sticker.webp")),
		Location(30.0444, 31.2357, "Our shop", "Tahrir Square, Cairo"),
		Contacts(({"name": {"formatted_name": "Omar Hassan", "first_name": "Omar"}, "phones": [_PHONE]},)),
		_template("Sara", "12 May"),
		Buttons("Shall we deliver on Monday?", "Tap an answer", buttons=_BUTTONS),
		ListMenu(
			"Which size would you like?", button="Sizes", sections=({"title": "Sizes", "rows": _SIZES},)
		),
		CtaUrl("Follow your order on our website.", display_text="Open", url="https://example.com/orders/1"),
		Flow(
			"Book an appointment.",
			flow_id="1234567890",
			flow_cta="Book",
			flow_token="try",
			flow_action_payload=_SCREEN,
		),
		Reaction(answered_id, "👍"),
	)
	return {content.KIND: content for content in samples}


def _template(name: str, day: str) -> Template:
	"""The sandbox's order_update."""
	components = (
		{"type": "header", "parameters": [{"type": "text", "text": "SO-0001"}]},
		{"type": "body", "parameters": [{"type": "text", "text": name}, {"type": "text", "text": day}]},
		{
			"type": "button",
			"sub_type": "url",
			"index": "0",
			"parameters": [{"type": "text", "text": "SO-0001"}],
		},
	)
	text = f"Hello {name}, your order is on its way and arrives on {day}. Thank you!"
	return Template("order_update", "en_US", components, text)


_PHONE = {"phone": "+20 100 765 4321", "type": "WORK", "wa_id": "201007654321"}
_BUTTONS = ({"id": "yes", "title": "Yes, please"}, {"id": "no", "title": "Another day"})
_SIZES = [
	{"id": "s", "title": "Small", "description": "For one"},
	{"id": "l", "title": "Large", "description": "For the family"},
]
_SCREEN = {"screen": "BOOKING"}


def draw_picture(format: str, text: str, size: tuple[int, int] = (480, 320)) -> bytes:
	"""A picture in WhatsApp's green with a word on it."""
	from PIL import Image as Pillow
	from PIL import ImageDraw

	picture = Pillow.new("RGB", size, GREEN)
	pen = ImageDraw.Draw(picture)
	width, height = size
	pen.ellipse((width * 0.25, height * 0.2, width * 0.75, height * 0.8), fill=WHITE, outline=DARK, width=6)
	pen.text((width / 2, height / 2), text, fill=DARK, anchor="mm")
	file = io.BytesIO()
	picture.save(file, format)
	return file.getvalue()


def make_pdf(*lines: str) -> bytes:
	"""A valid PDF of one page with lines of ASCII text."""
	escaped = [line.replace("\\", r"\\").replace("(", r"\(").replace(")", r"\)") for line in lines]
	text = "BT /F1 18 Tf 24 TL 40 160 Td " + " T* ".join(f"({line}) Tj" for line in escaped) + " ET"
	objects = (
		"<< /Type /Catalog /Pages 2 0 R >>",
		"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
		"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 420 220] /Contents 4 0 R "
		"/Resources << /Font << /F1 5 0 R >> >> >>",
		f"<< /Length {len(text)} >>\nstream\n{text}\nendstream",
		"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
	)
	body, offsets = "%PDF-1.4\n", []
	for number, content in enumerate(objects, 1):
		offsets.append(len(body))
		body += f"{number} 0 obj\n{content}\nendobj\n"
	table = "".join(f"{offset:010} 00000 n \n" for offset in offsets)
	end = f"trailer\n<< /Size {len(objects) + 1} /Root 1 0 R >>\nstartxref\n{len(body)}\n%%EOF\n"
	return f"{body}xref\n0 {len(objects) + 1}\n0000000000 65535 f \n{table}{end}".encode("ascii")


def _unpack(text: str) -> bytes:
	return zlib.decompress(base64.b85decode(text))
