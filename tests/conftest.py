from pathlib import Path

import pytest
from hypothesis import settings

# A slow machine is no failure.
settings.register_profile("whatsapp_integration", deadline=None, print_blob=True)
settings.load_profile("whatsapp_integration")


@pytest.fixture(scope="session")
def root() -> Path:
	"""The folder of the repository."""
	return Path(__file__).resolve().parent.parent
