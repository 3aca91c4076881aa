"""The proof: every control is broken, seen to fail, applied, seen to pass, applied again and undone, on real hosts."""
