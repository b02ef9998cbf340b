"""Builds the wheel that `az extension add` installs. The provider's client is copied
into it from clients/python: the wheel needs nothing but az."""

import shutil
from pathlib import Path

from setuptools import find_packages, setup
from setuptools.command.build_py import build_py

HERE = Path(__file__).resolve().parent
CLIENT = HERE.parent / "python" / "aro_redhatopenshift"
API_VERSION = "v2025_07_25"


class WithClient(build_py):
    """Adds the one api-version that the extension uses."""

    def run(self):
        super().run()
        target = Path(self.build_lib) / "azext_aro" / "vendored_sdks" / CLIENT.name
        shutil.rmtree(target, ignore_errors=True)
        target.mkdir(parents=True)
        for name in ("__init__.py", "py.typed"):
            shutil.copy(CLIENT / name, target / name)
        # az has no event loop.
        shutil.copytree(CLIENT / API_VERSION, target / API_VERSION, ignore=shutil.ignore_patterns("aio", "__pycache__"))


setup(
    name="aro",
    version="2.0.0",
    description="az aro: managed OpenShift clusters on Azure",
    long_description=(HERE / "README.md").read_text(encoding="utf-8")
    + "\n"
    + (HERE / "HISTORY.md").read_text(encoding="utf-8"),
    long_description_content_type="text/markdown",
    license="Apache-2.0",
    url="https://github.com/aro-rp/aro",
    classifiers=[
        "Development Status :: 4 - Beta",
        "Intended Audience :: Developers",
        "Intended Audience :: System Administrators",
        "Programming Language :: Python :: 3",
        "License :: OSI Approved :: Apache Software License",
    ],
    python_requires=">=3.9",
    packages=find_packages(include=["azext_aro", "azext_aro.*"], exclude=["*.tests", "*.tests.*"]),
    package_data={"azext_aro": ["azext_metadata.json"]},
    cmdclass={"build_py": WithClient},
)
