"""Every inspection item is put to the proof on a lab host: its fault is caused, found, mended, and gone again."""
