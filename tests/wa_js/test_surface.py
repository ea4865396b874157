"""What our bridge needs of wa-js, held against the real package.

To take a newer wa-js: change its version in package.json, run npm install, run the tests in this folder. Green means
that every function and event the bridge uses is still there (this file), still does with WhatsApp's modules what the
bridge counts on (test_linking.py, test_sending.py, test_receiving.py), and that the bridge itself works with it
(test_bridge.py, test_bridge_events.py). A complaint about a module that was not found says what a newer wa-js looks
for: give it to the stand-in (stub/). None of it says anything about WhatsApp itself: link a real device before a
release.
"""

from __future__ import annotations

import json
import re

import pytest

from tests.wa_js import stand_in

SURFACE = json.loads((stand_in.FOLDER / "surface.json").read_text(encoding="utf-8"))
OUR_SCRIPTS = stand_in.ROOT / "whatsapp_integration/whatsapp_web"
NAMESPACES = "|".join(name.removeprefix("WPP.") for name in SURFACE["functions"] if "." in name)


@pytest.fixture
def declarations(bundle) -> str:
	"""The types of all events, as the package declares them."""
	files = sorted((stand_in.PACKAGE / "dist").glob("*/**/eventTypes.d.ts"))
	return "\n".join(file.read_text(encoding="utf-8") for file in files)


@pytest.fixture
def our_scripts() -> str:
	return "\n".join(script.read_text(encoding="utf-8") for script in sorted(OUR_SCRIPTS.rglob("*.js")))


def test_the_installed_wa_js_is_the_version_that_package_json_names(bundle):
	wanted = json.loads((stand_in.ROOT / "package.json").read_text(encoding="utf-8"))
	installed = json.loads((stand_in.PACKAGE / "package.json").read_text(encoding="utf-8"))
	assert installed["version"] == wanted["dependencies"]["@wppconnect/wa-js"], "run npm install"


def test_the_licences_that_have_to_be_shipped_are_in_the_package(bundle):
	assert "Apache License" in (stand_in.PACKAGE / "LICENSE").read_text(encoding="utf-8")
	assert (stand_in.PACKAGE / "dist/wppconnect-wa.js.LICENSE.txt").is_file()


def test_every_function_that_we_use_is_a_function_of_the_real_wa_js(unlinked):
	types = stand_in.run(
		unlinked,
		"""
		const find = (path) => path.split(".").reduce((found, name) => found?.[name], window);
		return Object.entries(a).flatMap(([path, names]) =>
			names.map((name) => [`${path}.${name}`, typeof find(path)?.[name]]));
		""",
		SURFACE["functions"],
	)
	assert len(types) == sum(map(len, SURFACE["functions"].values()))
	assert [name for name, kind in types if kind != "function"] == []


def test_every_flag_that_we_read_is_there(unlinked):
	assert (
		stand_in.run(unlinked, "return a.filter((name) => WPP[name] === undefined);", SURFACE["flags"]) == []
	)


@pytest.mark.parametrize("event", SURFACE["events"])
def test_every_event_that_we_hear_is_declared_and_emitted_by_the_real_wa_js(event, declarations, bundle):
	assert f"'{event}':" in declarations
	assert re.search(rf'\.emit(Async)?\("{re.escape(event)}"', bundle)


def test_an_event_that_wa_js_does_not_know_would_be_noticed(declarations, bundle):
	assert "'chat.msg_renamed':" not in declarations
	assert not re.search(r'\.emit(Async)?\("chat\.msg_renamed"', bundle)


def test_our_scripts_use_no_function_and_no_event_that_is_not_on_the_list(our_scripts):
	calls = set(re.findall(rf"\bWPP\.({NAMESPACES})\.(\w+)", our_scripts))
	listed = {
		(path.removeprefix("WPP."), name) for path, names in SURFACE["functions"].items() for name in names
	}
	events = set(re.findall(r'"((?:chat|conn)\.\w+)"', our_scripts))
	assert calls - listed == set()
	assert events - set(SURFACE["events"]) == set()


def test_wa_js_starts_without_a_complaint(wa_page, bundle):
	driver = wa_page([stand_in.CONFIG, bundle, stand_in.RECORDER])
	stand_in.wait_until_ready(driver)
	assert [entry["message"] for entry in driver.get_log("browser") if entry["level"] == "SEVERE"] == []


def test_wa_js_gets_ready_in_the_order_that_our_session_waits_for(unlinked):
	stages = [name for name in stand_in.events(unlinked) if name.startswith("loader.")]
	assert stages == ["loader.injected", "loader.ready", "loader.full_ready"]
	assert stand_in.run(unlinked, "return [WPP.isInjected, WPP.isReady, WPP.isFullReady];") == [True] * 3
