import io
import re

from PIL import Image

from whatsapp_integration.cli import samples
from whatsapp_integration.core.config import OFFICIAL
from whatsapp_integration.core.messages import CONTENTS
from whatsapp_integration.host.base import guess_mime_type


def test_there_is_a_sample_of_every_kind_and_whatsapp_would_take_it():
	contents = samples.contents({name: name for name in samples.files()}, "wamid.1")
	assert list(contents) == list(CONTENTS)
	for kind, content in contents.items():
		assert isinstance(content, CONTENTS[kind])
		content.check(OFFICIAL)


def test_the_files_are_what_their_names_say():
	files = samples.files()
	for name, content in files.items():
		assert guess_mime_type(name) != "application/octet-stream"
		assert 0 < len(content) < 20_000
	assert Image.open(io.BytesIO(files["photo.png"])).format == "PNG"
	assert Image.open(io.BytesIO(files["sticker.webp"])).size == (512, 512)
	assert files["video.mp4"][4:8] == b"ftyp"
	assert files["voice.ogg"].startswith(b"OggS") and b"OpusHead" in files["voice.ogg"][:64]
	assert files["sound.mp3"][:1] == b"\xff"


def test_the_table_of_the_pdf_points_to_its_objects():
	pdf = samples.make_pdf("A (bracketed) line", "and \\ another")
	assert pdf.startswith(b"%PDF-1.") and pdf.endswith(b"%%EOF\n")
	start = int(re.search(rb"startxref\n(\d+)\n", pdf)[1])
	assert pdf[start:].startswith(b"xref\n")
	offsets = [int(offset) for offset in re.findall(rb"(\d{10}) 00000 n ", pdf)]
	assert [pdf[offset:].startswith(b"%d 0 obj" % number) for number, offset in enumerate(offsets, 1)] == [
		True
	] * 5
	length, stream = re.search(rb"/Length (\d+) >>\nstream\n(.*)\nendstream", pdf, re.S).groups()
	assert int(length) == len(stream)
