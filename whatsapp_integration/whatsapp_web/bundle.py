"""Finds wa-js, the script that drives WhatsApp Web from inside its page.

It breaks with WhatsApp's updates about once a month. So which one is used is a setting, and a newer one needs no release
of this app.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import tarfile
import tempfile
from dataclasses import dataclass
from pathlib import Path
from zlib import error as ZlibError

from whatsapp_integration.core.config import WebConfig
from whatsapp_integration.core.errors import _
from whatsapp_integration.whatsapp_web.errors import SetupError

PACKAGE = "@wppconnect/wa-js"
SCRIPT = "dist/wppconnect-wa.js"
MANIFEST = "package.json"

NPM_SECONDS = 120  # the package is 4 MB
MAX_BYTES = 20_000_000  # of one file in the package; the script has 0.5 MB

_APP = Path(__file__).resolve().parents[2]
NODE_MODULES = (_APP / "node_modules", _APP.parent / "node_modules")

# Source: semver.org. Nothing that can be taken for an option or for more than one word.
_SEMVER = re.compile(r"\d{1,9}(\.\d{1,9}){2}([-+][0-9A-Za-z]+([.+-][0-9A-Za-z]+)*)?", re.ASCII)
_BANNER = re.compile(
	r"wa-js v(\S+)"
)  # "/*! wppconnect-team/wa-js v4.6.0 */", in the first lines of the script


class BundleMissing(SetupError):
	"""There is no wa-js as the settings want it."""

	advice = _(
		"Run: bench setup requirements --node. Or choose another wa-js in WhatsApp Settings. Then press Restart."
	)


@dataclass(frozen=True)
class Bundle:
	"""wa-js: its version ("" if that can't be told), the file it came from, and its source."""

	version: str
	path: str
	source: str


def load(config: WebConfig, cache: Path) -> Bundle:
	"""Load what the settings name, else what was installed with the app. Raises BundleMissing.

	A version other than the installed one is fetched with npm, once, and kept in `cache`.
	"""
	if config.wa_js_path:
		return _load_file(Path(config.wa_js_path))
	installed = _find_installed()
	wanted = config.wa_js_version.strip()
	if wanted and wanted != (_read_version(installed / MANIFEST) if installed else ""):
		return _load_version(wanted, cache)
	if installed is None:
		raise BundleMissing(
			_("{0} is not installed with this app."),
			PACKAGE,
			code="no_wa_js",
		)
	return _load_file(installed / SCRIPT)


def _find_installed() -> Path | None:
	for folder in NODE_MODULES:
		if (folder / PACKAGE / SCRIPT).is_file():
			return folder / PACKAGE
	return None


def _load_file(path: Path) -> Bundle:
	try:
		if not path.is_file() or path.stat().st_size > MAX_BYTES:
			raise OSError(f"{path} is no file of at most {MAX_BYTES} bytes")
		source = path.read_text(encoding="utf-8")
	except (OSError, UnicodeDecodeError) as err:
		raise BundleMissing(
			_("The file {0} of wa-js can't be read. Correct its path in WhatsApp Settings, or clear it."),
			path,
			code="wa_js_path",
			details=str(err),
		) from err
	version = next(filter(None, (_read_version(folder / MANIFEST) for folder in list(path.parents)[:2])), "")
	return Bundle(version or _read_banner(source), str(path), source)


def _read_version(manifest: Path) -> str:
	"""Return the version in a package.json, "" where that is not wa-js' own."""
	try:
		return _version_in(manifest.read_bytes())
	except OSError:
		return ""


def _version_in(manifest: bytes) -> str:
	try:
		package = json.loads(manifest)
	except ValueError:
		return ""
	is_ours = isinstance(package, dict) and package.get("name") == PACKAGE
	return str(package.get("version", "")) if is_ours else ""


def _read_banner(source: str) -> str:
	banner = _BANNER.search(source[:1000])
	return banner[1] if banner and _SEMVER.fullmatch(banner[1]) else ""


def _load_version(version: str, cache: Path) -> Bundle:
	if not _SEMVER.fullmatch(version):
		raise BundleMissing(
			_("{0} is no version of wa-js. Write it like 4.6.0."), version, code="wa_js_version"
		)
	package = cache / f"wa-js-{version}.tgz"
	if not package.is_file():
		cache.mkdir(parents=True, exist_ok=True)
		with tempfile.TemporaryDirectory(dir=cache) as folder:
			fetched = _fetch(version, Path(folder))
			_load_package(fetched, version)
			os.replace(fetched, package)
	return _load_package(package, version)


def _fetch(version: str, folder: Path) -> Path:
	"""Fetch the package with npm, which checks it against the registry's digest, and runs nothing of it."""
	npm = shutil.which("npm")
	if npm is None:
		raise _not_fetched(version, "npm is not installed")
	try:
		done = subprocess.run(
			[npm, "pack", f"{PACKAGE}@{version}", "--ignore-scripts", "--loglevel=error"],
			cwd=folder,
			stdin=subprocess.DEVNULL,
			capture_output=True,
			text=True,
			errors="replace",
			timeout=NPM_SECONDS,
		)
	except (OSError, subprocess.TimeoutExpired) as err:
		raise _not_fetched(version, str(err)) from err
	packages = list(folder.glob("*.tgz"))
	if done.returncode or len(packages) != 1:
		raise _not_fetched(version, done.stderr.strip())
	return packages[0]


def _load_package(path: Path, version: str) -> Bundle:
	"""Read the script out of a package, unpacking nothing to disk."""
	try:
		with tarfile.open(path, "r:gz") as package:
			found = _version_in(_read_member(package, MANIFEST))
			source = _read_member(package, SCRIPT).decode("utf-8")
	except (OSError, EOFError, KeyError, ValueError, tarfile.TarError, ZlibError) as err:
		raise _not_fetched(version, f"{path}: {err!r}") from err
	if found != version:
		raise _not_fetched(version, f"{path} holds version {found or '?'}")
	return Bundle(version, str(path), source)


def _read_member(package: tarfile.TarFile, name: str) -> bytes:
	member = package.getmember(f"package/{name}")
	if not member.isfile() or member.size > MAX_BYTES:
		raise ValueError(f"{name} is no file of a sensible size")
	return package.extractfile(member).read()


def _not_fetched(version: str, details: str) -> BundleMissing:
	return BundleMissing(
		_(
			"wa-js {0} could not be fetched. Check the version, npm and the internet connection of this server."
		),
		version,
		code="wa_js_fetch",
		details=details,
	)
