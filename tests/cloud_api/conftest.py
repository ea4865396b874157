import pytest


@pytest.fixture(autouse=True)
def plain_environment(monkeypatch):
	"""No proxy of the machine that runs the tests stands between them and their servers."""
	for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
		monkeypatch.delenv(name, raising=False)
		monkeypatch.delenv(name.upper(), raising=False)
