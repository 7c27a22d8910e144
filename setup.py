"""Puts ``assets/`` into the wheel as ``segdemo/assets``; everything else stands in ``pyproject.toml``."""

import shutil
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py


class BuildWithAssets(build_py):
    """Copies the package afresh, so that nothing of an earlier build gets in, and then the assets."""

    def run(self) -> None:
        """Build ``segdemo`` with its assets; an editable install finds them beside the package instead."""
        if self.editable_mode:
            super().run()
            return
        built = Path(self.build_lib) / "segdemo"
        shutil.rmtree(built, ignore_errors=True)
        super().run()
        shutil.copytree("assets", built / "assets")


setup(cmdclass={"build_py": BuildWithAssets})
