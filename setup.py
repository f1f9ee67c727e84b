"""Ships the top-level folder `configs/` as `rrgraph/configs`; everything else is in setup.cfg.

A `package_dir` entry would do that too, but then editable installs go through an import hook, and a script beside a
clone called `rrgraph` imports the clone's folder in place of the package.
"""

from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py


class BuildWithConfigs(build_py):
    """Copies the packages, then the configurations into the copy."""

    def run(self) -> None:
        super().run()
        if not self.editable_mode:
            self.copy_tree("configs", str(Path(self.build_lib, "rrgraph", "configs")))

    def get_outputs(self, include_bytecode: bool = True) -> list[str]:
        copied = [str(Path(self.build_lib, "rrgraph", path)) for path in Path("configs").rglob("*.yaml")]
        return [*super().get_outputs(include_bytecode), *copied]


setup(cmdclass={"build_py": BuildWithConfigs})
