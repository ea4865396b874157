"""Every text that a person may read on the desk is in the translations, with the same places."""

import ast
import csv
import json
import re
from collections import Counter

import pytest

UNTRANSLATED_ROOMS = ("sandbox", "cli", "commands", "tests")  # they speak English to developers
# Labels that Frappe translates itself, with the meaning that they have here too.
FRAPPE_WORDS = {
	"Actions",
	"Cancel",
	"Chat",
	"Country",
	"Details",
	"Disabled",
	"File Name",
	"General",
	"Group",
	"Retry",
	"Send",
	"Send Now",
	"Setup",
	"Settings",
	"Status",
	"Template",
	"To",
	"Type",
	"Your Shortcuts",
}
SAME_IN_ALL_LANGUAGES = {"SHA-256"}
LAYOUT_KEYS = ("name", "label", "group", "format", "title")
PLACE = re.compile(r"\{\w*\}")
# __("text"), __('text') or __(`text`), the text perhaps on a line of its own
JS_TEXT = re.compile(r"""\b__\(\s*(["'`])((?:\\.|(?!\1).)*)\1""", re.DOTALL)
JS_VARIABLE = "${"


@pytest.fixture(scope="module")
def package(root):
	return root / "whatsapp_integration"


@pytest.fixture(scope="module")
def translated(package):
	return {source for source, *_ in read_rows(package / "translations" / "ar.csv")}


def read_rows(path):
	with open(path, encoding="utf-8", newline="") as file:
		return list(csv.reader(file))


def python_texts(package):
	for path in sorted(package.rglob("*.py")):
		if path.relative_to(package).parts[0] in UNTRANSLATED_ROOMS:
			continue
		for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
			is_marked = isinstance(node, ast.Call) and getattr(node.func, "id", "") in ("_", "marked")
			if is_marked and node.args and isinstance(node.args[0], ast.Constant):
				yield node.args[0].value, path.name


def js_texts(package):
	for path in sorted(package.rglob("*.js")):
		parts = path.relative_to(package).parts
		if parts[0] in UNTRANSLATED_ROOMS or "dist" in parts:
			continue
		for match in JS_TEXT.finditer(path.read_text(encoding="utf-8")):
			yield match[2], path.name


def doctype_texts(package):
	for path in sorted(package.glob("*/doctype/*/*.json")):
		doctype = json.loads(path.read_text(encoding="utf-8"))
		yield doctype["name"], path.name
		yield from ((link.get("group", ""), path.name) for link in doctype.get("links", ()))
		for field in doctype["fields"]:
			if field.get("hidden"):
				continue
			yield field.get("label", ""), path.name
			yield field.get("description", ""), path.name
			if field["fieldtype"] == "Select":
				yield from ((option, path.name) for option in field.get("options", "").split("\n"))


def page_texts(package):
	"""What the workspace and its cards say."""
	for path in sorted([*package.glob("*/workspace/*/*.json"), *package.glob("*/number_card/*/*.json")]):
		page = json.loads(path.read_text(encoding="utf-8"))
		for block in (page, *page.get("links", ()), *page.get("shortcuts", ())):
			yield from ((block.get(key) or "", path.name) for key in LAYOUT_KEYS)
		for block in json.loads(page.get("content", "[]")):
			if block["type"] == "header":
				yield re.sub("<[^>]+>", "", block["data"]["text"]), path.name


def untranslated(texts, translated):
	known = translated | FRAPPE_WORDS | SAME_IN_ALL_LANGUAGES
	return sorted({(text, where) for text, where in texts if text.strip() and text not in known})


@pytest.mark.parametrize("find", [python_texts, js_texts, doctype_texts, page_texts])
def test_every_text_has_its_arabic(package, translated, find):
	texts = list(find(package))
	assert len(texts) > 5
	assert untranslated(texts, translated) == []


def test_every_translation_keeps_the_places_of_its_source(package):
	wrong = [
		(path.name, source)
		for path in sorted((package / "translations").glob("*.csv"))
		for source, text, *_ in read_rows(path)
		if Counter(PLACE.findall(source)) != Counter(PLACE.findall(text))
	]
	assert wrong == []


def test_no_translation_is_empty_or_given_twice(package):
	for path in sorted((package / "translations").glob("*.csv")):
		rows = read_rows(path)
		assert [row for row in rows if len(row) != 3 or not row[0].strip() or not row[1].strip()] == []
		keys = Counter((source, context) for source, _, context in rows)
		assert [key for key, count in keys.items() if count > 1] == [], path.name


def test_no_text_of_a_script_is_put_together_before_it_is_translated(package):
	assert [(text, where) for text, where in js_texts(package) if JS_VARIABLE in text] == []


def test_no_allowed_word_is_allowed_in_vain(package):
	used = {text for find in (python_texts, js_texts, doctype_texts, page_texts) for text, _ in find(package)}
	assert (FRAPPE_WORDS | SAME_IN_ALL_LANGUAGES) - used == set()
