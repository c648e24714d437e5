"""What the generated packages and their command line are called."""

from __future__ import annotations

import keyword
import re
import sys
from typing import Final, Self

from attrs import frozen

from cl_codegen.faults import PackageError
from cl_codegen.text import naming

_TAKEN: Final = frozenset(["cl_api", "cl_client", "cl_codegen", "cl_ml_tools", "cl_plugins", "cl_server"])


@frozen
class Layout:
    """Names of what is generated.

    Attributes:
        wire: package of the wire layer of the server that runs the jobs.
        plugins: package of the plugin layer.
        program: the command line.
        sync: package of the client without async.
        operations: package of the operations that are no jobs.
        contract: module of what the server calls things.
        client: how code calls the client of the server.
    """

    wire: str
    plugins: str
    program: str
    sync: str
    operations: str
    contract: str
    client: str = "client"

    @classmethod
    def of_package(cls, name: str) -> Self:
        """All in one package, for a server that is not ours.

        Raises:
            PackageError: the name is no package, or one that is there already.
        """
        if re.fullmatch(r"[a-z][a-z0-9_]*", name) is None or keyword.iskeyword(name):
            raise PackageError(f"{name!r} isn't a name for a package: lower case, digits and _, such as my_client")
        if name in _TAKEN or name in sys.stdlib_module_names:
            raise PackageError(f"{name!r} is taken by another package: choose a name of its own, such as my_client")
        return cls(
            wire=f"{name}.api",
            plugins=f"{name}.plugins",
            program=naming.kebab(name),
            sync=f"{name}.sync",
            operations=f"{name}.operations",
            contract=f"{name}.contract",
        )

    def of_service(self, name: str) -> Self:
        """Those of one of several servers in a package whose names these are."""
        package = f"{self.package}.{name}"
        return type(self)(
            wire=f"{package}.api",
            plugins=f"{package}.plugins",
            program=f"{self.program} {naming.kebab(name)}",
            sync=f"{package}.sync",
            operations=f"{package}.operations",
            contract=f"{package}.contract",
            client=f"{self.client}.{name}",
        )

    @property
    def package(self) -> str:
        """What all of it is in."""
        return self.wire.removesuffix(".api")


OURS: Final = Layout(
    wire="cl_api.compute",
    plugins="cl_plugins",
    program="cl-client",
    sync="cl_sync",
    operations="cl_plugins.operations",
    contract="cl_plugins.contract",
)
"""Those of cl-client itself."""
