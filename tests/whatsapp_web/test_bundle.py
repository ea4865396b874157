from __future__ import annotations

import io
import json
import tarfile

import pytest

from whatsapp_integration.core.config import WebConfig
from whatsapp_integration.whatsapp_web import bundle
from whatsapp_integration.whatsapp_web.bundle import Bundle, load
from whatsapp_integration.whatsapp_web.errors import SetupError

SOURCE = "/*! License */\n/*! wppconnect-team/wa-js v4.6.0 */(()=>{})()"

# Puts the file PACKAGE where npm would put what it fetched, and says how it was called.
NPM = """#!/bin/sh
echo "$@" >> "$CALLS"
[ -n "$PACKAGE" ] || { echo "404 Not Found" >&2; exit 1; }
/bin/cp "$PACKAGE" wppconnect-wa-js.tgz
"""


@pytest.fixture
def modules(tmp_path, monkeypatch):
	"""The node_modules of an installed app, with wa-js 4.6.0 in it."""
	folder = tmp_path / "apps/whatsapp_integration/node_modules"
	install(folder, "4.6.0")
	monkeypatch.setattr(bundle, "NODE_MODULES", (tmp_path / "apps/missing/node_modules", folder))
	return folder


@pytest.fixture
def npm(tmp_path, monkeypatch):
	"""An npm that fetches what `pack` has packed; `calls` are the arguments it got."""
	path = tmp_path / "bin/npm"
	path.parent.mkdir()
	path.write_text(NPM)
	path.chmod(0o755)
	monkeypatch.setenv("PATH", str(path.parent))
	monkeypatch.setenv("CALLS", str(tmp_path / "calls"))
	monkeypatch.setenv("PACKAGE", str(tmp_path / "package.tgz"))
	return tmp_path


def install(folder, version, source=SOURCE, name="@wppconnect/wa-js"):
	script = folder / "@wppconnect/wa-js/dist/wppconnect-wa.js"
	script.parent.mkdir(parents=True)
	script.write_text(source)
	(script.parents[1] / "package.json").write_text(json.dumps({"name": name, "version": version}))
	return script


def manifest(version, name="@wppconnect/wa-js"):
	return json.dumps({"name": name, "version": version}).encode()


def pack(folder, files):
	with tarfile.open(folder / "package.tgz", "w:gz") as package:
		for name, content in files.items():
			member = tarfile.TarInfo(name)
			if isinstance(content, bytes):
				member.size = len(content)
				package.addfile(member, io.BytesIO(content))
			else:
				member.type, member.linkname = tarfile.SYMTYPE, content
				package.addfile(member)


def calls(folder):
	path = folder / "calls"
	return path.read_text().splitlines() if path.exists() else []


def test_the_installed_bundle_is_the_default(modules, tmp_path):
	path = modules / "@wppconnect/wa-js/dist/wppconnect-wa.js"
	assert load(WebConfig(), tmp_path / "cache") == Bundle("4.6.0", str(path), SOURCE)


@pytest.mark.parametrize("version", ["4.6.0", " 4.6.0 "])
def test_the_installed_version_is_not_fetched(modules, npm, version):
	assert load(WebConfig(wa_js_version=version), npm / "cache").version == "4.6.0"
	assert calls(npm) == []


def test_another_version_is_fetched_once(modules, npm):
	pack(npm, {"package/package.json": manifest("4.7.0-alpha.1"), "package/dist/wppconnect-wa.js": b"new"})
	config = WebConfig(wa_js_version="4.7.0-alpha.1")
	first = load(config, npm / "cache")
	assert (first.version, first.source) == ("4.7.0-alpha.1", "new")
	assert load(config, npm / "cache") == first
	assert calls(npm) == ["pack @wppconnect/wa-js@4.7.0-alpha.1 --ignore-scripts --loglevel=error"]
	assert [str(path) for path in (npm / "cache").iterdir()] == [first.path]


def test_a_version_is_fetched_where_none_is_installed(npm, monkeypatch):
	monkeypatch.setattr(bundle, "NODE_MODULES", ())
	pack(npm, {"package/package.json": manifest("4.7.0"), "package/dist/wppconnect-wa.js": b"new"})
	assert load(WebConfig(wa_js_version="4.7.0"), npm / "cache").source == "new"


@pytest.mark.parametrize(
	"version",
	[
		"latest",
		"4.6",
		"--help",
		"4.6.1 --registry=x",
		"4.6.1;id",
		"../4.6.1",
		"4.6.1/../x",
		"4.6.1 x",
		"٤.٦.١",
	],
)
def test_what_is_no_version_never_reaches_npm(modules, npm, version):
	with pytest.raises(SetupError) as caught:
		load(WebConfig(wa_js_version=version), npm / "cache")
	assert caught.value.code == "wa_js_version"
	assert calls(npm) == []


def test_a_version_that_cannot_be_fetched_says_so_with_npms_reason(modules, npm, monkeypatch):
	monkeypatch.setenv("PACKAGE", "")
	with pytest.raises(SetupError) as caught:
		load(WebConfig(wa_js_version="9.9.9"), npm / "cache")
	assert caught.value.code == "wa_js_fetch"
	assert "404" in caught.value.details
	assert list((npm / "cache").iterdir()) == []


def test_without_npm_the_error_says_so(modules, tmp_path, monkeypatch):
	monkeypatch.setenv("PATH", str(tmp_path / "empty"))
	with pytest.raises(SetupError) as caught:
		load(WebConfig(wa_js_version="9.9.9"), tmp_path / "cache")
	assert "npm" in caught.value.details


@pytest.mark.parametrize(
	"files",
	[
		{"package/package.json": manifest("4.7.1"), "package/dist/wppconnect-wa.js": b"new"},
		{"package/package.json": manifest("4.7.0", name="other"), "package/dist/wppconnect-wa.js": b"new"},
		{"package/package.json": b"{", "package/dist/wppconnect-wa.js": b"new"},
		{"package/package.json": manifest("4.7.0")},
		{"package/package.json": manifest("4.7.0"), "package/dist/wppconnect-wa.js": "/etc/hostname"},
		{"package/package.json": manifest("4.7.0"), "package/dist/wppconnect-wa.js": b"\xff\xfe"},
	],
)
def test_a_package_that_is_not_what_was_asked_for_is_neither_used_nor_kept(modules, npm, files):
	pack(npm, files)
	with pytest.raises(SetupError) as caught:
		load(WebConfig(wa_js_version="4.7.0"), npm / "cache")
	assert caught.value.code == "wa_js_fetch"
	assert list((npm / "cache").iterdir()) == []


def test_a_file_that_is_far_too_large_is_refused(modules, npm, monkeypatch):
	monkeypatch.setattr(bundle, "MAX_BYTES", 1000)
	pack(npm, {"package/package.json": manifest("4.7.0"), "package/dist/wppconnect-wa.js": b"x" * 1001})
	with pytest.raises(SetupError):
		load(WebConfig(wa_js_version="4.7.0"), npm / "cache")


def test_a_broken_package_in_the_cache_is_an_error_that_names_it(modules, npm):
	(npm / "cache").mkdir()
	(npm / "cache/wa-js-4.7.0.tgz").write_bytes(b"broken")
	with pytest.raises(SetupError) as caught:
		load(WebConfig(wa_js_version="4.7.0"), npm / "cache")
	assert "wa-js-4.7.0.tgz" in caught.value.details


def test_a_configured_path_wins(modules, tmp_path):
	path = install(tmp_path / "mine", "5.0.0", source="mine")
	config = WebConfig(wa_js_path=str(path), wa_js_version="4.7.0")
	assert load(config, tmp_path / "cache") == Bundle("5.0.0", str(path), "mine")


@pytest.mark.parametrize(("source", "version"), [(SOURCE, "4.6.0"), ("(() => {})()", "")])
def test_a_file_beside_another_packages_manifest_tells_its_version_itself(tmp_path, source, version):
	path = install(tmp_path / "mine", "1.2.3", source=source, name="something-else")
	assert load(WebConfig(wa_js_path=str(path)), tmp_path / "cache").version == version


def test_a_configured_path_that_is_missing_is_an_error_though_one_is_installed(modules, tmp_path):
	with pytest.raises(SetupError) as caught:
		load(WebConfig(wa_js_path=str(tmp_path / "missing.js")), tmp_path / "cache")
	assert caught.value.code == "wa_js_path"
	assert "missing.js" in str(caught.value)


def test_without_any_bundle_the_error_says_what_to_run(tmp_path, monkeypatch):
	monkeypatch.setattr(bundle, "NODE_MODULES", (tmp_path / "node_modules",))
	with pytest.raises(SetupError) as caught:
		load(WebConfig(), tmp_path / "cache")
	assert caught.value.code == "no_wa_js"
	assert "bench setup requirements --node" in caught.value.advice
