"""The control page of an emulator: what people and scripts see of it and change while it runs."""

from __future__ import annotations

from authkit.emulator.control.controls import Action, Controls, Table
from authkit.emulator.control.page import CONTROL_PATH, ControlPage

__all__ = ["CONTROL_PATH", "Action", "ControlPage", "Controls", "Table"]
