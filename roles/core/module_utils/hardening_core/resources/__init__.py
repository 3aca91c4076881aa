"""Every kind of resource there is, by name: what an undo may touch. A new kind is a module here and a line below."""

from __future__ import annotations

from typing import Dict

from ..host import Host
from .base import Resource
from .file import FileResource
from .kernel_module import KernelModuleResource
from .mount import MountResource
from .package import PackageResource
from .pam import PamArgumentResource, PamProfileResource
from .postgresql import PublicCreateResource, RoleAttributeResource
from .runtime import RuntimeResource
from .sysctl import SysctlResource
from .unit import UnitResource


def resources_of(host: Host) -> Dict[str, Resource]:
    """Return one reader and writer per kind."""
    every = (
        PackageResource(host),
        FileResource(host),
        PamProfileResource(host),
        PamArgumentResource(host),
        KernelModuleResource(host),
        MountResource(host),
        RoleAttributeResource(host),
        PublicCreateResource(host),
        SysctlResource(host),
        RuntimeResource(host),
        UnitResource(host),
    )
    return {resource.kind: resource for resource in every}
