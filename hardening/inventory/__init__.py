"""Ansible inventories as values: which hosts there are, and how each is reached, exactly as Ansible sees it.

Ansible itself reads the sources, matches the pattern and resolves templates; we only translate, and refuse
by name what we cannot honour.
"""

from __future__ import annotations

from hardening.inventory.load import load_inventory
from hardening.inventory.secrets import VaultSecrets, secret_from_file
from hardening.inventory.values import Duplicate, Inventory, InventoryHost

__all__ = ["Duplicate", "Inventory", "InventoryHost", "VaultSecrets", "load_inventory", "secret_from_file"]
