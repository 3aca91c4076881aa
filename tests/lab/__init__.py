"""Real hosts for the tests, the demo, the proof and the bench: systemd-nspawn systems and QEMU machines.

See README.md beside this file for the commands.
"""
