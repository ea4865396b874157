from setuptools import setup

# Everything else is in pyproject.toml; bench reads the name from here.
setup(name="whatsapp_integration")
